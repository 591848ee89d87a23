"""Java: imported and `java.lang` classes of the JDK, in Oracle's API pages.

Third-party classes would need the coordinates of their artifact, which the source does not name;
they have a gap. Members are linked to their class: an anchor needs the parameter types.
"""

from __future__ import annotations

import re

import tree_sitter_java
from tree_sitter import Language, Node

from linewise_server.apidocs.languages.answer import from_scheme
from linewise_server.apidocs.library import Library
from linewise_server.apidocs.link import Resolution
from linewise_server.apidocs.source import Source, Span, Syntax

_JAVA = Language(tree_sitter_java.language())
_KINDS = frozenset({"identifier", "type_identifier"})
_RELEASE = "21"
_MODULES = {
    "java.base": "java.io java.lang java.math java.net java.nio java.security java.text java.time"
    " java.util javax.crypto javax.net javax.security.auth",
    "java.sql": "java.sql javax.sql",
    "java.net.http": "java.net.http",
    "java.logging": "java.util.logging",
    "java.prefs": "java.util.prefs",
    "java.desktop": "java.awt java.beans javax.swing javax.imageio javax.print javax.sound",
    "java.xml": "javax.xml org.w3c.dom org.xml.sax",
    "java.management": "java.lang.management javax.management",
    "java.instrument": "java.lang.instrument",
    "java.compiler": "javax.tools javax.lang.model javax.annotation.processing",
    "java.naming": "javax.naming",
    "java.rmi": "java.rmi",
    "java.scripting": "javax.script",
}
_MODULE_OF = {package: module for module, names in _MODULES.items() for package in names.split()}
_JAVA_LANG = frozenset(
    [
        "Appendable",
        "ArithmeticException",
        "ArrayIndexOutOfBoundsException",
        "AssertionError",
        "AutoCloseable",
        "Boolean",
        "Byte",
        "CharSequence",
        "Character",
        "Class",
        "ClassCastException",
        "ClassLoader",
        "ClassNotFoundException",
        "Cloneable",
        "Comparable",
        "Deprecated",
        "Double",
        "Enum",
        "Error",
        "Exception",
        "Float",
        "FunctionalInterface",
        "IllegalArgumentException",
        "IllegalStateException",
        "IndexOutOfBoundsException",
        "Integer",
        "InterruptedException",
        "Iterable",
        "Long",
        "Math",
        "Module",
        "NullPointerException",
        "Number",
        "NumberFormatException",
        "Object",
        "OutOfMemoryError",
        "Override",
        "Process",
        "ProcessBuilder",
        "Readable",
        "Record",
        "Runnable",
        "Runtime",
        "RuntimeException",
        "SafeVarargs",
        "Short",
        "StackOverflowError",
        "StackTraceElement",
        "StrictMath",
        "String",
        "StringBuffer",
        "StringBuilder",
        "SuppressWarnings",
        "System",
        "Thread",
        "ThreadLocal",
        "Throwable",
        "UnsupportedOperationException",
        "Void",
    ]
)


def resolve(source: Source, offset: int, _: Library) -> Resolution | None:
    """Return what stands at `offset`."""
    syntax = Syntax(source.text, _JAVA)
    node = syntax.leaf_at(offset, _KINDS)
    if node is None or node.parent is None:
        return None
    parent, text, span = node.parent, syntax.of(node), syntax.span(node)
    imported = _import_path(syntax, node)
    if imported is not None:
        return _answer(imported, "", span)
    if parent.type in ("method_invocation", "field_access"):
        owner = parent.child_by_field_name("object")
        if owner is not None and owner != node and owner.type == "identifier":
            return _answer(_class_named(syntax, syntax.of(owner)), text, span)
    return _answer(_class_named(syntax, text), "", span)


def _import_path(syntax: Syntax, node: Node) -> str | None:
    """Return the dotted name up to a node of an import; None elsewhere."""
    path, parent = node, node.parent
    while parent is not None and parent.type == "scoped_identifier":
        if parent.child_by_field_name("name") == node:
            path = parent
        parent = parent.parent
    inside = parent is not None and parent.type == "import_declaration"
    return syntax.of(path) if inside else None


def _class_named(syntax: Syntax, name: str) -> str:
    """Return the full name of a class by the file's imports, else `java.lang`, else nothing."""
    word = re.escape(name)
    if re.search(rf"\b(class|interface|enum|record)\s+{word}\b", syntax.text):
        return ""
    match = re.search(rf"^\s*import\s+([\w.]+\.{word})\s*;", syntax.text, re.MULTILINE)
    if match:
        return match[1]
    return f"java.lang.{name}" if name in _JAVA_LANG else ""


def _answer(full: str, member: str, span: Span) -> Resolution | None:
    package, _, name = full.rpartition(".")
    module = _module(package)
    if not module or not name[:1].isupper():
        return None
    base = f"https://docs.oracle.com/en/java/javase/{_RELEASE}/docs/api/"
    path = f"{module}/{package.replace('.', '/')}/{name}.html"
    whole = f"{full}.{member}" if member else full
    kind = "member" if member else "class"
    caption = f"Java {_RELEASE}"
    return from_scheme(whole, kind, module, span, (base, path), caption, exact=not member)


def _module(package: str) -> str:
    while package:
        if package in _MODULE_OF:
            return _MODULE_OF[package]
        package = package.rpartition(".")[0]
    return ""

"""Java: imported and `java.lang` classes of the JDK, in Oracle's API pages.

Third-party classes would need the coordinates of their artifact, which the source does not name;
they have a gap. Members are linked to their class: an anchor needs the parameter types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

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
    "java.base": "java.io* java.lang* java.math* java.net* java.nio* java.security* java.text*"
    " java.time* java.util* javax.crypto* javax.net* javax.security.auth"
    " javax.security.auth.callback javax.security.auth.login javax.security.auth.spi"
    " javax.security.auth.x500",
    "java.compiler": "javax.annotation.processing javax.lang.model* javax.tools",
    "java.desktop": "java.applet java.awt* java.beans* javax.accessibility javax.imageio*"
    " javax.print* javax.sound* javax.swing*",
    "java.instrument": "java.lang.instrument",
    "java.logging": "java.util.logging",
    "java.management": "java.lang.management javax.management javax.management.loading"
    " javax.management.modelmbean javax.management.monitor javax.management.openmbean"
    " javax.management.relation javax.management.remote javax.management.timer",
    "java.management.rmi": "javax.management.remote.rmi",
    "java.naming": "javax.naming*",
    "java.net.http": "java.net.http",
    "java.prefs": "java.util.prefs",
    "java.rmi": "java.rmi* javax.rmi.ssl",
    "java.scripting": "javax.script",
    "java.security.jgss": "javax.security.auth.kerberos org.ietf.jgss",
    "java.security.sasl": "javax.security.sasl",
    "java.smartcardio": "javax.smartcardio",
    "java.sql": "java.sql javax.sql",
    "java.sql.rowset": "javax.sql.rowset*",
    "java.transaction.xa": "javax.transaction.xa",
    "java.xml": "javax.xml javax.xml.catalog javax.xml.datatype javax.xml.namespace"
    " javax.xml.parsers javax.xml.stream* javax.xml.transform* javax.xml.validation"
    " javax.xml.xpath org.w3c.dom* org.xml.sax*",
    "java.xml.crypto": "javax.xml.crypto*",
}
"""Modules of the JDK and their packages; a star stands for the packages inside as well. Names that
other projects share, as `javax.xml.bind` does, are why not every package has one."""
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
        return _answer(imported, span)
    owner = parent.child_by_field_name("object")
    if parent.type == "method_invocation" and owner is None:
        return _answer(_static(syntax, text), span)
    if owner is not None and owner != node:
        if owner.type not in ("identifier", "field_access"):
            return None
        return _answer(_full(source, syntax, f"{syntax.of(owner)}.{text}"), span)
    if node.type == "identifier" and owner != node and parent.type not in _NAMING:
        return None
    if parent.type == "type_parameter" or (parent.type == "method_reference" and _is_last(node)):
        return None
    return _answer(_full(source, syntax, _qualified(syntax, node)), span)


_NAMING = frozenset(
    {"annotation", "marker_annotation", "method_reference", "scoped_identifier", "throws"}
)
"""Where an identifier that is no type's syntactically may still name a class."""


def _is_last(node: Node) -> bool:
    return node.parent is not None and node == node.parent.named_children[-1]


def _import_path(syntax: Syntax, node: Node) -> str | None:
    """Return the dotted name up to a node of an import; None elsewhere."""
    path, parent = node, node.parent
    while parent is not None and parent.type == "scoped_identifier":
        if parent.child_by_field_name("name") == node:
            path = parent
        parent = parent.parent
    inside = parent is not None and parent.type == "import_declaration"
    return syntax.of(path) if inside else None


def _qualified(syntax: Syntax, node: Node) -> str:
    """Return the dotted name of a type up to a node: `Map.Entry` at `Entry`."""
    parent = node.parent
    dotted = parent is not None and parent.type in ("scoped_type_identifier", "scoped_identifier")
    if parent is not None and dotted and _is_last(node):
        return re.sub(r"\s", "", syntax.of(parent))
    return syntax.of(node)


def _full(source: Source, syntax: Syntax, written: str) -> str:
    """Return the full name of a class or its member as it is written, empty where unknown."""
    if not re.fullmatch(r"[\w.]+", written):
        return ""
    head, _, rest = written.partition(".")
    full = written if _is_package(written) else _class_named(source, syntax, head)
    return f"{full}.{rest}" if full and rest and full != written else full


def _is_package(written: str) -> bool:
    return written.startswith(("java.", "javax.", "org."))


def _class_named(source: Source, syntax: Syntax, name: str) -> str:
    """Return the full name of a class by the file's imports, else `java.lang`, else nothing.

    What the file declares under this name comes first, as does a class in the same folder.
    """
    if any(_declares(node) for node in _named(syntax, name)):
        return ""
    match = re.search(rf"^\s*import\s+([\w.]+\.{re.escape(name)})\s*;", syntax.text, re.MULTILINE)
    if match:
        return match[1]
    beside = source.path is not None and source.path.with_name(f"{name}.java").exists()
    return f"java.lang.{name}" if name in _JAVA_LANG and not beside else ""


def _static(syntax: Syntax, name: str) -> str:
    """Return what `import static` binds a name to, unless a method here has it."""
    own = any(
        node.parent is not None and node.parent.type == "method_declaration"
        for node in _named(syntax, name)
    )
    pattern = rf"^\s*import\s+static\s+([\w.]+\.{re.escape(name)})\s*;"
    match = re.search(pattern, syntax.text, re.MULTILINE)
    return match[1] if match and not own else ""


def _named(syntax: Syntax, name: str) -> Iterator[Node]:
    for match in re.finditer(rb"(?<!\w)" + re.escape(name.encode()) + rb"(?!\w)", syntax.data):
        node = syntax.root.descendant_for_byte_range(match.start(), match.end())
        if node is not None and node.type in _KINDS:
            yield node


def _declares(node: Node) -> bool:
    """Whether a name is given to a class, a variable, a parameter or a type parameter here."""
    parent = node.parent
    if parent is None or parent.type in ("method_declaration", "method_invocation"):
        return False
    return parent.type == "type_parameter" or (
        parent.type != "annotation"
        and parent.type != "marker_annotation"
        and parent.type != "scoped_identifier"
        and parent.child_by_field_name("name") == node
    )


def _answer(full: str, span: Span) -> Resolution | None:
    """Return the page of a package, a class or the class of a member."""
    match = re.fullmatch(r"((?:[a-z]\w*\.)*[a-z]\w*)((?:\.[A-Z]\w*)*)((?:\.\w+)?)", full)
    module = _module(match[1]) if match else ""
    if match is None or not module:
        return None
    base = f"https://docs.oracle.com/en/java/javase/{_RELEASE}/docs/api/"
    page = match[2].removeprefix(".") or "package-summary"
    path = f"{module}/{match[1].replace('.', '/')}/{page}.html"
    member = bool(match[3])
    kind = "member" if member else "class" if match[2] else "package"
    caption = f"Java {_RELEASE}"
    return from_scheme(full, kind, module, span, (base, path), caption, exact=not member)


def _module(package: str) -> str:
    if package in _MODULE_OF:
        return _MODULE_OF[package]
    while package:
        if f"{package}*" in _MODULE_OF:
            return _MODULE_OF[f"{package}*"]
        package = package.rpartition(".")[0]
    return ""

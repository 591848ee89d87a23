"""What jedi knows of a name: a Python text and a position in, its definition out.

Runs inside the worker process (worker.py) only: jedi is slow when cold and may load compiled
modules. Nothing here knows of docs. Private names of jedi are used in one place, `_receivers`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jedi
from jedi.inference.helpers import infer_call_of_leaf

from linewise_server.apidocs.python.definition import Definition

_SUMMARY = 600
_MAX_CLASSES = 12
_KEPT_SCRIPTS = 4
_KEPT_SECONDS = 120.0
"""Other files may change on disk; jedi would not notice while a script is kept."""


class Inference:
    """jedi for one workspace: its root and the folders of packages that it uses.

    `site_packages` is None where the workspace uses the running interpreter. Other folders are read
    and never imported from: jedi loads compiled modules only from the interpreter's own path.
    """

    def __init__(self, root: str | None, site_packages: list[str] | None) -> None:
        own = [path for path in sys.path if path and not path.endswith("-packages")]
        self._scripts: dict[str | None, tuple[str, float, Any]] = {}
        self._environment = jedi.InterpreterEnvironment()
        self._project = jedi.Project(
            root or os.sep,
            sys_path=None if site_packages is None else own,
            added_sys_path=site_packages or (),
            smart_sys_path=root is not None,
        )

    def define(self, text: str, path: str | None, line: int, column: int) -> Definition | None:
        """Return the definition of the name at a position; line from 1, column from 0."""
        script = self._script(text, path)
        names = script.goto(line, column, follow_imports=True)
        receivers = tuple(_receivers(script, line, column))
        name = next((n for n in names if n.full_name), None)
        if name is not None:
            full, module = _full_name(name), name.module_name or ""
            file = str(name.module_path or "")
            return Definition(full, module, name.type, *_description(name), receivers, file)
        return Definition("", "", "name", "", "", receivers, "") if receivers else None

    def canonical(self, names: list[str]) -> list[str | None]:
        """Return for each public dotted name where it is defined, or None where it is not."""
        # The texts that are parsed for it are in no file either; see `_script`.
        self._scripts.pop(None, None)
        return [self._canonical(name) for name in names]

    def _canonical(self, name: str) -> str | None:
        parts = name.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            found = self._goto_end(f"import {'.'.join(parts[:cut])}\n{name}")
            if found:
                return found
        return self._goto_end(f"import {name}\n{name}") or self._goto_end(f"\n{name}")

    def _goto_end(self, text: str) -> str | None:
        """Return the full name of the definition of what stands at the end of line 2."""
        names = self._new_script(text, None).goto(
            2, len(text.partition("\n")[2]), follow_imports=True
        )
        return next((_full_name(n) for n in names if n.full_name), None)

    def _script(self, text: str, path: str | None) -> Any:
        """Return the script of a text; while the text stands, what was inferred in it is kept.

        One a path, since parso turns the tree that it has of a path into that of the next text.
        """
        held = self._scripts.pop(path, None)
        if held is None or held[0] != text or time.monotonic() - held[1] > _KEPT_SECONDS:
            held = (text, time.monotonic(), self._new_script(text, path))
        self._scripts[path] = held
        if len(self._scripts) > _KEPT_SCRIPTS:
            del self._scripts[next(iter(self._scripts))]
        return held[2]

    def _new_script(self, text: str, path: str | None) -> Any:
        place = Path(path) if path else None
        return jedi.Script(text, path=place, environment=self._environment, project=self._project)


def _full_name(name: Any) -> str:
    """Return the dotted name; an attribute set in `__init__` belongs to its class."""
    full: str = name.full_name
    if name.type == "module":
        return full.removesuffix(".__init__")
    return full.replace(".__init__.", ".")


def _description(name: Any) -> tuple[str, str]:
    """Return signature and summary, empty where jedi gives up on them."""
    try:
        return _signature(name), _summary(name)
    except Exception:
        return "", ""


def _signature(name: Any) -> str:
    if name.type not in ("function", "class"):
        return ""
    signatures = name.get_signatures()
    return signatures[0].to_string() if signatures else ""


def _summary(name: Any) -> str:
    """Return the first paragraph of the docstring on one line."""
    if name.type not in ("function", "class", "module", "property"):
        return ""
    paragraph = name.docstring(raw=True).strip().split("\n\n", 1)[0]
    return " ".join(paragraph.split())[:_SUMMARY]


def _receivers(script: Any, line: int, column: int) -> Iterator[str]:
    # jedi has no public way to infer the value before a dot when it is a call (`f().x`).
    leaf = script._module_node.get_name_of_position((line, column))
    before = leaf.get_previous_leaf() if leaf is not None else None
    if before is None or before.value != "." or leaf.parent.type != "trailer":
        return
    context = script._get_module_context().create_context(leaf)
    values = infer_call_of_leaf(context, leaf, cut_own_trailer=True)
    for value in values:
        classes = value.py__class__() if value.is_instance() else value
        if not classes.is_class():
            continue
        for number, item in enumerate(classes.py__mro__()):
            if number < _MAX_CLASSES and item.is_class():
                qualified = ".".join(item.get_qualified_names() or ())
                yield f"{item.get_root_context().py__name__()}.{qualified}"

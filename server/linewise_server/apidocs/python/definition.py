"""What inference says about one name; jedi itself stays in the worker process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Definition:
    """Where a name is defined, in jedi's words.

    `full` is the dotted name in the module that defines it (`pandas.core.frame.DataFrame.head`),
    empty where only the receiver is known; `module` that module, `kind` one of jedi's types.
    `receivers` are the full names of the classes of the value before the dot, in method resolution
    order; empty without a dot. `file` is the module's, empty where it has none.
    """

    full: str
    module: str
    kind: str
    signature: str
    summary: str
    receivers: tuple[str, ...]
    file: str

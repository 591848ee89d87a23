"""Which model serves where nothing else names one: what `linewise models use` set, or the default.

In: the user's home and the index. Out: a name of the index, the text of a source, or a path. A
`--model` and an editor's `linewise.model` come before it. Never looks whether the model is here.

    choice.json    {"model": NAME}
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from linewise_models.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from linewise_models.home import Home


def chosen_model(home: Home) -> str | None:
    """Return the model that was set; None where none was, or where the file cannot be read."""
    try:
        name = json.loads(_path(home).read_text(encoding="utf-8"))["model"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) and name else None


def usual_model(environ: Mapping[str, str]) -> str:
    """Return the model for whoever names none: the one that was set, else the index's default."""
    from linewise_models.home import Home
    from linewise_models.index import load_index

    return chosen_model(Home.locate(environ)) or load_index().default


def choose_model(home: Home, name: str) -> None:
    """Set the model. Raises ModelError where it cannot be written."""
    path = _path(home)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".half")
        half.write_text(json.dumps({"model": name}, indent=2), encoding="utf-8")
        half.replace(path)
    except OSError as error:
        raise ModelError(
            f"{path} cannot be written: {error.strerror}. Linewise must be able to write in "
            f"{home.root}, or where LINEWISE_HOME says."
        ) from error


def _path(home: Home) -> Path:
    return home.root / "choice.json"

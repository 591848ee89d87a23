"""Which file a model's name means.

In: a name of the model index, or a path. Out: the path of a file that is there. Never fetches.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from linewise_models.errors import TrainError
from linewise_models.home import Home
from linewise_models.index import load_index
from linewise_models.store import Store


def locate(model: str) -> Path:
    """Return the GGUF file of a name or path, or a Hugging Face folder.

    Raises UnknownModel where there is none, and TrainError where it was not pulled.
    """
    folder = Path(model).expanduser()
    if (folder / "config.json").is_file():
        return folder
    store = Store(Home.locate(os.environ), os.environ)
    entry = load_index().resolve(model)
    if not store.installed(entry):
        raise TrainError(f"{model} is not here. Pull it: linewise models pull {model}")
    return store.path(entry)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

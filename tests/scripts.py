"""Scripts for the scripted engine, and clients of it through a real engine process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_script(directory: Path, *rules: dict[str, Any], **facts: Any) -> Path:
    """Write a script that says `text` after a prompt that ends in a match of `after`."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "model.script.json"
    path.write_text(json.dumps({"rules": list(rules)} | facts), "utf-8")
    return path

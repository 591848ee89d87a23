"""Collects what the .vsix carries from the rest of the repository.

In: the repository, its Python environment with pip. Out, in this folder and ignored by git:
`wheel/` with the server's wheel, its installer and pins, and the facts that the set-up states
before it downloads anything; the licence, and `telemetry.json`. Fetches what building a wheel
needs and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from linewise_models.index import load_index

EXTENSION = Path(__file__).parent
REPOSITORY = EXTENSION.parent
INSTALLER = REPOSITORY / "models" / "linewise_models" / "install.py"


def main() -> None:
    """Write the payload anew."""
    for source in (REPOSITORY / "LICENSE", REPOSITORY / "telemetry" / "telemetry.json"):
        shutil.copy(source, EXTENSION / source.name)
    wheel = build_wheel(EXTENSION / "wheel")
    for source in (INSTALLER, REPOSITORY / "constraints.txt"):
        shutil.copy(source, wheel.parent)
    (wheel.parent / "manifest.json").write_text(json.dumps(describe(wheel), indent=2) + "\n")


def build_wheel(folder: Path) -> Path:
    """Return the server's wheel, alone in `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(REPOSITORY)], check=True)
    return next(folder.glob("*.whl"))


def describe(wheel: Path) -> dict[str, object]:
    """Return the manifest, which `src/environment/wheel.ts` reads."""
    index = load_index()
    model = index.find(index.default)
    return {
        "file": wheel.name,
        "installer": INSTALLER.name,
        "version": wheel.name.split("-")[1],
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "model": {
            "name": model.name,
            "title": model.title,
            "size": model.download,
            "licence": model.licence.spdx,
        },
    }


if __name__ == "__main__":
    main()

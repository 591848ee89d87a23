"""session.started: which editor, system and model take part, in the registry's words.

In: what the client calls itself, the engine's report and the model's index entry. Out: the event's
fields. A name that the registry does not list never gets further than this module. Pure.
"""

from __future__ import annotations

import platform
import re
import sys

from linewise_models.engine.contract import Report
from linewise_models.index import Entry, FileSource
from linewise_server import __version__

_EDITORS = (
    ("vscodium", "vscodium"),
    ("cursor", "cursor"),
    ("windsurf", "windsurf"),
    ("visual studio code", "vscode"),
    ("code-server", "vscode"),
    ("vscode", "vscode"),
    ("zed", "zed"),
    ("neovim", "neovim"),
    ("helix", "helix"),
    ("emacs", "emacs"),
    ("eglot", "emacs"),
    ("sublime", "sublime"),
    ("kate", "kate"),
    ("jetbrains", "jetbrains"),
    ("intellij", "jetbrains"),
)
"""Part of `clientInfo.name`, in lower case -> the registry's word; the first that fits."""
_SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}
_PROCESSORS = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}
_BACKENDS = ("cpu", "cuda", "metal", "vulkan", "rocm", "remote")
_FAMILIES = (
    "smollm2",
    "qwen2.5-coder",
    "starcoder2",
    "deepseek-coder",
    "codellama",
    "codegemma",
    "granite-code",
)


def describe(client: str, report: Report | None, entry: Entry | None) -> dict[str, object]:
    """Return the fields; `report` is None where no engine runs, `entry` where no model is known."""
    backend = report.backend if report is not None else "none"
    return {
        "editor": next((word for part, word in _EDITORS if part in client.lower()), "other"),
        "os": _SYSTEMS.get(sys.platform, "other"),
        "arch": _PROCESSORS.get(platform.machine().lower(), "other"),
        "version": ".".join(re.findall(r"\d+", __version__)[:3]),
        "backend": backend if backend in _BACKENDS else "none",
        "family": _family(entry),
        "parameters_m": (entry.parameters or 0) / 1e6 if entry is not None else 0,
    }


def _family(entry: Entry | None) -> str:
    if entry is None:
        return "none"
    if isinstance(entry.source, FileSource):
        return "other"
    return next((family for family in _FAMILIES if entry.name.startswith(family)), "other")

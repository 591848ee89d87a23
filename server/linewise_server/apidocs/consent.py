"""May this package's docs be fetched? One function answers; every fetch goes through it.

A fetch tells a host which package is used here. `linewise.docs.fetch` says `always`, `never` or
`ask`; what was answered to a question is kept in a file. A private package is never fetched,
whatever else was said, and an unreadable file means that nothing was answered. What is private is
what the settings say and what the environment says: neither takes back the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from linewise_server.apidocs.packages import Package, normalise

Fetch = Literal["ask", "always", "never"]
Permission = Literal["granted", "ask", "refused", "private"]
PRIVATE_VARIABLE = "LINEWISE_PRIVATE_PACKAGES"
"""Names globs of private packages to the command line and to servers, apart by spaces or commas."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The setting `linewise.docs.fetch`, and the globs of private packages."""

    fetch: Fetch
    private: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """What the user answered, package by package, in the file `path`."""

    path: Path

    def of(self, package: str) -> bool | None:
        """Return the answer for a package, None where it was never asked for."""
        answer = self._read().get(package)
        return answer if isinstance(answer, bool) else None

    def keep(self, package: str, *, yes: bool) -> None:
        """Remember an answer."""
        answers = self._read() | {package: yes}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps(answers, indent=2, sort_keys=True) + "\n", "utf-8")
        beside.replace(self.path)

    def _read(self) -> dict[str, object]:
        try:
            answers = json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return answers if isinstance(answers, dict) else {}


def private_by(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the globs of private packages that the environment names."""
    return tuple(environ.get(PRIVATE_VARIABLE, "").replace(",", " ").split())


def permission(policy: Policy, answers: Answers, package: Package) -> Permission:
    """Return whether the docs of `package` may be fetched."""
    names = {package.name, *(normalise(module) for module in package.modules)}
    globs = [normalise(glob) for glob in policy.private]
    if any(fnmatchcase(name, glob) for name in names for glob in globs):
        return "private"
    if policy.fetch == "never":
        return "refused"
    if policy.fetch == "always":
        return "granted"
    answer = answers.of(package.name)
    return "ask" if answer is None else "granted" if answer else "refused"

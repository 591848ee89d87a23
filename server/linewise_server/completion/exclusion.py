"""Files whose text never reaches a model: secrets, git-ignored files, and what the user excludes.

In: a file's path, the workspace folder that holds it and the globs of `linewise.exclude`, which are
seen from that folder. Out: the reason, or None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from pathspec import GitIgnoreSpec

from linewise_server.completion.gitignore import GitIgnore
from linewise_server.protocol import Silence

SECRETS = GitIgnoreSpec.from_lines(
    [
        ".env",
        ".env.*",
        "!.env.example",
        "!.env.sample",
        "!.env.template",
        "*.pem",
        "*.key",
        "*.p12",
        "*.pfx",
        "*.kdbx",
        "*.jks",
        "*.keystore",
        "id_rsa*",
        "id_ed25519*",
        "id_ecdsa*",
        ".netrc",
        ".pgpass",
        ".htpasswd",
        ".npmrc",
        ".pypirc",
        "credentials",
        "credentials.json",
        "*secret*.json",
        "*secret*.yaml",
        "*secret*.yml",
        "*secret*.toml",
        ".aws/",
        ".ssh/",
        ".gnupg/",
    ]
)
"""Names that commonly hold keys and passwords, as gitignore patterns."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why nothing is suggested in a document: the kind, words for people, and who says so."""

    kind: Silence
    text: str
    source: Path | None = None
    """The file with the rule, where a file has it."""


class Exclusion:
    """Which files are left alone; what was read of git's rules is kept until `refresh`.

    Globs say nothing of the folders above `root`; those that are whole paths hold everywhere.
    """

    def __init__(
        self, globs: Sequence[str], environ: Mapping[str, str], root: Path | None = None
    ) -> None:
        self._root = root
        # Of both lists a place has the same glob, so that the last one that fits decides.
        self._inside = GitIgnoreSpec.from_lines(map(_anywhere, globs))
        self._whole = GitIgnoreSpec.from_lines(map(_anchored, globs))
        self._git = GitIgnore(environ)

    def reason(self, path: Path) -> Reason | None:
        """Return why a file is left alone; None where it is not."""
        whole = path.as_posix().lstrip("/")
        if SECRETS.match_file(path.name) or SECRETS.match_file(whole):
            return Reason("secrets", "this file may hold secrets")
        if self._is_excluded(path, whole):
            return Reason("excluded", "excluded by linewise.exclude")
        source = self._git.source(path)
        return None if source is None else Reason("ignored", "ignored by git", source)

    def refresh(self) -> None:
        """Read git's rules anew from now on."""
        self._git.refresh()

    def _is_excluded(self, path: Path, whole: str) -> bool:
        held = self._root is not None and path.is_relative_to(self._root)
        inside = path.relative_to(self._root).as_posix() if held and self._root else whole
        found = [self._inside.check_file(inside), self._whole.check_file(whole)]
        last = max(found, key=lambda result: -1 if result.index is None else result.index)
        return last.include is True


def _anywhere(glob: str) -> str:
    """Return a glob that holds below any folder: users write them as seen from their own."""
    sign, body = ("!", glob[1:]) if glob.startswith("!") else ("", glob)
    if "/" not in body.rstrip("/") or body.startswith("**/"):
        return glob
    return f"{sign}**/{body.lstrip('/')}"


def _anchored(glob: str) -> str:
    """Return a glob that is a whole path as one from the disk's root, others as one of nothing."""
    sign, body = ("!", glob[1:]) if glob.startswith("!") else ("", glob)
    return f"{sign}/{body.lstrip('/')}" if PurePath(body).is_absolute() else ""

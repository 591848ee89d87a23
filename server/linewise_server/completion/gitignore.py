"""What git ignores, by .gitignore files, a repository's info/exclude and core.excludesFile.

In: a file's path and the environment, which says where git's configuration is. Out: the file whose
rule ignores it, or None. Reads these files as data and never runs git, whose configuration an
untrusted workspace could have written. What is tracked although a rule matches it counts as
ignored: the index is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pathspec import GitIgnoreSpec

_SECTION = re.compile(r"\s*\[\s*([\w.-]+)\s*(\"[^\"]*\")?\s*\]\s*(.*)")
_VARIABLE = re.compile(r"\s*([A-Za-z][\w-]*)\s*=\s*(.*)")
_VALUE = re.compile(r'"((?:\\.|[^"\\])*)"|((?:\\.|[^"\\;#])+)')
_INCLUDES = 10
"""How deep configuration files may include each other, as in git."""


class GitIgnore:
    """What git ignores; what was read is kept until `refresh`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._specs: dict[Path, GitIgnoreSpec | None] = {}
        self._common: dict[Path, Path | None] = {}
        self._excludes: list[Path] | None = None

    def source(self, path: Path) -> Path | None:
        """Return the file whose rule ignores `path`, None where none does."""
        root = next((each for each in path.parents if self._git_directory(each)), None)
        folders = [each for each in reversed(path.parents) if root is None or _within(each, root)]
        # Nothing below an ignored folder can be taken back in, so the uppermost decides.
        for folder in folders:
            if folder != root and (found := self._verdict(folder, root, is_folder=True)):
                return found
        return self._verdict(path, root, is_folder=False)

    def refresh(self) -> None:
        """Read everything anew from now on."""
        self._specs.clear()
        self._common.clear()
        self._excludes = None

    def _verdict(self, path: Path, root: Path | None, *, is_folder: bool) -> Path | None:
        """Return the file that ignores `path` itself: of all that speak of it the first decides."""
        for file, base in self._rules(path, root):
            spec = self._spec(file)
            if spec is not None:
                name = path.relative_to(base).as_posix() + ("/" if is_folder else "")
                answer = spec.check_file(name).include
                if answer is not None:
                    return file if answer else None
        return None

    def _rules(self, path: Path, root: Path | None) -> Iterator[tuple[Path, Path]]:
        """Yield the files of rules, the strongest first, with the folder that each is about."""
        for folder in path.parents:
            yield folder / ".gitignore", folder
            if folder == root:
                break
        if root is not None:
            common = self._git_directory(root)
            if common is not None:
                yield common / "info" / "exclude", root
            for file in self._user_files(common):
                yield file, root

    def _git_directory(self, folder: Path) -> Path | None:
        """Return where the repository of a working tree is, None where `folder` is no such root."""
        if folder not in self._common:
            self._common[folder] = _git_directory(folder)
        return self._common[folder]

    def _user_files(self, common: Path | None) -> list[Path]:
        """Return the user's own file of rules: what core.excludesFile names, else git's default."""
        local = _excludes_file([common / "config"], self._home) if common is not None else None
        if local is not None:
            return [local]
        if self._excludes is None:
            named = _excludes_file(self._configurations(), self._home)
            self._excludes = [named or self._config_home / "git" / "ignore"]
        return self._excludes

    def _configurations(self) -> list[Path]:
        """Return git's configuration files outside repositories, the strongest last."""
        found = []
        if self._environ.get("GIT_CONFIG_NOSYSTEM", "").lower() not in ("1", "true", "yes", "on"):
            found.append(Path(self._environ.get("GIT_CONFIG_SYSTEM") or "/etc/gitconfig"))
        if named := self._environ.get("GIT_CONFIG_GLOBAL"):
            return [*found, Path(named)]
        return [*found, self._config_home / "git" / "config", self._home / ".gitconfig"]

    @property
    def _home(self) -> Path:
        home = self._environ.get("HOME") or self._environ.get("USERPROFILE")
        return Path(home) if home else Path.home()

    @property
    def _config_home(self) -> Path:
        named = self._environ.get("XDG_CONFIG_HOME")
        return Path(named) if named else self._home / ".config"

    def _spec(self, file: Path) -> GitIgnoreSpec | None:
        if file not in self._specs:
            text = _read(file)
            lines = None if text is None else text.splitlines()
            self._specs[file] = None if lines is None else GitIgnoreSpec.from_lines(lines)
        return self._specs[file]


def _within(folder: Path, root: Path) -> bool:
    return folder == root or root in folder.parents


def _read(file: Path) -> str | None:
    """Return a file's text; None for what cannot be read, or is a pipe that would never end."""
    try:
        return file.read_text("utf-8", "replace") if file.is_file() else None
    except OSError:
        return None


def _git_directory(folder: Path) -> Path | None:
    dot = folder / ".git"
    try:
        if dot.is_dir():
            return dot
    except OSError:
        return None
    text = _read(dot)
    if text is None or not text.startswith("gitdir:"):
        return None
    # A linked working tree, whose repository is elsewhere, or a submodule.
    own = folder / text.removeprefix("gitdir:").strip()
    shared = _read(own / "commondir")
    return own if shared is None else own / shared.strip()


def _excludes_file(configurations: list[Path], home: Path) -> Path | None:
    """Return the last core.excludesFile that git's configuration files name."""
    named = None
    for configuration in configurations:
        for key, value in _variables(configuration, home, _INCLUDES):
            if key == "core.excludesfile":
                named = _path(value, home, configuration.parent)
    return named


def _variables(configuration: Path, home: Path, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the variables of a configuration file, those that it includes in their place."""
    section = ""
    for line in _logical_lines(_read(configuration) or ""):
        rest = line
        if heading := _SECTION.match(line):
            section = heading[1].lower() + (f".{heading[2]}" if heading[2] else "")
            rest = heading[3]
        if (variable := _VARIABLE.match(rest)) is None:
            continue
        key, value = f"{section}.{variable[1].lower()}", _unquoted(variable[2])
        if key == "include.path" and depth and value:
            included = _path(value, home, configuration.parent)
            yield from _variables(included, home, depth - 1)
        yield key, value


def _logical_lines(text: str) -> Iterator[str]:
    """Yield lines with those that a backslash continues joined."""
    yield from re.sub(r"\\\r?\n", "", text).splitlines()


def _unquoted(text: str) -> str:
    """Return a value without its comment, its quotes and its escapes."""
    parts = []
    at = 0
    while match := _VALUE.match(text, at):
        parts.append(match[1] if match[1] is not None else match[2])
        at = match.end()
    return re.sub(r"\\(.)", r"\1", "".join(parts)).strip()


def _path(value: str, home: Path, folder: Path) -> Path:
    """Return the path that a value names: `~` is the home, else it is seen from its file."""
    return home / value[2:] if value.startswith("~/") else folder / value

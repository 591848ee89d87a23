"""What git ignores, held against git itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from linewise_server.completion.gitignore import GitIgnore

FILES = {
    "repo/.gitignore": "build/\n*.log\n!keep.log\ndeep/*\n!deep/kept/\n",
    "repo/src/.gitignore": "generated/*\n!generated/keep.py\n!loud.log\n",
    "repo/build/.gitignore": "!out.py\n",
    "repo/.git/info/exclude": "/mine.py\nnotes/\nopen.py\n",
}
PATHS = [
    "src/app.py",
    "a.log",
    "keep.log",
    "src/loud.log",
    "src/deep/a.py",
    "deep/a.py",
    "deep/kept/a.py",
    "build/out.py",
    "src/build/b.py",
    "src/generated/a.py",
    "src/generated/keep.py",
    "mine.py",
    "src/mine.py",
    "notes/a.py",
    "open.py",
    "scratch.py",
    "tmp/a.py",
    "x.orig",
]
"""All below `repo`."""

CONFIGURATIONS: dict[str, dict[str, str]] = {
    "none": {},
    "git's own place": {"home/.config/git/ignore": "scratch.py\ntmp/\n!a.log\n"},
    "named from the home": {
        "home/.gitconfig": "[user]\n name = A\n[Core] ; git\n\texcludesFile = ~/ignored # mine\n",
        "home/ignored": "scratch.py\n",
        "home/.config/git/ignore": "tmp/\n",
    },
    "quoted": {
        "home/.gitconfig": '[core]\nexcludesfile = "~/my own; rules" ; mine\n',
        "home/my own; rules": "*.orig\n",
    },
    "included": {
        "home/.gitconfig": "[include] path = more\n",
        "home/more": "[core] excludesFile = ~/ignored\n",
        "home/ignored": "tmp/\n",
    },
    "overruled": {
        "home/.config/git/config": "[core]\nexcludesFile = ~/a\n",
        "home/.gitconfig": "[core]\nexcludesFile = ~/b\n",
        "home/a": "scratch.py\n",
        "home/b": "tmp/\n",
    },
    "the repository's own": {"repo/.git/mine": "tmp/\n", "home/.config/git/ignore": "x.orig\n"},
    "not there": {"home/.gitconfig": "[core]\nexcludesFile = ~/nothing\n"},
    "damaged": {"home/.gitconfig": "[core\nexcludesFile ~/a\n=\n[]\n", "home/a": "tmp/\n"},
}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def git(folder: Path, environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def ignored_by_git(repository: Path, environ: dict[str, str]) -> dict[str, str]:
    """Return the ignored of `PATHS`, each with the name of the file whose rule says so."""
    said = git(repository, environ, "check-ignore", "--no-index", "--verbose", *PATHS)
    assert said.returncode in (0, 1), said.stderr
    rows = (line.split("\t") for line in said.stdout.splitlines())
    found = {path: rule.split(":") for rule, path in rows}
    return {path: Path(rule[0]).name for path, rule in found.items() if not rule[2].startswith("!")}


def ignored_by_us(repository: Path, environ: dict[str, str]) -> dict[str, str]:
    rules = GitIgnore(environ)
    found = {path: rules.source(repository / path) for path in PATHS}
    return {path: source.name for path, source in found.items() if source is not None}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_agrees_with_git(tmp_path: Path, environ: dict[str, str], name: str) -> None:
    repository = tmp_path / "repo"
    repository.mkdir()
    assert git(repository, environ, "init").returncode == 0
    write(tmp_path, FILES | CONFIGURATIONS[name])
    if name == "the repository's own":
        mine = str(repository / ".git" / "mine")
        assert git(repository, environ, "config", "core.excludesFile", mine).returncode == 0
    # git refuses damaged configuration outright; then it is as if there were none.
    healthy = environ if name != "damaged" else {**environ, "HOME": str(tmp_path)}
    expected = ignored_by_git(repository, healthy)
    assert len(expected) >= 7
    assert ignored_by_us(repository, environ) == expected


def test_a_linked_working_tree_has_the_rules_of_its_repository(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    repository, linked = tmp_path / "repo", tmp_path / "linked"
    repository.mkdir()
    git(repository, environ, "init")
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    git(repository, environ, *who, "commit", "--allow-empty", "--message", "One")
    assert git(repository, environ, "worktree", "add", str(linked)).returncode == 0
    write(tmp_path, FILES)
    assert ignored_by_git(linked, environ)["mine.py"] == "exclude"
    assert ignored_by_us(linked, environ) == ignored_by_git(linked, environ)


def test_rules_above_the_repository_do_not_count(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "*\n", "repo/.git/HEAD": ""})
    assert GitIgnore({"HOME": str(tmp_path)}).source(tmp_path / "repo" / "a.py") is None


def test_changes_are_seen_after_a_refresh(tmp_path: Path) -> None:
    rules = GitIgnore({"HOME": str(tmp_path)})
    assert rules.source(tmp_path / "a.py") is None
    write(tmp_path, {".gitignore": "a.py\n"})
    rules.refresh()
    assert rules.source(tmp_path / "a.py") == tmp_path / ".gitignore"


def test_a_pipe_in_the_place_of_rules_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".gitignore")
    assert GitIgnore({"HOME": str(tmp_path)}).source(tmp_path / "a.py") is None

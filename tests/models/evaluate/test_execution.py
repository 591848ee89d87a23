"""Programs of a model: what they may do, and how one is told from another that passed."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from linewise_models.evaluate.execution import Limits, Outcome, can_isolate, run_program
from linewise_models.evaluate.judge import works
from linewise_models.evaluate.problem import Asserts, Exchange, Exchanges, Problem, Test

STRICT = Limits(cpu_seconds=1, wall_seconds=30, strict=sys.platform == "linux")


@pytest.mark.parametrize(
    ("program", "outcome", "output"),
    [
        ("print(input())", "finished", "hé\n"),
        ("import sys; print(1); sys.exit()", "exited", "1\n"),
        ("import os; os._exit(0)", "exited", ""),
        ("print(2); assert False", "failed", "2\n"),
        ("def f(:", "failed", ""),
        ("while True: pass", "timeout", ""),
        ("import threading as t; t.Thread(target=print, args=[3]).start()", "finished", "3\n"),
        ("import linewise_models", "failed", ""),
        ("print(type(print.__self__).__name__, x := 1)", "finished", "module 1\n"),
    ],
)
async def test_how_it_ends(program: str, outcome: Outcome, output: str) -> None:
    ending = await run_program(program, "hé\n", STRICT)
    assert (ending.outcome, ending.output) == (outcome, output)


async def test_time_on_the_wall_ends_what_uses_no_processor() -> None:
    ending = await run_program("import time; time.sleep(60)", "", Limits(wall_seconds=0.5))
    assert ending.outcome == "timeout"


async def test_a_cancelled_run_leaves_no_process() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await run_program("import time; time.sleep(60)", "", STRICT)
    running = [" ".join(process.cmdline()) for process in psutil.Process().children()]
    assert not [line for line in running if "launcher.py" in line]


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import socket; socket.create_connection(('127.0.0.1', 9))", "PermissionError"),
        ("import socket; socket.socketpair()[0].dup()", ""),
        ("import os; os.fork()", "PermissionError"),
        ("import subprocess; subprocess.run(['true'])", "PermissionError"),
        ("import os; os.posix_spawn('/bin/true', ['true'], {})", "PermissionError"),
        ("import os; os.kill(os.getppid(), 0)", "PermissionError"),
        ("open('made', 'w')", "PermissionError"),
        ("import os; os.open('stdin', os.O_RDWR)", "PermissionError"),
        ("import os; os.unlink('stdin')", "PermissionError"),
        ("import os; os.rename('stdin', 'x')", "PermissionError"),
        ("import os; os.mkdir('made')", "PermissionError"),
        ("import os; os.chmod('stdin', 0)", "PermissionError"),
        ("import os; os.symlink('stdin', 'made')", "PermissionError"),
        ("import os; os.utime('stdin')", "PermissionError"),
        ("x = bytearray(2 << 30)", "MemoryError"),
        ("print('x' * (8 << 20))", "File too large"),
    ],
)
async def test_what_it_may_not_do(program: str, reason: str) -> None:
    ending = await run_program(program, "", replace(STRICT, strict=True))
    if not await can_isolate():
        assert ending.outcome == "refused"
        return
    assert ending.outcome == ("failed" if reason else "finished")
    assert reason in ending.reason
    assert len(ending.output) <= STRICT.output_bytes


async def test_it_sees_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEWISE_KEY", "secret")
    ending = await run_program("import os, sys; print(dict(os.environ), sys.argv)", "", STRICT)
    assert "secret" not in ending.output
    assert str(Path.cwd()) not in ending.output


CHECK = Asserts("check(double)\n")
CODE = "def check(f):\n    assert f(2) == 4\ndef double(x):\n    "
RUNS = Exchanges((Exchange("2\n", ("4",)), Exchange("3\n", ("6", "6.0"))))


@pytest.mark.parametrize(
    ("test", "prefix", "text", "right"),
    [
        (CHECK, CODE, "return 2 * x", True),
        (CHECK, CODE, "return 3 * x", False),
        (CHECK, CODE, "return", False),
        (CHECK, CODE, "exit(0)", False),
        (CHECK, CODE, "import os; os._exit(0)", False),
        (RUNS, "n = int(input())\n", "print(2 * n)", True),
        (RUNS, "n = int(input())\n", "print(2.0 * n if n > 2 else 4, '\\n')\nexit()", True),
        (RUNS, "n = int(input())\n", "print(4)", False),
        (RUNS, "n = int(input())\n", "print(2 * n); 1 / 0", False),
    ],
)
async def test_what_passes(test: Test, prefix: str, text: str, right: bool) -> None:
    problem = Problem("p", "g", prefix, "\n", "", "line", test)
    assert await works(problem, text, 0, STRICT) is right


async def test_replaced_text_is_not_in_the_program_twice() -> None:
    problem = Problem("p", "g", "x = (1", ")\n", "", "line", Asserts("assert x == 3"))
    assert await works(problem, " + 2)", 1, STRICT)
    assert not await works(problem, " + 2)", 0, STRICT)

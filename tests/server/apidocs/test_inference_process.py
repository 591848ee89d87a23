"""jedi at arm's length: deadlines hold, nothing of the workspace is run, and it comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from linewise_server.apidocs.environment import Environment, own_environment
from linewise_server.apidocs.python.process import InferenceProcess
from linewise_server.apidocs.source import Source

LATE = 60.0
"""Seconds; only a process that hangs takes them."""


async def test_a_definition_has_signature_summary_and_receivers(tmp_path: Path) -> None:
    process = InferenceProcess(tmp_path, own_environment(), tmp_path / "jedi")
    text = "import io\nio.StringIO().getvalue"
    found = await process.define(Source(text, "python"), len(text), LATE)
    assert found is not None
    assert found.full.endswith("StringIO.getvalue")
    assert found.signature.startswith("getvalue(")
    assert found.receivers[0].endswith(".StringIO")
    assert await process.canonical(["json.dumps", "str.join", "no.such.name"], LATE) == [
        "json.dumps",
        "builtins.str.join",
        None,
    ]
    await process.close()


@pytest.mark.parametrize("name", ["main.py", None])
async def test_a_text_is_understood_again_after_others(tmp_path: Path, name: str | None) -> None:
    process = InferenceProcess(tmp_path, own_environment(), tmp_path / "jedi")
    path = tmp_path / name if name else None
    long = Source("import io\n\n\nstream = io.StringIO()\nstream.getvalue", "python", path)
    short = Source("import json\njson.dumps", "python", path)
    for source in (long, short, long):
        found = await process.define(source, len(source.text), LATE)
        assert found is not None
        assert found.full.endswith(source.text[-5:])
        assert await process.canonical(["json.dumps"], LATE) == ["json.dumps"]
    await process.close()


async def test_a_missed_deadline_raises_and_the_next_question_is_answered(tmp_path: Path) -> None:
    process = InferenceProcess(tmp_path, own_environment(), tmp_path / "jedi")
    source = Source("import json\njson.dumps", "python")
    with pytest.raises(TimeoutError):
        await process.define(source, 13, 0.0)
    answers = await asyncio.gather(*(process.define(source, 20, LATE) for _ in range(3)))
    assert [answer and answer.full for answer in answers] == ["json.dumps"] * 3
    await process.close()
    assert await process.define(source, 20, LATE) is not None
    await process.close()


async def test_a_question_whose_process_ends_is_late_and_not_without_an_answer(
    tmp_path: Path,
) -> None:
    process = InferenceProcess(tmp_path, own_environment(), tmp_path / "jedi")
    source = Source("import json\njson.dumps", "python")
    known = set(psutil.Process().children())
    assert await process.define(source, 20, LATE) is not None
    (worker,) = set(psutil.Process().children()) - known
    for ask in (process.define(source, 20, LATE), process.canonical(["json.dumps"], LATE)):
        worker.suspend()
        lost = asyncio.create_task(ask)
        await asyncio.sleep(0)
        worker.kill()
        with pytest.raises(TimeoutError):
            await lost
        assert await process.canonical(["json.dumps"], LATE) == ["json.dumps"]
        (worker,) = set(psutil.Process().children()) - known
    await process.close()


async def test_the_workspace_s_code_is_read_and_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    site = tmp_path / "site-packages"
    (site / "evil").mkdir(parents=True)
    (site / "evil" / "__init__.py").write_text(trap + "def harmless(): '''Says so.'''\n")
    for name in ("jedi", "json", "sitecustomize", "mine"):
        (tmp_path / f"{name}.py").write_text(trap + "def f(): pass\n")
    executable = tmp_path / "python"
    executable.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    executable.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    environment = Environment(executable, (3, 12), (site,))
    process = InferenceProcess(tmp_path, environment, tmp_path / "jedi")
    text = "import evil, mine\nevil.harmless\nmine.f"
    source = Source(text, "python", tmp_path / "main.py")
    harmless = await process.define(source, text.index("harmless"), LATE)
    mine = await process.define(source, len(text), LATE)
    await process.close()
    assert (harmless and harmless.full, mine and mine.full) == ("evil.harmless", "mine.f")
    assert not (tmp_path / "ran").exists()

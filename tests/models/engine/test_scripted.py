"""What a script may say, and for how long."""

from __future__ import annotations

from pathlib import Path

import pytest

from linewise_models.engine.contract import Finish, Part, Request
from linewise_models.engine.scripted import ScriptedEngine
from tests.scripts import write_script


@pytest.mark.parametrize(
    ("deadline_ms", "said", "reason"),
    [(None, 5, "end"), (600.0, 5, "end"), (250.0, 2, "deadline"), (0.0, 0, "deadline")],
)
def test_a_deadline_ends_what_it_says(
    tmp_path: Path, deadline_ms: float | None, said: int, reason: str
) -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    path = write_script(tmp_path, {"after": "", "text": "a b c", "delay_ms": 100})
    engine = ScriptedEngine(path, sleep, lambda: now)
    request = Request("s", (Part("t", "x"),), 9, deadline_ms=deadline_ms)
    *tokens, finish = engine.generate(request, lambda: False)
    assert isinstance(finish, Finish)
    assert (len(tokens), finish.reason) == (said, reason)

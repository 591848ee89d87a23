"""What the engine is asked for a generation, and when: seen in an engine process of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from linewise_models.host.address import Served
from linewise_models.host.client import HostClient
from linewise_server.generation.ask import Ask
from linewise_server.generation.generator import generate, nothing_around, prepare
from linewise_server.snapshot import Snapshot

CODE = "".join(f"def function_{n}(a, b):\n    return a * {n} + b\n\n\n" for n in range(400))
PLACE = CODE.index("def function_390")


@pytest_asyncio.fixture
async def client(tmp_path: Path) -> AsyncIterator[HostClient]:
    script = tmp_path / "model.script.json"
    script.write_text(json.dumps({"rules": [{"after": "", "text": "pass\n"}]}))
    made = HostClient(Served(script), tmp_path / "run")
    yield made
    await made.close()


def ask(instruction: str) -> Ask:
    snapshot = Snapshot.of(CODE, "file:///w/a.py", "python")
    return Ask(snapshot, "instruction", PLACE, PLACE, instruction)


async def test_what_was_read_before_the_instruction_was_written_is_not_read_again(
    client: HostClient,
) -> None:
    await prepare(ask(""), client, nothing_around)
    read = (await client.report()).evaluated_total
    outcome = await generate(ask("Write a function that doubles. " * 6), client, nothing_around)
    assert outcome.prompt_tokens > 1000
    assert read > 1000
    assert (await client.report()).evaluated_total - read < 100


async def test_reading_ahead_says_nothing(client: HostClient) -> None:
    await prepare(ask(""), client, nothing_around)
    assert (await client.report()).generated_total == 0

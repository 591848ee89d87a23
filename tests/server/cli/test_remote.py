"""Commands that ask a server somewhere else, on one that the test scripts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.models.engine.remote.conftest import play
from tests.models.engine.remote.stage import as_json, as_stream, said, staged, usage
from tests.server.cli.test_cli import linewise


async def test_doctor_says_how_a_server_is() -> None:
    async with staged() as server:
        play(server)
        done = await asyncio.to_thread(linewise, "doctor", "--json", "--remote", server.url)
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 0
    assert findings["server"]["value"].startswith("vLLM at 127.0.0.1")
    assert findings["way there"]["good"]
    assert "tokens/s" in findings["speed"]["value"]


async def test_doctor_says_what_is_wrong_with_a_server() -> None:
    async with staged() as server:
        server.replies["/v1/models"] = [as_json({"data": []}, 401)]
        done = await asyncio.to_thread(linewise, "doctor", "--json", "--remote", server.url)
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 1
    assert "LINEWISE_API_KEY" in findings["answer"]["value"]


async def test_a_server_completes_on_the_command_line(tmp_path: Path) -> None:
    source = tmp_path / "mean.py"
    source.write_text("def mean(xs):\n    return sum(xs) / len(\n")
    async with staged() as server:
        play(server)
        server.replies["/v1/completions"].append(as_stream(said("xs)", "stop"), usage(20, 2)))
        done = await asyncio.to_thread(
            linewise, "complete", f"{source}:2:26", "--remote", server.url
        )
    assert done.returncode == 0, done.stderr
    assert "xs)" in done.stdout
    assert done.stderr == ""  # this machine is no other


def test_the_host_that_code_goes_to_is_named(tmp_path: Path) -> None:
    source = tmp_path / "mean.py"
    source.write_text("def mean(xs):\n    return sum(xs) / len(\n")
    place = f"{source}:2:26"
    for asked in ([], ["--json"], ["--explain"]):
        done = linewise("complete", place, "--remote", "http://gpu.invalid:8000", *asked)
        warning, failure = done.stderr.splitlines()
        assert warning.startswith("Code is sent to gpu.invalid:8000. It travels unencrypted")
        assert "No host is called gpu.invalid:8000" in failure
        assert (done.stdout, done.returncode) == ("", 1)

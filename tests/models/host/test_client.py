"""The engine process and its clients: shared, fair, killed, idle, refused.

One long file, since all of it stands on the same real processes, which the fixtures start and end.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock

from linewise_models.engine.contract import Finish, Part, Request, Token, Urgency
from linewise_models.errors import AlreadyServed, EngineError, EngineLost, LoadError
from linewise_models.home import Home
from linewise_models.host.address import Address, Served, locate, read_key
from linewise_models.host.client import HostClient
from linewise_models.host.presence import announced, processes_serving
from linewise_models.host.process import Door, Host, serve
from linewise_models.measured import Measurements
from tests.scripts import write_script

Open = Callable[..., HostClient]
SLOW = {"after": "slow", "text": "a b c d e f g h i j", "delay_ms": 40}
SLOWER = SLOW | {"delay_ms": 120}
QUICK = {"after": "quick", "text": "yes"}


@pytest.fixture
async def open_client(tmp_path: Path) -> AsyncIterator[Open]:
    """Give clients of one script; the engine processes they started end with the test."""
    clients: list[HostClient] = []

    def open_one(
        *rules: dict[str, Any], served: dict[str, Any] | None = None, **facts: Any
    ) -> HostClient:
        path = write_script(tmp_path, *(rules or (SLOW, QUICK)), **facts)
        client = HostClient(Served(path, **(served or {})), tmp_path / "run")
        clients.append(client)
        return client

    yield open_one
    for client in clients:
        await client.close()
    for process in engines(tmp_path):
        process.kill()
        process.wait()


def engines(directory: Path) -> list[psutil.Process]:
    """Return the engine processes that serve something below a directory."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if "linewise_models.host" in line and any(str(directory) in part for part in line):
            found.append(process)
    return found


async def say(client: HostClient, text: str, **options: Any) -> tuple[str, Finish]:
    request = Request(options.pop("session", "s"), (Part("t", text),), 50, **options)
    said = ""
    async with aclosing(client.generate(request)) as events:
        async for event in events:
            if isinstance(event, Token):
                said += event.text
            else:
                return said, event
    raise AssertionError("no finish")


async def begin(client: HostClient, text: str, **options: Any) -> asyncio.Task[tuple[str, Finish]]:
    """Return the task of a request whose first token has come."""
    speaking = asyncio.Event()

    async def work() -> tuple[str, Finish]:
        request = Request("s", (Part("t", text),), 50, **options)
        said = ""
        async with aclosing(client.generate(request)) as events:
            async for event in events:
                speaking.set()
                if isinstance(event, Finish):
                    return said, event
                said += event.text
        raise AssertionError("no finish")

    task = asyncio.create_task(work())
    await speaking.wait()
    return task


async def eventually(check: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something is so; fail when it is not in time."""
    async with asyncio.timeout(seconds):
        # Another process signals no event that could be awaited.
        while not check():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_starts_on_demand_and_answers(open_client: Open, tmp_path: Path) -> None:
    client = open_client()
    assert engines(tmp_path) == []
    said, finish = await say(client, "quick")
    assert (said, finish.reason) == ("yes", "end")
    assert len(await client.tokenise("a b")) == 3


async def test_windows_share_one_process(open_client: Open, tmp_path: Path) -> None:
    clients = [open_client() for _ in range(10)]
    answers = await asyncio.gather(*(say(client, "quick") for client in clients))
    assert {said for said, _ in answers} == {"yes"}
    assert len(engines(tmp_path)) == 1
    assert (await clients[0].report()).requests_total == 10


async def test_versions_that_differ_do_not_meet(open_client: Open, tmp_path: Path) -> None:
    old, new = open_client(served={"version": "1"}), open_client(served={"version": "2"})
    await asyncio.gather(say(old, "quick"), say(new, "quick"))
    assert len(engines(tmp_path)) == 2


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"idle_minutes": 10}, True),
        ({"idle_minutes": 5.0}, False),
        ({"threads": 1}, False),
        ({"fim": "spm"}, False),
        ({"version": "2"}, False),
        ({"context": 1024}, False),
    ],
)
def test_only_those_that_want_the_same_meet(
    tmp_path: Path, other: dict[str, Any], same: bool
) -> None:
    served = Served(tmp_path / "model.gguf", idle_minutes=10.0, version="1")
    one, two = locate(served, tmp_path), locate(replace(served, **other), tmp_path)
    assert (one == two, one.name == two.name, one.door == two.door) == (same, same, same)


async def test_closing_the_stream_stops_the_tokens(open_client: Open) -> None:
    client = open_client()
    request = Request("s", (Part("t", "slow"),), 50)
    async with aclosing(client.generate(request)) as events:
        await anext(events)
    first = (await client.report()).generated_total
    await say(client, "quick")
    assert first <= 4
    assert (await client.report()).generated_total == first + 1


async def test_saying_stop_still_gives_a_finish(open_client: Open) -> None:
    client = open_client()
    heard: list[Token] = []
    request = Request("s", (Part("t", "slow"),), 50)
    async with aclosing(client.generate(request, lambda: len(heard) >= 2)) as events:
        async for event in events:
            if isinstance(event, Token):
                heard.append(event)
            else:
                finish = event
    assert finish.reason == "cancelled"
    assert len(heard) < 8


async def test_a_newer_request_supersedes_the_one_that_runs(open_client: Open) -> None:
    client = open_client()
    first = await begin(client, "slow")
    said, _ = await say(client, "quick")
    assert said == "yes"
    assert (await first)[1].reason == "superseded"


async def test_another_window_waits_its_turn(open_client: Open) -> None:
    one, two = open_client(), open_client()
    first = await begin(one, "slow")
    said, finish = await say(two, "quick")
    assert said == "yes"
    assert finish.queued_ms > 50
    assert (await first)[1].reason == "end"


async def test_waiting_for_ones_turn_is_within_the_budget(open_client: Open) -> None:
    one, two = open_client(SLOWER, QUICK), open_client(SLOWER, QUICK)
    first = await begin(one, "slow")
    said, finish = await say(two, "quick", deadline_ms=300.0)
    assert (said, finish.reason) == ("", "deadline")
    assert finish.queued_ms > 300
    assert (await first)[1].reason == "end"


async def test_loading_the_model_is_not_within_the_budget(open_client: Open) -> None:
    client = open_client(QUICK, load_ms=700)
    said, finish = await say(client, "quick", deadline_ms=500.0)
    assert (said, finish.reason) == ("yes", "end")
    assert finish.queued_ms > 500


async def test_idle_work_gives_way(open_client: Open) -> None:
    one, two = open_client(), open_client()
    warming = await begin(one, "slow", urgency=Urgency.IDLE)
    await say(two, "quick")
    assert (await warming)[1].reason == "superseded"


async def test_killing_the_engine_costs_one_request(open_client: Open, tmp_path: Path) -> None:
    client = open_client()
    asked = await begin(client, "slow")
    os.kill(engines(tmp_path)[0].pid, signal.SIGKILL)
    with pytest.raises(EngineLost, match="next request starts it again"):
        await asked
    assert (await say(client, "quick"))[0] == "yes"


async def test_an_engine_that_died_while_nobody_asked_costs_nothing(
    open_client: Open, tmp_path: Path
) -> None:
    client = open_client()
    await say(client, "quick")
    (process,) = engines(tmp_path)
    process.kill()
    process.wait()
    await eventually(lambda: not client.connected)
    assert (await say(client, "quick"))[0] == "yes"


async def test_leaves_when_idle_and_comes_back(open_client: Open, tmp_path: Path) -> None:
    client = open_client(served={"idle_minutes": 0.02})
    await say(client, "quick")
    life = client.life
    await eventually(lambda: engines(tmp_path) == [] and not client.connected)
    assert client.life == life + 1
    assert (await say(client, "quick"))[0] == "yes"
    assert client.life == life + 1


Asks = Callable[[HostClient], Awaitable[object]]
ASKS: list[Asks] = [
    lambda client: say(client, "quick"),
    lambda client: client.report(),
    lambda client: client.tokenise("a b"),
]


def leaving(tmp_path: Path) -> tuple[Host, Address, bytes]:
    """Return a host that has been idle for long enough, and the place and key of its door."""
    served, run = Served(tmp_path / "model.script.json"), tmp_path / "run"
    host = Host(replace(served, idle_minutes=0), lambda report: None)
    host.work()
    return host, locate(served, run), read_key(run)


@pytest.mark.parametrize("asks", ASKS)
async def test_what_meets_an_engine_that_leaves_is_asked_of_the_next(
    open_client: Open, tmp_path: Path, asks: Asks
) -> None:
    client = open_client()
    host, address, key = leaving(tmp_path)
    with Door(address, key) as door:
        threading.Thread(target=host.accept, args=(door,), daemon=True).start()
        asked = asyncio.ensure_future(asks(client))
        # Who is connected has asked in the same breath.
        await eventually(lambda: client.connected)
        host.leave(door)
        assert await asked
    assert len(engines(tmp_path)) == 1


async def test_who_comes_while_an_engine_leaves_is_let_in_by_the_next(
    open_client: Open, tmp_path: Path
) -> None:
    client = open_client()
    host, address, key = leaving(tmp_path)

    class Closing(Door):
        def accept(self) -> Connection:
            connection = super().accept()
            host.leave(self)
            return connection

    with Closing(address, key) as door:
        threading.Thread(target=host.accept, args=(door,), daemon=True).start()
        assert (await say(client, "quick"))[0] == "yes"
    assert len(engines(tmp_path)) == 1


async def test_a_second_engine_leaves_the_first_ones_door_alone(
    open_client: Open, tmp_path: Path
) -> None:
    client = open_client()
    await client.report()
    (process,) = engines(tmp_path)
    served, run = Served(tmp_path / "model.script.json"), tmp_path / "run"
    with pytest.raises(AlreadyServed, match=f"runs already \\(process {process.pid}\\)"):
        serve(served, run)
    other = HostClient(served, run)
    assert (await say(other, "quick"))[0] == "yes"
    await other.close()
    assert engines(tmp_path) == [process]


async def test_a_window_waits_for_the_engine_that_has_the_door(
    open_client: Open, tmp_path: Path
) -> None:
    client = open_client()
    served, run = Served(tmp_path / "model.script.json"), tmp_path / "run"
    address = locate(served, run)
    # The door is taken and not open yet; then its owner is gone.
    owner = FileLock(address.door)
    owner.acquire()
    asked = asyncio.create_task(say(client, "quick"))
    await eventually(lambda: "runs already" in _text(address.log))
    owner.release()
    assert (await asked)[0] == "yes"
    assert len(engines(tmp_path)) == 1


def _text(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.exists() else ""


def test_a_door_whose_socket_was_taken_away_can_be_closed(tmp_path: Path) -> None:
    address = locate(Served(tmp_path / "model.script.json"), tmp_path / "run")
    with Door(address, b"key"):
        Path(address.name).unlink()
    with Door(address, b"key"):
        pass


async def test_the_note_of_the_next_engine_stays_when_the_last_one_goes(
    open_client: Open, tmp_path: Path
) -> None:
    client = open_client()
    served, run = Served(tmp_path / "model.script.json"), tmp_path / "run"
    with announced(served.model, locate(served, run)):
        await say(client, "quick")
        (process,) = engines(tmp_path)
        assert processes_serving(served.model, run) == [process.pid]
    assert processes_serving(served.model, run) == [process.pid]


async def test_survives_a_window_that_crashes(open_client: Open) -> None:
    stays, crashes = open_client(), open_client()
    await stays.report()
    doomed = await begin(crashes, "slow")
    await crashes.close()
    with pytest.raises(EngineLost):
        await doomed
    assert (await say(stays, "quick"))[0] == "yes"


CRASHING = """
import asyncio, sys
from pathlib import Path
from linewise_models.engine.contract import Part, Request
from linewise_models.host.address import Served
from linewise_models.host.client import HostClient

async def window():
    client = HostClient(Served(Path(sys.argv[1])), Path(sys.argv[2]))
    async for _ in client.generate(Request("s", (Part("t", "slow"),), 50)):
        print("speaking", flush=True)

asyncio.run(window())
"""


async def test_the_work_of_a_server_that_is_killed_is_dropped(
    open_client: Open, tmp_path: Path
) -> None:
    long = {"after": "slow", "text": "word " * 40, "delay_ms": 50}
    client = open_client(long, QUICK)
    await client.report()
    model, run = tmp_path / "model.script.json", tmp_path / "run"
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CRASHING, model, run, stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    await server.stdout.readline()
    server.kill()
    await server.wait()
    assert (await say(client, "quick"))[0] == "yes"
    # The forty words would have taken two seconds, and been counted.
    assert (await client.report()).generated_total < 40
    assert len(engines(tmp_path)) == 1


async def test_invoked_comes_before_automatic_and_of_each_window_the_newest(
    open_client: Open,
) -> None:
    # Each takes long enough for its answer to be heard before that of the next.
    names = ("b1", "b2", "c1", "c2", "d1")
    rules = [{"after": name, "text": name, "delay_ms": 60} for name in names]
    one, two, three, four = (open_client(SLOW, *rules) for _ in range(4))
    order: list[str] = []

    async def ask(client: HostClient, text: str, urgency: Urgency) -> str:
        said, finish = await say(client, text, urgency=urgency)
        order.append(text)
        return said or finish.reason

    for client in (two, three, four):
        await client.report()
    first = await begin(one, "slow", urgency=Urgency.INVOKED)
    asked = [
        ask(two, "b1", Urgency.AUTOMATIC),
        ask(three, "c1", Urgency.AUTOMATIC),
        ask(two, "b2", Urgency.AUTOMATIC),
        ask(three, "c2", Urgency.AUTOMATIC),
        ask(four, "d1", Urgency.INVOKED),
    ]
    answers = await asyncio.gather(*asked)
    assert answers == ["superseded", "superseded", "b2", "c2", "d1"]
    served = [text for text in order if text not in ("b1", "c1")]
    assert served[0] == "d1"
    assert sorted(served) == ["b2", "c2", "d1"]
    assert (await first)[1].reason == "end"


async def test_a_failed_request_leaves_the_engine_running(open_client: Open) -> None:
    client = open_client({"after": "bad", "fail": "That was too much."}, QUICK)
    with pytest.raises(EngineError, match="too much"):
        await say(client, "bad")
    assert (await say(client, "quick"))[0] == "yes"


async def test_a_model_that_cannot_be_loaded_is_explained_each_time(open_client: Open) -> None:
    client = open_client(load_error="It is damaged. Pull it again.")
    for _ in range(2):
        with pytest.raises(LoadError, match="Pull it again"):
            await say(client, "quick")


async def test_a_mended_model_is_served(open_client: Open) -> None:
    with pytest.raises(LoadError):
        await say(open_client(load_error="It is damaged."), "quick")
    assert (await say(open_client(), "quick"))[0] == "yes"


async def test_a_client_without_the_key_is_turned_away(open_client: Open, tmp_path: Path) -> None:
    client = open_client()
    await say(client, "quick")
    address = locate(Served(tmp_path / "model.script.json"), tmp_path / "run")
    with pytest.raises((AuthenticationError, OSError, EOFError)):
        await asyncio.to_thread(Client, address.name, authkey=b"guess")
    assert (await say(client, "quick"))[0] == "yes"
    assert (tmp_path / "run" / "engine.key").stat().st_mode & 0o077 == 0


async def test_a_key_that_was_replaced_is_told_in_words(open_client: Open, tmp_path: Path) -> None:
    await open_client().report()
    (tmp_path / "run" / "engine.key").unlink()
    window = HostClient(Served(tmp_path / "model.script.json"), tmp_path / "run")
    with pytest.raises(LoadError, match="another key"):
        await window.report()
    await window.close()


async def test_loading_is_announced(tmp_path: Path, real_model: Path) -> None:
    shares: list[float] = []
    client = HostClient(Served(real_model, idle_minutes=0.02), tmp_path / "run", shares.append)
    await client.report()
    await client.close()
    assert shares
    assert sorted(shares) == shares
    assert len(shares) <= 12


@pytest.mark.parametrize(
    ("prompt", "logprob"), [("a b", -0.1), ("a", -1.1), ("b", -2.1), ("", -3.1)]
)
async def test_a_known_continuation_passes_through_the_process(
    open_client: Open, prompt: str, logprob: float
) -> None:
    client = open_client(leans={"a": 2.0, "b": 1.0})
    request = Request("s", (Part("t", prompt),), 0, forced="x = 1")
    async with aclosing(client.generate(request)) as events:
        *tokens, finish = [event async for event in events]
    assert [token.text for token in tokens if isinstance(token, Token)] == ["x", " ", "=", " ", "1"]
    assert all(
        token.logprob == pytest.approx(logprob) for token in tokens if isinstance(token, Token)
    )
    assert isinstance(finish, Finish)
    assert finish.reason == "end"


async def test_who_serves_a_model_is_known_while_he_lives(
    open_client: Open, tmp_path: Path
) -> None:
    client = open_client()
    model = tmp_path / "model.script.json"
    assert processes_serving(model, tmp_path / "run") == []
    await say(client, "quick")
    (process,) = engines(tmp_path)
    assert processes_serving(model, tmp_path / "run") == [process.pid]
    assert processes_serving(tmp_path / "other.gguf", tmp_path / "run") == []

    process.kill()
    process.wait()
    assert list((tmp_path / "run").glob("*.serving")), "it could not take its note away"
    assert processes_serving(model, tmp_path / "run") == []


async def test_who_leaves_when_idle_takes_his_note_away(open_client: Open, tmp_path: Path) -> None:
    client = open_client(served={"idle_minutes": 0.01})
    await say(client, "quick")
    (process,) = engines(tmp_path)
    await asyncio.to_thread(process.wait, 30)
    assert list((tmp_path / "run").glob("*.serving")) == []


async def test_what_a_real_model_measured_at_load_is_kept(
    real_model: Path, linewise_home: Path
) -> None:
    home = Home(linewise_home)
    client = HostClient(Served(real_model, context=256, sequences=1), home.run)
    report = await client.report()
    kept = Measurements(home.measured).of(real_model)
    await client.close()
    for process in engines(linewise_home):
        process.kill()
        process.wait()
    assert kept is not None
    assert (kept.how, kept.memory, kept.fim) == ("load", None, report.fim)
    assert kept.generation_speed == report.generation_speed > 0

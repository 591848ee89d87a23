"""Off and local mean off: no socket, no name looked up, no process started, seen from the inside.

The interpreter's own audit events tell of every socket, every lookup and every process, whichever
library asks for it. The level `events` is the control: there the same probe must see a connection.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PROBE = """
import sys
WATCHED = ("socket.", "subprocess.", "os.system", "os.posix_spawn", "os.fork", "urllib.")
seen = []
sys.addaudithook(lambda event, _: seen.append(event) if event.startswith(WATCHED) else None)

from pathlib import Path
from linewise_telemetry.catalogue.holding import Holding
from linewise_telemetry.catalogue.shelf import Shelf
from linewise_telemetry.client.completions import Answered
from linewise_telemetry.client.feedback import Feedback, Outbox, Recipient
from linewise_telemetry.client.subscriptions import Collector, Shelved
from linewise_telemetry.client.telemetry import Places, Telemetry
from linewise_telemetry.client.transport import Answer
from linewise_telemetry.consent import Level
from linewise_telemetry.events import load

home, level, environ = Path(sys.argv[1]), sys.argv[2], dict(arg.split("=") for arg in sys.argv[3:])
if environ.pop("SENT", None):
    # Feedback that its recipient has, and that is not answered yet.
    product = Recipient("Linewise", "https://collector.invalid", "key")
    def took(*_):
        return Answer(201, None, b"{}")
    outbox = Outbox(home / "feedback", took, lambda: 10**10)  # never too old to be asked about
    outbox.put(Feedback("idea", "product", None, "Shorter, please.", None, (), None), product)
    assert [item.sent for item in outbox.deliver()] == [True]
product = Collector("https://collector.invalid", "key")
clock = iter(range(10**9, 10**10, 90_000))
def client():
    places = Places(home, home / "policy.json", environ, product, Shelved(Holding(Shelf(home))))
    return Telemetry(load(), places, clock=lambda: float(next(clock)))
for session in range(3):
    telemetry = client()
    telemetry.start()
    if session == 0:
        telemetry.choose(Level.of(level))
    for i in range(300):
        answer = Answered(str(i), "python", "automatic", "produced", "model", 5, 5, 5, "x", ())
        telemetry.completions.answer(answer, float(i))
        telemetry.completions.accept(str(i), "file", 0, float(i))
    telemetry.tick(lambda _: "x")
    telemetry.state()
    telemetry.preview()
    telemetry.feedback_news()
    telemetry.flush(10)
    telemetry.stop()
print(*sorted(set(seen)))
"""


def probe(home: Path, level: str, *environ: str) -> set[str]:
    command = [sys.executable, "-c", PROBE, str(home), level, *environ]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return set(ran.stdout.split())


@pytest.mark.parametrize(
    ("level", "environ"),
    [
        ("off", ()),
        ("local", ()),
        ("events", ("DO_NOT_TRACK=1",)),
        ("events", ("CI=true",)),
        ("events", ("CI=true", "SENT=1")),
        ("off", ("SENT=1",)),
        ("counts", ("DO_NOT_TRACK=1",)),
    ],
)
def test_nothing_is_opened_where_nothing_may_leave(
    tmp_path: Path, level: str, environ: tuple[str, ...]
) -> None:
    assert probe(tmp_path, level, *environ) == set()


@pytest.mark.parametrize(("level", "environ"), [("events", ()), ("local", ("SENT=1",))])
def test_the_probe_sees_a_connection(tmp_path: Path, level: str, environ: tuple[str, ...]) -> None:
    """Of events, and of the answer that the user asked for by sending feedback."""
    assert "socket.getaddrinfo" in probe(tmp_path, level, *environ)

"""What an engine says to a window: everything, in order, and fast tokens together."""

from __future__ import annotations

from multiprocessing import Pipe
from multiprocessing.connection import Connection

from linewise_models.host import wire
from linewise_models.host.process import _Window


def frames(connection: Connection) -> list[list[wire.Message]]:
    """Return all that comes until the other side hangs up."""
    found = []
    try:
        while True:
            found.append(wire.decode(connection.recv_bytes()))
    except EOFError:
        return found


def test_fast_tokens_go_together_and_in_order() -> None:
    ours, theirs = Pipe()
    window = _Window(ours)
    for number in range(200):
        window.send({"token": number}, at_once=False)
    window.send({"finish": True})
    window.flush()
    window.close()
    told = frames(theirs)
    assert [message for frame in told for message in frame] == [
        *({"token": number} for number in range(200)),
        {"finish": True},
    ]
    assert len(told) < 100
    theirs.close()

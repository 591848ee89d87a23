"""What would be sent, as a page that the user reads before agreeing to anything.

In: a client. Out: text. What waits is shown as it would travel, with line breaks put in; where
nothing waits, what this machine counted in the last seven days stands for it, in the same form.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from linewise_telemetry.consent import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linewise_telemetry.client.telemetry import Telemetry

_ATTRIBUTE = re.compile(r'\{\s*"key": (\S+),\s*"value": \{\s*(.+?)\s*\}\s*\}')


def render(client: Telemetry) -> str:
    """Return the page as lines of text."""
    return "\n".join(_lines(client)) + "\n"


def _lines(client: Telemetry) -> Iterator[str]:
    state = client.state()
    leaves = state.level >= Level.COUNTS
    yield f"Telemetry is {state.level.word}: {state.reason}."
    if not leaves:
        yield "Nothing is sent, and nothing recorded until now ever will be."
    recipients = client.recipients()
    yield (
        f"It would go to: {', '.join(recipients)}." if recipients else "There is nobody to send to."
    )
    waiting = client.preview()
    if waiting:
        yield from ("", "This goes next:", "", _spread(waiting))
        return
    example = client.example()
    yield from ("", "Nothing waits to be sent.")
    if example:
        yield from ("", "With “counts”, the last seven days on this machine would be this report:")
        yield from ("", _spread(example))
    yield from ("", "With “events”, each of these with the hour and these fields, all closed:", "")
    for event in client.registry.events.values():
        yield f"  {event.name}: {', '.join(event.fields)}"


def _spread(body: str) -> str:
    return _ATTRIBUTE.sub(r'{"key": \1, "value": {\2}}', json.dumps(json.loads(body), indent=2))

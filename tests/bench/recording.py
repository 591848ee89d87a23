"""What it costs to record an event, in the thread that records it.

`python -m tests.bench.recording [--events 20000]` records lookups at the level `events`, with a
subscription and a spool on disk, and prints the median, the 99th percentile and the mean in
microseconds. Exits with 1 where the mean is 50 or more.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from linewise_telemetry.client.telemetry import Telemetry
from linewise_telemetry.consent import Level
from tests.telemetry.world import REGISTRY, Wire, places

MOST_US = 50.0
PAUSE_EVERY = 1000


def main() -> None:
    """Record and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    spent = measure(parser.parse_args().events)
    mean = statistics.fmean(spent)
    p99 = statistics.quantiles(spent, n=100)[98]
    sys.stdout.write(
        f"median {statistics.median(spent):.1f}, p99 {p99:.1f}, mean {mean:.1f} microseconds\n"
    )
    sys.exit(mean >= MOST_US)


def measure(events: int) -> list[float]:
    """Return the microseconds that each event cost whoever recorded it."""
    with tempfile.TemporaryDirectory() as home:
        client = Telemetry(REGISTRY, places(Path(home)), send=Wire().send)
        client.start()
        client.choose(Level.EVENTS)
        spent = []
        for number in range(events):
            began = time.perf_counter()
            client.record(
                "docs.shown", catalogue="acme", symbol="acme.Client.send", surface="hover",
                answered=True,
            )  # fmt: skip
            spent.append(1e6 * (time.perf_counter() - began))
            if number % PAUSE_EVERY == 0:
                client.flush(60)
        client.stop()
    return spent


if __name__ == "__main__":
    main()

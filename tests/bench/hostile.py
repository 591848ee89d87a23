"""Ten thousand hostile requests: which answers they get, what memory they take, what they leave.

`python -m tests.bench.hostile [--requests N]` sends them to a collector in this process. Exits with
1 for a server error or a stored event that the registry does not allow.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from tests.telemetry.hostile import Hostile, attack, attacked_site, hostile, stored_wrongly


def main() -> None:
    """Attack and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    options = parser.parse_args()
    statuses: Counter[int] = Counter()
    with tempfile.TemporaryDirectory() as directory, attacked_site(Path(directory)) as site:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        @given(hostile())
        @settings(
            max_examples=options.requests,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def send(request: Hostile) -> None:
            statuses[attack(site, request)] += 1

        send()
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        wrong = stored_wrongly(site.collector.engine)
        kept = site.count("event")
    answers = ", ".join(f"{n:,} x {status}" for status, n in sorted(statuses.items()))
    sys.stdout.write(
        f"{statuses.total():,} hostile requests: {answers}.\n"
        f"Peak memory grew by {(after - before) / 1024:.0f} MiB, the attacker's own included.\n"
        f"{kept:,} events were right by chance and are kept; {len(wrong)} are there wrongly.\n"
    )
    sys.exit(bool(wrong) or any(status >= 500 for status in statuses))


if __name__ == "__main__":
    main()

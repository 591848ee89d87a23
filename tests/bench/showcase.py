"""A collector with twelve weeks of figures about an API that does not exist, for its pictures.

`python -m tests.bench.showcase` serves the dashboard on a port of its own and prints its address
and the password, until it is ended. The figures are made up, and drift as a story would: a docs
release in week eight after which lookups end without a page less often.
"""

from __future__ import annotations

import random
import socket
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import uvicorn
from sqlalchemy import insert

from linewise_telemetry.collector import tables
from linewise_telemetry.collector.app import Collector, assemble, build, ensure_admin
from linewise_telemetry.collector.database import connect
from linewise_telemetry.collector.store import now_utc
from linewise_telemetry.dashboard.pages import routes
from linewise_telemetry.events import load

WEEKS, RELEASED = 12, 8
INSTALLS = 40
REGISTRY = load()
SYMBOLS = {
    "acme.Client.send": 0.92, "acme.Client.stream": 0.71, "acme.Client.close": 0.97,
    "acme.Session.retry": 0.55, "acme.auth.login": 0.83, "acme.auth.refresh": 0.64,
}  # fmt: skip
"""Symbol -> how well it does, of which every figure follows."""
SPLITS = {
    "lang": {"python": 0.34, "typescript": 0.29, "go": 0.24, "rust": 0.21},
    "editor": {"vscode": 0.7, "cursor": 0.2, "neovim": 0.1},
    "os": {"linux": 0.4, "macos": 0.35, "windows": 0.25},
    "version": {"0.1.0": 0.8, "0.0.9": 0.2},
    "backend": {"cpu": 0.6, "cuda": 0.25, "metal": 0.15},
    "total_ms": {"<50": 0.1, "<100": 0.24, "<200": 0.38, "<500": 0.22, "<1000": 0.06},
    "chars": {"<16": 0.2, "<64": 0.5, "<256": 0.25, ">=256": 0.05},
    "surface": {"hover": 0.7, "palette": 0.2, "link": 0.1},
    "kind": {"no_page": 0.6, "no_sample": 0.4},
    "target": {"reference": 0.8, "support": 0.2},
    "reason": {"outdated": 0.4, "no_example": 0.4, "unclear": 0.2},
    "act": {"opened": 0.8, "muted": 0.2},
}
FEEDBACK = (
    (
        "problem",
        "acme.Session.retry",
        "The docs say that it retries three times, it never does.",
        2,
    ),
    ("idea", "acme.Client.stream", "A sample that shows how to stop half way would help.", 4),
    ("praise", "acme.Client.send", "Found what I needed in one hover.", 5),
)


def main() -> None:
    """Fill a collector and serve it."""
    with tempfile.TemporaryDirectory() as root:
        collector = assemble(connect(f"sqlite:///{Path(root) / 'c.db'}"), REGISTRY)
        _fill(collector, now_utc(collector.clock()).date())
        password = ensure_admin(collector)
        listening = socket.create_server(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        sys.stdout.write(f"Dashboard: {address}/ {password}\n")
        sys.stdout.flush()
        config = uvicorn.Config(build(collector, routes(collector)), log_level="error")
        uvicorn.Server(config).run(sockets=[listening])
        collector.engine.dispose()


def _fill(collector: Collector, today: date) -> None:
    chance = random.Random(11)
    monday = today - timedelta(days=today.weekday())
    accounts = collector.accounts
    accounts.add_project("acme", "Acme SDK", "catalogue", SYMBOLS)
    accounts.add_project("linewise", "Linewise", "product", ())
    for project, known in (("acme", 1400), ("linewise", 2600)):
        accounts.set_installs_known(project, known)
    rows = []
    for week in range(1, WEEKS + 1):
        day = monday - timedelta(weeks=WEEKS + 1 - week)
        installs = INSTALLS + 6 * week
        for metric in REGISTRY.metrics.values():
            for project in ("acme", "linewise"):
                for split, value, size, share in _cells(metric.name, metric.by, week):
                    for number in range(installs):
                        den = 1 if metric.kind == "installs" else max(1, round(size * 12))
                        if metric.kind == "installs" and chance.random() > size:
                            continue
                        hits = sum(chance.random() < share for _ in range(den))
                        num = hits if metric.kind == "rate" else den
                        rows.append({
                            "project": project, "week": day, "metric": metric.name,
                            "split": split, "value": value, "contributor": f"{number:032x}",
                            "event": metric.of.event, "num": num, "den": den,
                        })  # fmt: skip
    released = monday - timedelta(weeks=WEEKS + 1 - RELEASED)
    with collector.engine.begin() as connection:
        connection.execute(insert(tables.tally), rows)
        connection.execute(
            insert(tables.release).values(
                project="acme", day=released, name="docs 2.4", kind="docs"
            )
        )
    for number, (kind, symbol, text, rating) in enumerate(FEEDBACK):
        sent = {
            "kind": kind, "about": "symbol", "subject": symbol, "text": text, "rating": rating,
            "attachments": "[]", "contact": None,
        }  # fmt: skip
        collector.inbox.add("acme", f"{number:032x}", sent, today)
    collector.events.sweep(now_utc(collector.clock()))


def _cells(metric: str, by: tuple[str, ...], week: int) -> list[tuple[str, str, float, float]]:
    """Return (split, value, size, share) of a week's cells."""
    better = 0.12 if week > RELEASED else 0.0
    good = 0.3 + 0.01 * week
    cells = [("", "", 1.0, _share(metric, good + better))]
    for split in by:
        parts = SYMBOLS if split == "symbol" else SPLITS.get(split, {})
        for value, worth in parts.items():
            share = good + (worth - 0.75) if split in ("symbol", "lang") else good
            size = 0.2 + worth / 2 if split == "symbol" else worth
            cells.append((split, value, size, _share(metric, share + better)))
    return cells


def _share(metric: str, good: float) -> float:
    """Return a metric's share where things are so good: of what is bad, the less the better."""
    bad = metric in ("unanswered", "failures", "deprecated_use", "drops", "announcement_mutes")
    wanted = 0.45 - good if bad else good
    if metric in ("survival", "api_survival", "rating", "sample_survival"):
        wanted += 0.35
    return min(0.97, max(0.02, wanted))


if __name__ == "__main__":
    main()

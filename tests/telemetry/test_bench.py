"""The benchmarks still run, and what they claim holds on a small scale."""

from __future__ import annotations

from tests.bench import ingest, loop


def test_killed_collector_loses_nothing_acknowledged_and_replay_changes_nothing(
    database_url: str,
) -> None:
    result = ingest.measure(database_url, 2_000)
    assert (result.lost, result.replayed) == (0, 0)
    assert result.acknowledged > 0


def test_dashboard_covers_the_truth() -> None:
    outcome = loop.simulate(developers=20, days=14, seed=7)
    held = sum(compared.holds for compared in outcome.compared)
    assert held >= 0.8 * len(outcome.compared) > 0
    assert outcome.forbidden == 0
    assert "intervals hold the truth" in loop.report(outcome)

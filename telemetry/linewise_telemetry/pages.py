"""The pages that are written from the event registry: PRIVACY.md and telemetry.json.

In: the registry and privacy.md, the hand-written half of PRIVACY.md. Out: their text;
`python -m linewise_telemetry.pages` writes them beside the package, and a test fails while they are
stale. telemetry.json is what `code --telemetry` shows.
"""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from linewise_telemetry.events import Event, Field, Registry, load

if TYPE_CHECKING:
    from collections.abc import Iterator


def privacy(registry: Registry) -> str:
    """Return PRIVACY.md."""
    text = (files("linewise_telemetry") / "privacy.md").read_text(encoding="utf-8")
    preface = text.format(notice=registry.notice, date=registry.notice_date.isoformat())
    return "\n".join([preface, *_sections(registry)]).rstrip() + "\n"


def telemetry_json(registry: Registry) -> str:
    """Return telemetry.json in the form of VS Code's telemetry extractor."""
    events = {
        event.name: {
            "owner": event.owner,
            "comment": event.why,
            **{
                field.name: {
                    "classification": "SystemMetaData",
                    "purpose": "FeatureInsight",
                    "isMeasurement": field.kind == "count",
                    "comment": field.says,
                }
                for field in event.fields.values()
            },
        }
        for event in registry.events.values()
    }
    return json.dumps({"events": events, "commonProperties": {}}, indent=2) + "\n"


def pages(registry: Registry) -> dict[str, str]:
    """Return file name -> text of every generated page."""
    return {"PRIVACY.md": privacy(registry), "telemetry.json": telemetry_json(registry)}


def _sections(registry: Registry) -> Iterator[str]:
    for event in registry.events.values():
        questions = [
            chart.question
            for chart in registry.charts.values()
            if any(registry.metrics[name].of.event == event.name for name in chart.metrics)
        ]
        kept = ", ".join(f"`{name}`" for name in registry.counter_fields[event.name])
        yield from [f"### `{event.name}`", "", event.why, f"It answers: {' '.join(questions)}"]
        yield f"It goes to {_recipient(event)}; owner: {event.owner}."
        yield f"Since {event.since}; expires on {event.expires}."
        yield from [
            f"Weekly counts keep: {kept}.",
            "",
            "| field | values | says |",
            "|---|---|---|",
        ]
        yield from (
            f"| `{field.name}` | {_values(field)} | {field.says} |"
            for field in event.fields.values()
        )
        yield ""


def _recipient(event: Event) -> str:
    product = "Linewise's own collector"
    maker = "the maker of the catalogue"
    return {"product": product, "catalogue": maker, "both": f"{product} and {maker}"}[event.to]


def _values(field: Field) -> str:
    words = ", ".join(f"`{value}`" for value in field.values)
    return {
        "bool": "`true`, `false`",
        "enum": words,
        "bucket": f"{words} {field.unit}",
        "count": "a whole number",
        "catalogue": "the id of a public catalogue that you subscribe to",
        "symbol": "a name that this catalogue lists",
        "version": "numbers and dots",
    }[field.kind]


def main() -> None:
    """Write the pages beside the package, for a source tree."""
    directory = Path(__file__).resolve().parents[1]
    for name, text in pages(load()).items():
        (directory / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{directory / name}\n")


if __name__ == "__main__":
    main()

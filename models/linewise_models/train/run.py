"""What a run was told, kept in its directory so that it explains itself.

In: a config and the facts of its dataset. Out: RUN/run.json, and both again from it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from linewise_models.errors import TrainError
from linewise_models.train.config import Config, parse_config
from linewise_models.train.dataset import Facts, Special

if TYPE_CHECKING:
    from pathlib import Path

FILE = "run.json"


def write_run(run: Path, config: Config, facts: Facts) -> None:
    """Write what a run is told. Raises TrainError."""
    document = {"config": asdict(config), "facts": asdict(facts)}
    try:
        run.mkdir(parents=True, exist_ok=True)
        half = run / f".{FILE}.half"
        half.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        half.replace(run / FILE)
    except OSError as error:
        raise TrainError(f"{run} cannot be written to: {error.strerror}.") from error


def read_run(run: Path) -> tuple[Config, Facts]:
    """Return what a run was told. Raises TrainError."""
    try:
        document = json.loads((run / FILE).read_text(encoding="utf-8"))
        facts = document["facts"]
        marks = {name: Special(**mark) for name, mark in facts["marks"].items()}
        known = {**facts, "end": Special(**facts["end"]), "marks": marks}
        return parse_config(document["config"]), Facts(**{**known, "kinds": tuple(facts["kinds"])})
    except OSError as error:
        why = f"its {FILE} cannot be read ({error.strerror})"
        raise TrainError(f"{run} is not the directory of a training run: {why}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise TrainError(f"{run} is not the directory of a training run: {error}.") from error

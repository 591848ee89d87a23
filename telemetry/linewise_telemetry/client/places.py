"""Where telemetry keeps its files and whom it may talk to, from the environment.

In: environment variables. Out: `Places`. `LINEWISE_COLLECTOR` names the product's collector as
`https://host#PROJECT-KEY`; without it nothing can be sent, whatever the level.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from linewise_telemetry.catalogue.holding import Holding
from linewise_telemetry.catalogue.shelf import Shelf
from linewise_telemetry.client.subscriptions import Collector, Shelved
from linewise_telemetry.client.telemetry import Places
from linewise_telemetry.consent import policy_path

if TYPE_CHECKING:
    from collections.abc import Mapping

COLLECTOR_VARIABLE = "LINEWISE_COLLECTOR"


def locate_places(environ: Mapping[str, str], holding: Holding | None = None) -> Places:
    """Return the places of the user whose environment this is.

    `holding` is the user's catalogues where somebody has them in memory already.
    """
    override = environ.get("LINEWISE_HOME")
    home = (
        Path(override).expanduser().absolute()
        if override
        else platformdirs.user_data_path("linewise", appauthor=False)
    )
    return Places(
        home=home,
        policy=policy_path(),
        environ=environ,
        product=_product(environ.get(COLLECTOR_VARIABLE, "")),
        subscriptions=Shelved(holding or Holding(Shelf(home / "catalogues"))),
    )


def _product(target: str) -> Collector | None:
    origin, _, key = target.partition("#")
    return Collector(origin.rstrip("/"), key) if origin and key else None

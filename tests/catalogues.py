"""Made-up catalogues on a shelf, as a subscriber has them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from linewise_telemetry.catalogue.envelope import new_key, sign
from linewise_telemetry.catalogue.shelf import Pulled, Shelf


def document(package: str, symbols: Iterable[str], **fields: Any) -> dict[str, Any]:
    """Return a catalogue's content, with a page for each symbol."""
    page = f"https://{package}.example/"
    return {
        "format": "linewise-catalogue/1",
        "id": package,
        "title": package.capitalize(),
        "maker": {"name": f"{package.capitalize()} Makers"},
        "release": 1,
        "package": package,
        "symbols": [{"name": name, "kind": "class", "url": page} for name in symbols],
    } | fields


async def subscribe(folder: Path, content: dict[str, Any]) -> Shelf:
    """Put a catalogue, signed by a key of its own, on the shelf in `folder`."""

    async def pull(_: str, __: str) -> Pulled:
        return Pulled(sign(json.dumps(content).encode(), new_key()), "1")

    shelf = Shelf(folder)
    await shelf.add(f"http://127.0.0.1:9/{content['id']}.catalogue", pull)
    return shelf

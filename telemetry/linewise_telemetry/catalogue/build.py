"""Making a catalogue: the maker's YAML and the docs' symbols in, a checked document out.

The YAML has the document's own fields except `format` and `symbols`; symbols come from the docs'
inventory, and `symbols` in the YAML adds those that it lacks. Of an adapter the YAML names the
file; its hash, its size and its base are what the file says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import yaml

from linewise_telemetry.catalogue.document import FORMAT, Entry, check
from linewise_telemetry.catalogue.errors import CatalogueError, DocumentError

_TEMPLATE = """\
# The catalogue of {package}: what you tell the developers who use it.
# Build it:  linewise catalogue build {file} --inventory objects.inv --base https://docs.example/
id: {package}
title: {package}
maker:
  name: Your name or your company's
package: {package}
release: 1

# deprecations:
#   - symbol: {module}.old
#     since: "2.0"
#     removed_in: "3.0"
#     replacement: {module}.new
#     mechanical: true      # renaming is all there is to do
#     guide: https://docs.example/migrate
# samples:
#   - id: first-steps
#     title: The first five lines
#     symbols: [{module}.new]
#     code: |
#       import {module}
# announcements:
#   - id: survey
#     title: Tell us what you miss
#     url: https://docs.example/survey
#     until: "2027-12-31"
# support:
#   - title: Ask the community
#     url: https://community.example/
# adapters:                 # what teaches a model your API; `linewise models train` makes one
#   - file: {package}.gguf  # beside this file, and published beside the catalogue
#     licence: Apache-2.0
#     summary: Names and idioms of {package} 2
#     base: 0000…           # SHA-256 of the model file that is served, if not the one trained on
# telemetry:                # your own collector; `linewise collector project {package}` prints the
#                           # key, and with --catalogue it takes what is built here
#   origin: https://telemetry.example
#   project: "00000000000000000000000000000000"
"""


Describe = Callable[[str], Mapping[str, Any]]
"""The name of an adapter's file -> its `sha256`, `bytes` and `base`; raises CatalogueError."""


def template(package: str, file: str) -> str:
    """Return the YAML to start from, for a package (a normalised name), kept in `file`."""
    return _TEMPLATE.format(package=package, module=package.replace("-", "_"), file=file)


def build_document(text: str, symbols: Iterable[Entry], describe: Describe | None = None) -> bytes:
    """Return the document's bytes; raises CatalogueError with what is wrong."""
    try:
        fields = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CatalogueError(f"The YAML cannot be read: {error}") from error
    if not isinstance(fields, dict):
        raise CatalogueError("The YAML is no table of fields; `linewise catalogue new` makes one.")
    rows: dict[str, Any] = {e.name: {"name": e.name, "kind": e.kind, "url": e.url} for e in symbols}
    added = fields.pop("symbols", [])
    rows |= {row["name"]: row for row in added if isinstance(row, dict) and "name" in row}
    adapters = fields.get("adapters")
    if describe is not None and isinstance(adapters, list):
        fields["adapters"] = [_described(item, describe) for item in adapters]
    document = {"format": FORMAT, **fields, "symbols": list(rows.values())}
    problems = check(document)
    if problems:
        raise DocumentError(problems)
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _described(item: Any, describe: Describe) -> Any:
    """Return an adapter's fields with what its file says; the check names what is no table.

    Its base may be another than the file says: a quantisation of the model that it was trained on.
    """
    if not isinstance(item, dict) or not isinstance(item.get("file"), str):
        return item
    found = describe(item["file"])
    return {**found, **item, "sha256": found["sha256"], "bytes": found["bytes"]}

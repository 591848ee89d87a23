"""The samples that makers publish for what a stretch of code uses, by its text alone.

In: the subscribed catalogues and a Python text. Out: samples, those of the last used name first.
Nothing is inferred for it, so that a variable's methods show none.
"""

from __future__ import annotations

from linewise_server.apidocs.python.scope import name_at, parse
from linewise_server.apidocs.python.uses import used_names
from linewise_server.apidocs.source import Source, Span
from linewise_telemetry.catalogue.document import Catalogue, Sample
from linewise_telemetry.catalogue.holding import Held


def samples_in_use(held: Held, source: Source, within: Span) -> list[tuple[Catalogue, Sample]]:
    """Return each sample once, with its catalogue."""
    if source.language != "python" or not held.sampled:
        return []
    by_symbol: dict[str, list[tuple[Catalogue, Sample]]] = {}
    for catalogue in held.by_id.values():
        for sample in catalogue.samples:
            for symbol in sample.symbols:
                by_symbol.setdefault(symbol, []).append((catalogue, sample))
    syntax = parse(source.text)
    found: dict[tuple[str, str], tuple[Catalogue, Sample]] = {}
    for span in reversed(used_names(syntax, within)):
        named = name_at(syntax, span.start)
        for catalogue, sample in by_symbol.get(named.full, ()) if named is not None else ():
            found.setdefault((catalogue.id, sample.id), (catalogue, sample))
    return list(found.values())

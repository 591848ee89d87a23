"""Examples drawn from clean files by chance, until there are as many tokens as asked for.

In: packages' files, the settings and a seed. Out: examples in random order, and counts. The same
seed draws the same examples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from linewise_models.quotation import quote
from linewise_models.train.code import Span, Survey, survey
from linewise_models.train.corpus import File, Kept, Report
from linewise_models.train.crossfile import used
from linewise_models.train.dataset import Example
from linewise_models.train.fim import Window
from linewise_models.train.holes import Hole, Rows, find_hole

LEAST_YIELD = 0.02
"""Share of draws that must give a new example, or the files are taken to be used up."""


@dataclass(slots=True)
class Drawn:
    """The examples of one split."""

    examples: list[Example] = field(default_factory=list)
    tokens: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    """How many are of an order, alone, with quotations, and of each language and package."""


def draw(
    kept: Sequence[Kept],
    window: Window,
    wanted: int,
    weights: Mapping[str, float],
    random: Random,
    report: Report,
) -> Drawn:
    """Return examples of `wanted` tokens together, fewer where the files do not give more."""
    drawn = Drawn()
    taken: set[tuple[str, str, int, int]] = set()
    chances = [_chance(one, weights, window.examples.balance) for one in kept]
    mean = 200.0
    while drawn.tokens < wanted and sum(chances) > 0:
        count = int((wanted - drawn.tokens) / mean) + 1
        before = len(drawn.examples)
        picked = Counter(random.choices(range(len(kept)), chances, k=count))
        for index in sorted(picked):
            report("drawing", min(drawn.tokens, wanted), wanted)
            _from_package(kept[index], picked[index], window, random, taken, drawn)
        if len(drawn.examples) - before < max(1, LEAST_YIELD * count):
            break
        mean = drawn.tokens / len(drawn.examples)
    report("drawing", wanted, wanted)
    random.shuffle(drawn.examples)
    return drawn


def _chance(one: Kept, weights: Mapping[str, float], balance: float) -> float:
    total = sum(sum(file.weights) for file in one.files)
    return float(total**balance) * weights.get(one.package.key, 1.0)


def _from_package(
    one: Kept,
    count: int,
    window: Window,
    random: Random,
    taken: set[tuple[str, str, int, int]],
    drawn: Drawn,
) -> None:
    totals = [sum(file.weights) for file in one.files]
    if not sum(totals):
        return
    picked = Counter(random.choices(range(len(one.files)), totals, k=count))
    for index in sorted(picked):
        file = one.files[index]
        found = survey(file.path, file.text)
        if found is None:
            continue
        rows = Rows(file.text)
        for _ in range(picked[index]):
            _one(one, file, found, rows, window, random, taken, drawn)


def _one(
    one: Kept,
    file: File,
    found: Survey,
    rows: Rows,
    window: Window,
    random: Random,
    taken: set[tuple[str, str, int, int]],
    drawn: Drawn,
) -> None:
    """Try to draw one example of a file."""
    settings = window.examples
    kinds = list(settings.kinds)
    kind = random.choices(kinds, [settings.kinds[kind] for kind in kinds])[0]
    number = random.choices(range(len(file.weights)), file.weights)[0]
    function = found.functions[number] if number < len(found.functions) else None
    place = function.span if function else Span(0, len(file.text))
    hole = find_hole(kind, rows, found, place, settings.prose, random)
    if hole is None:
        return
    key = (one.package.key, file.path, hole.start, hole.end)
    if key in taken:
        return
    taken.add(key)
    alone = None
    if function is not None and function.top and random.random() < settings.alone:
        alone = (function.span, _imports(file.text, found, function.span))
    quoted = ""
    if alone is None and random.random() < settings.context:
        code = file.text[max(0, hole.start - 400) : hole.end]
        quoted = quote(used(code, one.definitions, file.path, random))
    made = window.example(rows, _within(hole, function is None, rows), alone, quoted, random)
    if made is None:
        return
    example, order = made
    drawn.examples.append(example)
    drawn.tokens += len(example.tokens)
    drawn.counts.update((order, f"language {file.language}", f"package {one.package.name}"))
    if alone is not None:
        drawn.counts["alone"] += 1
    if quoted:
        drawn.counts["with other files"] += 1


def _within(hole: Hole, outside: bool, rows: Rows) -> Hole:
    """End what goes onward outside functions at the next blank line: a paragraph of its own."""
    if not (hole.onward and outside):
        return hole
    blank = rows.text.find("\n\n", hole.start)
    return hole if blank < 0 else Hole(hole.kind, hole.start, blank, onward=True)


def _imports(text: str, found: Survey, span: Span) -> str:
    """Return the file's imports of names that a function uses, as the head of a file of its own."""
    code = text[span.start : span.end]
    lines = []
    for place in found.imports:
        line = text[place.start : place.end]
        name = line.replace(",", " ").replace("(", " ").replace(")", " ").split()
        if "__future__" not in line and any(_uses(code, word) for word in name):
            lines.append(line)
    return "".join(f"{line}\n" for line in lines) + "\n\n" if lines else ""


def _uses(code: str, word: str) -> bool:
    return len(word) > 1 and word not in ("import", "from", "as", "in", "is", "or") and word in code

"""Prompts: what the model is shown, in which form, and how much of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from linewise_models.engine.contract import ChatTemplate, Mark, Report
from linewise_models.index import load_index
from linewise_server.generation.ask import Ask, Surroundings
from linewise_server.generation.prompt import LEAST_FOR_CHAT, Prompt, build_prompt
from linewise_server.generation.target import find_target
from linewise_server.generation.ways import WAYS, smallest_model
from linewise_server.protocol import GenerationKind
from linewise_server.snapshot import Snapshot

SMALL = Report(
    model="m", architecture="a", backend="cpu", devices=(), threads=2, context=2048,
    sessions=4, fim="none", marks=(), chat_template=None, prompt_speed=300, generation_speed=80,
    load_ms=1, can_reuse=True, model_bytes=1, cache_bytes=1,
)  # fmt: skip
TEMPLATE = ChatTemplate("<u>{{ messages[0].content }}<a>", "", "")
TALKING = replace(SMALL, chat_template=TEMPLATE, model_bytes=LEAST_FOR_CHAT)
MEAN = 'import os\n\n\ndef mean(xs):\n    """Return the mean."""\n║\n\ndef last():\n    pass\n'


def prompt(
    kind: GenerationKind,
    marked: str,
    report: Report = SMALL,
    around: Surroundings | None = None,
    instruction: str = "",
) -> Prompt:
    at = marked.index("║")
    snapshot = Snapshot.of(marked.replace("║", ""), "file:///w/a.py", "python")
    ask = Ask(snapshot, kind, at, at, instruction, diagnostics=("E1",) if kind == "fix" else ())
    return build_prompt(ask, find_target(ask), around or Surroundings(), report, 3.0)


def text(found: Prompt) -> str:
    return "".join(f"<{part.mark}>" if part.mark else part.text for part in found.parts)


def test_a_small_model_goes_on_from_the_signature() -> None:
    found = prompt("implement", MEAN)
    assert text(found) == 'import os\n\n\ndef mean(xs):\n    """Return the mean."""\n    '
    assert found.heal
    assert not any(part.special for part in found.parts)


def test_a_model_that_fills_in_sees_what_follows() -> None:
    found = prompt("implement", MEAN, replace(SMALL, fim="psm"))
    marks = [part.mark for part in found.parts if part.mark]
    assert marks == [Mark.PREFIX, Mark.SUFFIX, Mark.MIDDLE]
    assert text(found).endswith("def last():\n    pass\n<middle>\n    ")
    found = prompt("implement", MEAN, replace(SMALL, fim="spm"))
    assert [part.mark for part in found.parts if part.mark] == [Mark.SUFFIX, Mark.PREFIX]


def test_a_model_that_is_talked_to_has_its_answer_begun() -> None:
    found = prompt("implement", MEAN, TALKING)
    assert found.parts[0].special
    asked, _, answer = text(found).partition("<a>")
    assert "Implement the function mean" in asked
    assert "def last():" in asked
    assert answer == '```python\ndef mean(xs):\n    """Return the mean."""\n    '
    assert found.fenced
    assert found.stop == ("\n```",)


def test_a_small_model_that_can_be_talked_to_is_where_nothing_goes_on() -> None:
    small = replace(TALKING, model_bytes=1)
    assert not any(part.special for part in prompt("implement", MEAN, small).parts)
    assert any(part.special for part in prompt("explain", "x = 1║\n", small).parts)


def test_what_is_known_beyond_the_file_is_shown_with_the_most_important_first() -> None:
    around = Surroundings(
        signatures=("os.getcwd() -> str", "os.walk(top)"), samples=("os.walk('.')",)
    )
    shown = text(prompt("implement", MEAN, TALKING, around))
    places = [shown.index(one) for one in ("os.getcwd()", "os.walk(top)", "os.walk('.')")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("kind", "marked", "shown"),
    [
        (
            "implement",
            'import shop\n\n\ndef cheap():\n    """Return it."""\n║',
            "import shop\n\n\n# What it imports:\n# shop.find(limit=10)\ndef cheap():\n",
        ),
        (
            "implement",
            'class Shop:\n    x = 1\n\n    def cheap(self):\n        """Return it."""\n║',
            "\n\n    # What it imports:\n    # shop.find(limit=10)\n    def cheap(self):\n",
        ),
        (
            "comment",
            "import shop\nx = 1\n# find it║\n",
            "x = 1\n# What it imports:\n# shop.find(limit=10)\n# find it\n",
        ),
    ],
)
def test_code_that_goes_on_has_what_it_imports_above_it(
    kind: GenerationKind, marked: str, shown: str
) -> None:
    signed = ("shop.find(limit=10)", "json.dumps(obj)")
    around = Surroundings(signatures=signed, foreign=signed[:1])
    assert shown in text(prompt(kind, marked, SMALL, around))
    # What stands before is the same with and without, so that the cache has it.
    assert prompt(kind, marked, SMALL, around).parts[0] == prompt(kind, marked).parts[0]


def test_lines_that_call_it_from_far_away_are_shown() -> None:
    far = MEAN + "x = 1\n" * 2000 + "result = mean([1, 2])\n"
    assert "result = mean([1, 2])" in text(prompt("implement", far, TALKING))


def test_a_diagnostic_is_told() -> None:
    assert "Fix this: E1" in text(prompt("fix", "x = y║\n", TALKING))


def test_an_instruction_is_a_comment_to_a_model_without_a_template() -> None:
    assert text(prompt("instruction", "x = 1\n║", instruction="add one")) == "x = 1\n# add one\n"


def test_a_function_is_read_before_its_docstring_is_written() -> None:
    shown = text(prompt("docstring", "def f(x║):\n    return x + 1\n"))
    assert shown == 'def f(x):\n    return x + 1\n\n\ndef f(x):\n    """'


@pytest.mark.parametrize("report", [SMALL, TALKING], ids=["goes on", "talks"])
@pytest.mark.parametrize("kind", ["implement", "docstring", "explain", "tests"])
def test_no_prompt_is_longer_than_what_fits_in_time(report: Report, kind: GenerationKind) -> None:
    signed = tuple(f"f{n}(a, b, c)" for n in range(900))
    around = Surroundings(signed, foreign=signed, samples=("x = 1\n" * 900,))
    body = "║\n" if kind == "implement" else "    y║ = 1\n" + "    x = 1\n" * 900
    marked = "z = 1\n" * 2000 + f"\n\ndef mean(xs):\n{body}" + "w = 2\n" * 2000
    if report is SMALL and kind in ("explain", "tests"):
        report = replace(TALKING, model_bytes=1)
    most = min(report.context - WAYS[kind].tokens, report.prompt_speed * 4) * 3.0
    assert 300 < len(text(prompt(kind, marked, report, around))) <= most + 400


def test_the_smallest_model_for_each_way_is_in_the_index_for_that() -> None:
    index = load_index()
    for way in WAYS.values():
        if way.model is not None:
            assert "generation" in index.find(way.model).tasks
            assert smallest_model(way, index.default) == way.model
            assert smallest_model(way, way.model) is None
            assert smallest_model(way, "/models/mine.gguf") is None

"""Training text has the shape in which the engine is asked, down to the token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from linewise_models.engine.contract import Finish, Part, Request
from linewise_models.engine.llama import LlamaEngine
from linewise_models.engine.native import LoadOptions
from linewise_models.errors import ConfigError
from linewise_models.train.dataset import Special
from linewise_models.train.fim import Encoder, Order, Texts
from linewise_models.train.recipe import Marks
from linewise_models.train.tokenizer import Tokenizer

CURSORS = [
    "def area(width, height):\n    return wi║dth * height\n",
    "def area(width, height):\n    ║return width * height\n",
    "def area(width, height):║\n    return width * height\n",
    "x = len(║items)\n",
    "if a:\n\n\n        ║b = 'é'\n",
    "value = 12║34\n",
    "║import os\n",
    "class A:\n\tdef f(self):\n\t\t║pass\n",
]


@pytest.fixture(scope="module")
def tokenizer(real_model: Path) -> Iterator[Tokenizer]:
    """The default model's."""
    found = Tokenizer(real_model)
    yield found
    found.close()


@pytest.fixture(scope="module")
def encoder(tokenizer: Tokenizer) -> Encoder:
    """With the marks of the shipped model."""
    return Encoder(tokenizer, *tokenizer.marks(Marks().names(), Marks().end))


@pytest.fixture(scope="module")
def engine(real_model: Path) -> Iterator[LlamaEngine]:
    """The engine on the same model."""
    found = LlamaEngine(LoadOptions(real_model, context=256, sequences=1, batch=32))
    yield found
    found.close()


def texts_at(marked: str, after: str = "print(1)\n") -> Texts:
    before, _, rest = marked.partition("║")
    line = before.rfind("\n") + 1
    return Texts(before[:line], before[line:], rest, after, ends=True)


@pytest.mark.parametrize("marked", CURSORS)
def test_the_boundary_is_healed_as_the_engine_heals(
    marked: str, encoder: Encoder, engine: LlamaEngine
) -> None:
    texts = texts_at(marked)
    example = encoder.encode(texts, "spm", 0)
    prefix = encoder.marks["prefix"].id
    begins = example.tokens.tolist().index(prefix) + 1
    asked = Request("s", (Part("lines", texts.before), Part("line", texts.typed)), max_tokens=1)
    finish = list(engine.generate(asked, lambda: False))[-1]
    assert isinstance(finish, Finish)
    kept = example.tokens[begins : example.middle].tolist()
    # An engine with nothing left to evaluate begins with the token that stands between documents.
    assert max(1, len(kept)) == finish.prompt_tokens
    middle = encoder.tokenizer.text(example.tokens[example.middle :].tolist())
    assert middle == finish.healed + texts.middle + encoder.end.text


@pytest.mark.parametrize("order", ["spm", "psm"])
@pytest.mark.parametrize("marked", CURSORS)
def test_an_example_spells_the_file_in_its_order(
    marked: str, order: Order, encoder: Encoder
) -> None:
    texts = texts_at(marked)
    example = encoder.encode(texts, order, 0)
    prefix, suffix, middle = (encoder.marks[m].text for m in ("prefix", "suffix", "middle"))
    expected = {
        "spm": f"{suffix}{texts.after}{prefix}{texts.before}{texts.typed}",
        "psm": f"{prefix}{texts.before}{suffix}{texts.after}{middle}{texts.typed}",
    }[order]
    assert encoder.tokenizer.text(example.tokens.tolist()) == f"{expected}{texts.middle}" + (
        encoder.end.text
    )


def test_nothing_after_the_cursor_leaves_the_marks(encoder: Encoder) -> None:
    example = encoder.encode(texts_at("x = ║1\n", after=""), "spm", 0)
    assert encoder.tokenizer.text(example.tokens.tolist()) == (
        f"{encoder.marks['suffix'].text}{encoder.marks['prefix'].text}x = 1\n{encoder.end.text}"
    )


def test_tokens_are_those_of_the_engine(tokenizer: Tokenizer, engine: LlamaEngine) -> None:
    text = Path(__file__).read_text(encoding="utf-8") + "<|endoftext|> <issue_start>"
    assert tokenizer.tokenise(text) == engine.tokenise(text)


@pytest.mark.parametrize(
    ("marks", "told"),
    [
        ({"prefix": "<nothing>"}, "has no special token"),
        ({"prefix": "def"}, "has no special token"),
        ({"prefix": "<|im_start|>"}, "cannot be the prefix mark"),
        ({"prefix": "<issue_start>", "suffix": "<issue_start>"}, "the same token"),
    ],
)
def test_marks_must_be_free(marks: dict[str, str], told: str, tokenizer: Tokenizer) -> None:
    with pytest.raises(ConfigError, match=told):
        tokenizer.marks(marks, Marks().end)
    with pytest.raises(ConfigError, match="does not end a text"):
        tokenizer.marks({}, "<issue_start>")


def test_marks_are_recorded_by_name_and_id(encoder: Encoder) -> None:
    assert encoder.end == Special("<|endoftext|>", 0)
    assert encoder.marks["prefix"] == Special("<issue_comment>", 9)

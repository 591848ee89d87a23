"""The engine on the real model: the cache, healing, stops, candidates and cancellation."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from linewise_models.engine.contract import Finish, Mark, Part, Request, Token
from linewise_models.engine.llama import LlamaEngine
from linewise_models.engine.native import LoadOptions
from linewise_models.errors import EngineError

HEAD = 'import math\n\n\ndef mean(xs):\n    """Return the arithmetic mean."""\n'


@pytest.fixture(scope="module")
def engine(left_to_right_model: Path) -> Iterator[LlamaEngine]:
    engine = LlamaEngine(LoadOptions(left_to_right_model, context=512, sequences=3))
    yield engine
    engine.close()


def run(
    engine: LlamaEngine,
    text: str,
    cancelled: Callable[[], bool] = lambda: False,
    **options: object,
) -> tuple[list[Token], Finish]:
    values = {"session": "a", "max_tokens": 12, "must_speak": True} | options
    request = Request(prompt=(Part("text", text),), **values)  # type: ignore[arg-type] # a table
    *tokens, finish = engine.generate(request, cancelled)
    assert isinstance(finish, Finish)
    return [token for token in tokens if isinstance(token, Token)], finish


def spoken(tokens: list[Token], candidate: int = 0) -> str:
    return "".join(token.text for token in tokens if token.candidate == candidate)


def test_a_key_costs_the_tokens_typed(engine: LlamaEngine) -> None:
    _, first = run(engine, HEAD + "    return sum(xs) / len(", session="typing")
    assert first.reused_tokens == 0
    for typed in ("x", "xs", "xs)"):
        _, finish = run(engine, HEAD + "    return sum(xs) / len(" + typed, session="typing")
        assert finish.evaluated_tokens <= 3
        assert finish.reused_tokens >= first.prompt_tokens - 1


def test_one_line_ends_with_the_break_after_something_visible(engine: LlamaEngine) -> None:
    tokens, finish = run(engine, HEAD + "    return sum(xs) / len(", one_line=True, max_tokens=40)
    assert spoken(tokens).startswith("xs)")
    assert spoken(tokens).count("\n") == spoken(tokens).rstrip(" ").count("\n") >= 1
    assert spoken(tokens).rstrip().count("\n") == 0
    assert finish.reason == "stop"


def test_sessions_keep_their_own_cache(engine: LlamaEngine) -> None:
    run(engine, HEAD, session="one")
    run(engine, "function add(a, b) {", session="two")
    _, finish = run(engine, HEAD, session="one")
    assert finish.evaluated_tokens <= 2


def test_the_session_unused_for_longest_makes_room(engine: LlamaEngine) -> None:
    def visit(name: str) -> Finish:
        return run(engine, f"{name} = {name}\n" + HEAD, session=name, max_tokens=1)[1]

    for name in ("apple", "brick", "cloud", "dune"):
        visit(name)
    assert visit("cloud").evaluated_tokens <= 2
    assert visit("apple").reused_tokens == 0


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        (HEAD + "    ", "return"),
        (HEAD + "    return su", "m("),
        (HEAD + "    return sum(xs) / le", "n("),
        (HEAD, "    "),
    ],
)
def test_healing_goes_on_where_the_text_broke_off(
    engine: LlamaEngine, text: str, begins: str
) -> None:
    tokens, finish = run(engine, text)
    assert spoken(tokens).startswith(begins)
    assert text.endswith(finish.healed)


def test_without_healing_the_prompt_stands(engine: LlamaEngine) -> None:
    _, finish = run(engine, HEAD + "    ", heal=False)
    assert finish.healed == ""


@pytest.mark.parametrize("stop", ["\n", ")", "sum(x"])
def test_stops_before_the_stop_text(engine: LlamaEngine, stop: str) -> None:
    tokens, finish = run(engine, HEAD + "    return", stop=(stop,), max_tokens=40)
    assert finish.reason == "stop"
    assert stop not in spoken(tokens)
    whole, _ = run(engine, HEAD + "    return", max_tokens=40)
    assert spoken(whole).startswith(spoken(tokens) + stop)


def test_probabilities_are_probabilities(engine: LlamaEngine) -> None:
    tokens, _ = run(engine, HEAD + "    return sum(xs) / len(x", max_tokens=3)
    assert all(token.logprob <= 0 for token in tokens)
    assert tokens[0].logprob > -0.5


def test_candidates_share_the_prompt_and_differ(engine: LlamaEngine) -> None:
    alone, _ = run(engine, HEAD + "    ", session="n", max_tokens=10)
    tokens, finish = run(
        engine, HEAD + "    ", session="n", candidates=3, temperature=1.0, max_tokens=10
    )
    texts = [spoken(tokens, number) for number in range(3)]
    assert texts[0] == spoken(alone)
    assert len(set(texts)) > 1
    assert finish.reused_tokens > 0


def test_cancelling_stops_the_tokens_and_keeps_the_cache(engine: LlamaEngine) -> None:
    heard = itertools.count()
    text = HEAD + "    total = 0\n"
    tokens, finish = run(
        engine,
        text,
        lambda: next(heard) > 8,
        session="cancel",
        max_tokens=100,
    )
    assert finish.reason == "cancelled"
    assert 0 < len(tokens) < 12
    _, again = run(engine, text, session="cancel")
    assert again.evaluated_tokens <= 2


def test_cancelling_a_prompt_keeps_the_slices_that_were_paid_for(engine: LlamaEngine) -> None:
    text = "".join(f"value_{number} = {number}\n" for number in range(40))
    asked = itertools.count()
    _, finish = run(engine, text, lambda: next(asked) > 1, session="prompt")
    assert finish.reason == "cancelled"
    assert 0 < finish.evaluated_tokens < finish.prompt_tokens
    _, again = run(engine, text, session="prompt", max_tokens=1)
    assert again.reused_tokens == finish.evaluated_tokens


class Clock:
    """A clock that moves on only where a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def passes(self) -> bool:
        """Let 0.1 s pass; as `cancelled`, which nobody says."""
        self.now += 0.1
        return False


@pytest.fixture(scope="module")
def timed(left_to_right_model: Path) -> Iterator[tuple[LlamaEngine, Clock]]:
    """An engine with slices of 32 tokens and a clock of its own."""
    clock = Clock()
    options = LoadOptions(left_to_right_model, context=512, sequences=2, batch=32)
    engine = LlamaEngine(options, clock=clock)
    yield engine, clock
    engine.close()


@pytest.mark.parametrize(
    ("deadline_ms", "evaluated"), [(250.0, 64), (150.0, 32), (50.0, 0), (0.0, 0), (-20.0, 0)]
)
def test_a_deadline_ends_a_prompt_between_slices_and_keeps_them(
    timed: tuple[LlamaEngine, Clock], deadline_ms: float, evaluated: int
) -> None:
    engine, clock = timed
    text = "".join(f"value_{number} = {deadline_ms}\n" for number in range(20))
    session = f"deadline {deadline_ms}"
    run(engine, "#", session=session, max_tokens=0)
    tokens, finish = run(engine, text, clock.passes, session=session, deadline_ms=deadline_ms)
    assert (tokens, finish.reason) == ([], "deadline")
    assert finish.evaluated_tokens == evaluated
    _, again = run(engine, text, session=session, max_tokens=1)
    assert again.reused_tokens == evaluated


def test_a_deadline_ends_a_generation_with_what_there_is(
    timed: tuple[LlamaEngine, Clock],
) -> None:
    engine, clock = timed
    text = HEAD + "    return sum(xs) / "
    run(engine, text, session="generation", max_tokens=0)
    tokens, finish = run(
        engine, text, clock.passes, session="generation", max_tokens=40, deadline_ms=550.0
    )
    assert finish.reason == "deadline"
    assert 0 < len(tokens) <= 5
    assert spoken(tokens).startswith("len(")


def test_what_was_evaluated_as_the_deadline_passed_is_not_spoken_to(
    timed: tuple[LlamaEngine, Clock],
) -> None:
    engine, clock = timed
    tokens, finish = run(
        engine, "x = [1, 2, 3]\ny =", clock.passes, session="last", deadline_ms=150.0
    )
    assert (tokens, finish.reason) == ([], "deadline")
    assert finish.evaluated_tokens > 0
    _, warm = run(
        engine, "x = [1, 2, 3]\nz =", clock.passes, session="last", max_tokens=0, deadline_ms=150.0
    )
    assert warm.reason == "length"


def test_cancelling_a_prompt_stops_within_one_slice(timed: tuple[LlamaEngine, Clock]) -> None:
    engine, _ = timed
    text = "".join(f"other_{number} = {number}\n" for number in range(30))
    for slices in range(3):
        asked = itertools.count()
        session = f"slices {slices}"
        run(engine, "#", session=session, max_tokens=0)
        _, finish = run(engine, text, lambda: next(asked) >= slices, session=session)  # noqa: B023
        assert (finish.reason, finish.evaluated_tokens) == ("cancelled", 32 * slices)
        _, again = run(engine, text + "x", session=session, max_tokens=1)
        assert again.reused_tokens == 32 * slices


def test_warming_evaluates_and_says_nothing(engine: LlamaEngine) -> None:
    tokens, finish = run(engine, HEAD + "    return", session="warm", max_tokens=0)
    assert tokens == []
    assert finish.reason == "length"
    _, after = run(engine, HEAD + "    return", session="warm")
    assert after.evaluated_tokens <= 2


def test_an_empty_prompt_is_answered(engine: LlamaEngine) -> None:
    tokens, finish = run(engine, "")
    assert tokens
    assert finish.prompt_tokens == 1


def test_a_prompt_that_does_not_fit_is_refused(engine: LlamaEngine) -> None:
    with pytest.raises(EngineError, match="do not fit"):
        run(engine, "x = 1\n" * 400)


def test_a_mark_that_the_model_lacks_is_refused(engine: LlamaEngine) -> None:
    request = Request("m", (Part("suffix", mark=Mark.SUFFIX),), max_tokens=1)
    with pytest.raises(EngineError, match="no suffix mark"):
        list(engine.generate(request, lambda: False))


def test_characters_of_several_tokens_come_whole(engine: LlamaEngine) -> None:
    tokens, _ = run(engine, 'SMILE = "' + "\N{GRINNING FACE}" * 3, max_tokens=24)
    assert "\N{REPLACEMENT CHARACTER}" not in spoken(tokens)


def test_reports_what_it_is(engine: LlamaEngine) -> None:
    report = engine.report()
    assert report.architecture == "llama"
    assert report.fim == "none"
    assert report.context == 512
    assert report.can_reuse
    assert report.prompt_speed > 0
    assert report.generation_speed > 0
    assert report.model_bytes > 90_000_000
    # 30 layers of 3 key and 3 value heads, 64 wide, 16 bits, for 3 sessions of 512 tokens.
    assert report.cache_bytes == 2 * 2 * 3 * 64 * 30 * 512 * 3


def test_control_tokens_are_read_in_what_the_template_says_and_never_in_a_message(
    engine: LlamaEngine,
) -> None:
    def size(*prompt: Part) -> int:
        request = Request(session="chat", prompt=prompt, max_tokens=0, heal=False)
        (finish,) = engine.generate(request, lambda: False)
        assert isinstance(finish, Finish)
        return finish.prompt_tokens

    mark = "<|im_end|>"
    assert size(Part("template", mark, special=True)) == 1
    assert size(Part("message", mark)) > 1
    assert size(Part("a", "x"), Part("b", mark, special=True), Part("c", "y")) == 3


def test_a_chat_template_is_told_with_the_tokens_that_it_may_name(engine: LlamaEngine) -> None:
    template = engine.report().chat_template
    assert template is not None
    assert "<|im_start|>assistant" in template.text
    assert (template.bos, template.eos) == ("<|im_start|>", "<|im_end|>")


@pytest.mark.parametrize(
    ("text", "forced"),
    [
        (HEAD + "    ", "return sum(xs)"),
        (HEAD + "    return su", "m(xs) / len(xs)\n"),
        (HEAD, "    return 0"),
        ('SMILE = "caf', 'é \N{GRINNING FACE}"'),
        ('SMILE = "\N{GRINNING FACE}', '\N{GRINNING FACE}"'),
        ("", "import"),
        (HEAD + "    return" + " + x" * 30, " + x" * 60),
    ],
)
def test_a_known_continuation_is_said_again(engine: LlamaEngine, text: str, forced: str) -> None:
    tokens, finish = run(engine, text, forced=forced, max_tokens=0)
    assert (spoken(tokens), finish.reason) == (forced, "end")
    assert all(token.logprob <= 0 for token in tokens)
    assert finish.prompt_tokens == finish.evaluated_tokens + finish.reused_tokens
    plain, _ = run(engine, text, forced=forced, max_tokens=0, heal=False)
    assert spoken(plain) == forced


def test_a_known_continuation_is_as_likely_as_when_it_was_chosen(engine: LlamaEngine) -> None:
    text = HEAD + "    return"
    chosen, _ = run(engine, text, session="chosen")
    known, _ = run(engine, text, session="known", forced=spoken(chosen), max_tokens=0)
    assert [token.text for token in known] == [token.text for token in chosen]
    # Tokens evaluated together are rounded otherwise than one at a time.
    for one, other in zip(known, chosen, strict=True):
        assert one.logprob == pytest.approx(other.logprob, abs=0.1)
    other_text, _ = run(engine, text, forced=" sum(xs) / elephant", max_tokens=0)
    assert sum(t.logprob for t in other_text) < sum(t.logprob for t in known) - 5


def test_each_token_of_a_long_continuation_follows_those_before_it(engine: LlamaEngine) -> None:
    # More than one slice, and more than one again, so that logits pass from slice to slice.
    words = [f" {word}" for word in ("alpha beta gamma delta epsilon zeta eta theta " * 12).split()]
    whole, _ = run(engine, "x =", forced="".join(words), max_tokens=0, heal=False)
    begun = "x =" + "".join(words[:40])
    rest, _ = run(engine, begun, forced="".join(words[40:]), max_tokens=0, heal=False)
    assert len(whole) > 64
    for one, other in zip(whole[-len(rest) :], rest, strict=True):
        assert one.logprob == pytest.approx(other.logprob, abs=0.1)


def test_a_prompt_that_changes_behind_a_known_continuation_keeps_its_beginning(
    engine: LlamaEngine,
) -> None:
    run(engine, HEAD + "    return", session="f", forced=" sum(xs)", max_tokens=0)
    _, finish = run(engine, HEAD + "    return", session="f", forced=" max(xs)", max_tokens=0)
    assert finish.evaluated_tokens <= 6
    _, cancelled = run(
        engine, HEAD + "    x = 1", lambda: True, session="f", forced="0", max_tokens=0
    )
    assert cancelled.reason == "cancelled"
    with pytest.raises(EngineError, match="do not fit"):
        run(engine, "x", forced=" y" * 600, max_tokens=0)

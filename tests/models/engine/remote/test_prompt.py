"""From parts to what each server and family is sent, and what is new in what comes back."""

from __future__ import annotations

import re
from typing import Any

import pytest

from linewise_models.engine.contract import Mark, Part, Request
from linewise_models.engine.remote.fim import FAMILIES, FORMATS, family_named, family_of
from linewise_models.engine.remote.prompt import Answer, Prompt, compose
from linewise_models.engine.remote.server import Kind, Server, Way
from linewise_models.errors import EngineError

MARKS = {f"<{mark}>": mark for mark in Mark}


def parts(text: str) -> tuple[Part, ...]:
    """Return the parts of a text in which <prefix>, <suffix> … are marks."""
    pieces = filter(None, re.split(f"({'|'.join(MARKS)})", text))
    return tuple(
        Part(piece, mark=MARKS[piece]) if piece in MARKS else Part("text", piece)
        for piece in pieces
    )


def composed(text: str, kind: Kind, way: Way, family: str | None = None, **more: Any) -> Prompt:
    server = Server(kind, (), "m", "m", 4096, 1, way, family_named(family or ""))
    options = {"must_speak": False} | more
    return compose(Request("s", parts(text), max_tokens=8, **options), server)


PSM = "<prefix>a = 1\n<suffix>\nc = 3\n<middle>b ="
SPM = "<suffix>\nc = 3\n<prefix>a = 1\nb ="


@pytest.mark.parametrize(
    ("text", "family", "prompt"),
    [
        (PSM, "qwen", "<|fim_prefix|>a = 1\n<|fim_suffix|>\nc = 3\n<|fim_middle|>b ="),
        (PSM, "codegemma", "<|fim_prefix|>a = 1\n<|fim_suffix|>\nc = 3\n<|fim_middle|>b ="),
        (PSM, "codellama", "<PRE> a = 1\n <SUF>\nc = 3\n <MID>b ="),
        (PSM, "starcoder", "<fim_prefix>a = 1\n<fim_suffix>\nc = 3\n<fim_middle>b ="),
        (PSM, "deepseek", "<｜fim▁begin｜>a = 1\n<｜fim▁hole｜>\nc = 3\n<｜fim▁end｜>b ="),  # noqa: RUF001
        (SPM, "codestral", "[SUFFIX]\nc = 3\n[PREFIX]a = 1\nb ="),
        (
            "<repository>r<file>a.py\n" + PSM,
            "qwen",
            "<|repo_name|>r<|file_sep|>a.py\n<|fim_prefix|>",
        ),
    ],
)
def test_a_family_has_its_marks(text: str, family: str, prompt: str) -> None:
    assert composed(text, "vLLM", "template", family).fields["prompt"].startswith(prompt)


def test_a_mark_that_a_family_lacks_is_an_error() -> None:
    with pytest.raises(EngineError, match="repository"):
        composed("<repository>r" + PSM, "vLLM", "template", "codellama")
    with pytest.raises(EngineError, match="repository"):
        composed("<repository>r" + PSM, "Ollama", "suffix")


@pytest.mark.parametrize(
    ("text", "way", "fields"),
    [
        (PSM, "suffix", {"prompt": "a = 1\nb =", "suffix": "\nc = 3\n"}),
        (SPM, "suffix", {"prompt": "a = 1\nb =", "suffix": "\nc = 3\n"}),
        ("<prefix>a<suffix><middle>b", "suffix", {"prompt": "ab", "suffix": "\n"}),
        (PSM, "infill", {"input_prefix": "a = 1\n", "input_suffix": "\nc = 3\n", "prompt": "b ="}),
        ("a = 1\nb =", "none", {"prompt": "a = 1\nb ="}),
    ],
)
def test_a_server_may_have_a_way_of_its_own(text: str, way: Way, fields: dict[str, str]) -> None:
    assert composed(text, "unknown", way).fields == fields


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("Qwen/Qwen2.5-Coder-7B", "qwen"),
        ("/models/qwen2.5-coder-1.5b-q8_0.gguf", "qwen"),
        ("Qwen3-Coder-30B-A3B-Instruct", "qwen"),
        ("Qwen2.5-7B-Instruct", None),
        ("CodeQwen1.5-7B", "starcoder"),
        ("codellama/CodeLlama-7b-hf", "codellama"),
        ("codellama/CodeLlama-7b-Python-hf", None),
        ("code-llama-34b", None),
        ("bigcode/starcoder2-3b", "starcoder"),
        ("ibm-granite/granite-3b-code-base", "starcoder"),
        ("deepseek-ai/deepseek-coder-6.7b-base", "deepseek"),
        ("google/codegemma-2b", "codegemma"),
        ("mistralai/Codestral-22B-v0.1", "codestral"),
        ("mistralai/Mamba-Codestral-7B-v0.1", "codestral"),
        ("mistralai/codestral-mamba", None),
        ("meta-llama/Llama-3.1-8B", None),
    ],
)
def test_a_model_is_known_by_its_name(model: str, family: str | None) -> None:
    found = family_of(model)
    assert (found.name if found else None) == family


def test_every_family_can_be_named_in_the_settings() -> None:
    assert [family_named(name) for name in FORMATS[4:]] == list(FAMILIES)


@pytest.mark.parametrize(
    ("text", "kind", "left", "healed"),
    [
        # Everywhere, white space goes.
        ("def f():\n    ", "vLLM", "def f():", "\n    "),
        ("x = ", "vLLM", "x =", " "),
        ("retu", "vLLM", "retu", ""),
        ("a\n\r\n\t", "vLLM", "a", "\n\r\n\t"),
        # Where a grammar can spell it again, so does a last word, or a last sign.
        ("def f():\n    retu", "llama.cpp", "def f():", "\n    retu"),
        ("x = foo.ba", "llama.cpp", "x = foo.", "ba"),
        ("x = f(", "llama.cpp", "x = f", "("),
        ("x = ", "llama.cpp", "x =", " "),
        ("a " + "w" * 40, "llama.cpp", "a " + "w" * 40, ""),
        # Nothing is taken off a prompt of which nothing would be left.
        ("    ", "vLLM", "    ", ""),
        ("retu", "llama.cpp", "retu", ""),
        ("", "llama.cpp", "", ""),
    ],
)
def test_a_prompt_ends_where_a_token_ends(text: str, kind: Kind, left: str, healed: str) -> None:
    prompt = composed(text, kind, "none")
    assert (prompt.fields["prompt"], prompt.healed) == (left, healed)
    assert ("grammar" in prompt.fields) == (kind == "llama.cpp" and bool(healed))
    assert composed(text, kind, "none", heal=False).fields == {"prompt": text}


def test_healing_stays_behind_the_last_mark() -> None:
    prompt = composed("<prefix>a\n<suffix>b\n<middle>    ", "vLLM", "template", "starcoder")
    assert prompt.fields["prompt"].endswith("b\n<fim_middle>")
    assert prompt.healed == "    "


@pytest.mark.parametrize(
    ("text", "must_speak", "grammar"),
    [
        ("x =\n\t", False, r'root ::= "\x0A\x09" [^\x00]*'),
        ('x = "', False, r'root ::= " \x22" [^\x00]*'),
        ("x\\", True, r'root ::= "\x5C" [ \t\r\n]* [^ \t\r\n\x00] [^\x00]*'),
        ("", True, r"root ::= [ \t\r\n]* [^ \t\r\n\x00] [^\x00]*"),
        ("", False, None),
    ],
)
def test_a_grammar_heals_and_makes_speak(text: str, must_speak: bool, grammar: str | None) -> None:
    fields = composed(text, "llama.cpp", "none", must_speak=must_speak).fields
    assert fields.get("grammar") == grammar


@pytest.mark.parametrize(
    ("healed", "stops", "chunks", "new", "ended"),
    [
        ("", (), ["a", "b"], "ab", False),
        ("\n  ", (), ["\n", "  re", "turn"], "return", False),
        ("\n  ", (), ["\n  return"], "return", False),
        ("\n  ", (), ["\n x"], "", True),
        ("\n  ", (), ["\n"], "", False),
        ("", ("\n",), ["a\nb", "c"], "a", True),
        ("\n", ("\n",), ["\n", "a", "\nb"], "a", True),
        ("", ("\n\n",), ["a\n", "b\n", "\nc"], "a\nb", True),
        ("", ("\n\n",), ["a\n"], "a\n", False),
        ("", (), ["a<|end", "oftext|>b"], "a", True),
        ("", (), ["a<|end"], "a<|end", False),
    ],
)
def test_only_what_is_new_is_given(
    healed: str, stops: tuple[str, ...], chunks: list[str], new: str, ended: bool
) -> None:
    prompt = Prompt({}, infill=False, healed=healed, ends=("<|endoftext|>",))
    answer = Answer.to(prompt, Request("s", (), 8, stop=stops))
    texts = []
    for chunk in chunks:
        texts.append(answer.add(chunk))
        if answer.ended:
            break
    assert "".join([*texts, answer.finish()]) == new
    assert answer.ended == ended
    assert answer.stopped == (ended and bool(stops))


@pytest.mark.parametrize(
    ("chunks", "new", "stopped"),
    [
        (["a", " b\n", "c"], "a b\n", True),
        (["a", "", "\n", "c"], "a\n", True),
        (["\n    ", "a", "\nb"], "\n    a\nb", True),
        ([" ", "\n", "a"], " \na", False),
    ],
)
def test_one_line_ends_after_something_visible(chunks: list[str], new: str, stopped: bool) -> None:
    prompt = Prompt({}, infill=False, healed="", ends=())
    answer = Answer.to(prompt, Request("s", (), 8, one_line=True))
    texts = []
    for chunk in chunks:
        texts.append(answer.add(chunk))
        if answer.ended:
            break
    assert "".join([*texts, answer.finish()]) == new
    assert (answer.ended, answer.stopped) == (stopped, stopped)

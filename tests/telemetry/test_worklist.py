"""The dashboard's export becomes a work list and prompts."""

from __future__ import annotations

import json

import pytest

from linewise_telemetry.worklist import (
    REPLACE,
    TEACH,
    ExportError,
    Need,
    as_markdown,
    as_prompts,
    read_needs,
)

HEAD = "project,week,metric,split,value,num,den,installs\n"


def check(rows: str, *expected: str) -> None:
    """Compare `symbol: what` of the needs, in order, with `expected`."""
    text = HEAD + "".join(f"acme,2026-11-16,{row},9\n" for row in rows.split())
    assert tuple(f"{need.symbol}: {need.what}" for need in read_needs(text)) == expected


def test_needs_by_weight() -> None:
    check(
        "gaps,symbol,a,40,40 unanswered,symbol,b,90,100 unanswered,symbol,c,0,100",
        "b: give it a page",
        "a: write what is missing",
    )


def test_weeks_are_pooled() -> None:
    rows = [f"acme,2026-11-{day},gaps,symbol,a,20,20,9\n" for day in ("09", "16")]
    (need,) = read_needs(HEAD + "".join(rows))
    assert (need.weight, need.because) == (40, "missed 40 times")


def test_only_what_is_surely_worse_than_the_rest_is_taught() -> None:
    check(
        "api_acceptance,,,500,1000 api_acceptance,symbol,bad,10,100"
        " api_acceptance,symbol,unsure,9,20"
        " api_acceptance,symbol,good,60,100 deprecated_use,symbol,old,30,100",
        "bad: teach the model",
        "old: teach the model its replacement",
    )


def test_other_splits_are_no_symbols() -> None:
    check("gaps,,,40,40 gaps,kind,no_page,40,40")


def test_output() -> None:
    needs = read_needs(HEAD + "acme,2026-11-16,deprecated_use,symbol,acme.send,30,100,9\n")
    assert "- [ ] `acme.send`: teach the model its replacement" in as_markdown(needs)
    assert json.loads(as_prompts(needs)) == {
        "symbol": "acme.send",
        "task": "avoid",
        "prompt": "import acme\n\n\ndef example():\n    acme.",
    }


def test_only_python_names_become_prompts() -> None:
    names = ("acme", "acme.send", "acme::send", "acme/send", "acme.class", "acme.send.")
    for whats, expected in (
        ((TEACH,), [("write", "acme"), ("write", "acme.send")]),
        ((TEACH, REPLACE), [("avoid", "acme.send")]),
        (("write what is missing",), []),
    ):
        needs = [Need(name, what, "", 1) for name in names for what in whats]
        lines = [json.loads(line) for line in as_prompts(needs).splitlines()]
        assert [(line["task"], line["symbol"]) for line in lines] == expected


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", HEAD, HEAD + "p,w,gaps,symbol,a,many,40,9\n", "\x00"]
)
def test_no_export(text: str) -> None:
    with pytest.raises(ExportError):
        read_needs(text)

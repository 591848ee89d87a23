"""What holds for the filters whatever the code and whatever the model says."""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from linewise_server.completion.postprocess import Draft, enough, postprocess
from linewise_server.completion.shape import Shape, Site, shape
from linewise_server.completion.syntax import Syntax

LANGUAGES = ["python", "typescript", "typescriptreact", "go", "rust", "java", "c", "cpp", "text"]

WORDS = ["a", "return", "if x", "def f", "for", "try", "else", "case 1", "x = 1", "f(", "class A"]
MARKS = ["(", ")", "[", "]", "{", "}", ":", ";", ",", '"', "'", "`", '"""', "/*", "*/", "//", "#"]
SPACE = ["\n", "\n    ", "\n\t", "\n\n", " ", "  ", "\t", "\r\n", "\r"]
STRANGE = ["é", "é", "👩‍👩‍👧", "漢", "\ufffd", "\ud83d", "<|fim_end|>", "```", "\x00", "\\"]

PIECES = st.sampled_from([*WORDS, *WORDS, *MARKS, *SPACE, *SPACE, *STRANGE])
TEXTS = st.lists(PIECES, max_size=30).map("".join)
OPENINGS = st.sampled_from(["", "", "\nif x:", "\ndef f():\n    ", "\nif (x) {", "\ntry {\n\t"])
SITES = st.builds(
    Site,
    st.sampled_from(LANGUAGES),
    st.tuples(TEXTS, OPENINGS).map("".join),
    TEXTS,
    st.booleans(),
)


def a_shape(site: Site, block: bool) -> Shape:
    """A block is never asked for where words stand right of the cursor."""
    return "block" if block and not any(map(str.isalnum, site.rest)) else "line"


@given(SITES, TEXTS, st.booleans())
@settings(max_examples=400, deadline=None)
def test_what_was_filtered_stays_as_it_is(site: Site, said: str, block: bool) -> None:
    draft, _ = postprocess(said, site, a_shape(site, block))
    if draft is not None:
        assert postprocess(draft.text, site, a_shape(site, block))[0] == draft


@given(SITES, TEXTS, st.booleans())
@settings(max_examples=400, deadline=None)
def test_the_line_below_is_never_said_again(site: Site, said: str, block: bool) -> None:
    draft, _ = postprocess(said, site, a_shape(site, block))
    if draft is not None and site.lines_below:
        after = site.typed + draft.text + site.rest[draft.replace :]
        changed = after.splitlines() if draft.text.strip() else []
        assert changed[-1].rstrip() != site.lines_below[0]


@given(SITES, TEXTS, st.booleans())
@settings(max_examples=400, deadline=None)
def test_what_is_shown_is_worth_a_look(site: Site, said: str, block: bool) -> None:
    draft, rules = postprocess(said, site, a_shape(site, block))
    if draft is None:
        assert rules
    else:
        assert draft.text.strip()
        assert 0 <= draft.replace <= len(site.rest)
        assert draft == Draft(said, 0) or rules or "\r" in said + site.prefix + site.suffix


@given(SITES, TEXTS, st.booleans())
@settings(max_examples=400, deadline=None)
def test_no_character_is_cut_in_two(site: Site, said: str, block: bool) -> None:
    draft, _ = postprocess(said, site, a_shape(site, block))
    if draft is not None and said.startswith(draft.text):
        following = said[len(draft.text) :][:1]
        assert not (following and unicodedata.combining(following))
    if draft is not None:
        assert not unicodedata.combining(site.rest[draft.replace :][:1] or " ") or not draft.replace


@given(SITES, TEXTS, st.booleans())
@settings(max_examples=400, deadline=None)
def test_text_that_is_enough_does_not_change_with_more(site: Site, said: str, block: bool) -> None:
    wanted = a_shape(site, block)
    for end in range(len(said)):
        if enough(said[:end], site, wanted):
            assert postprocess(said[:end], site, wanted)[0] == postprocess(said, site, wanted)[0]
            break


@given(SITES)
@settings(max_examples=400, deadline=None)
def test_every_place_has_a_shape(site: Site) -> None:
    for syntax in (Syntax.of(site.language), None):
        assert shape(site, syntax) in ("line", "block", "nothing")


@given(TEXTS, TEXTS, TEXTS, st.booleans())
@settings(max_examples=200, deadline=None)
def test_line_endings_are_the_document_s(prefix: str, said: str, suffix: str, block: bool) -> None:
    before, after = (text.replace("\r", "").replace("\n", "\r\n") for text in (prefix, suffix))
    site = Site("go", "\r\n" + before, after, invoked=False)
    draft, _ = postprocess(said, site, a_shape(site, block))
    if draft is not None:
        assert "\n" not in draft.text.replace("\r\n", "")
        assert "\r" not in draft.text.replace("\r\n", "")

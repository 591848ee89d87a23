"""What a hover says, as Markdown."""

from __future__ import annotations

import pytest

from linewise_server.apidocs.hover import link_line, parts_of
from linewise_server.apidocs.link import Link, Reason, Resolution, join_url
from linewise_server.apidocs.source import Span

LINK = Link("toy", "toy.Box", "https://toy.example/api.html#toy.Box", "toy 1.2.3")
NAMED = "[`toy.Box` · toy 1.2.3](https://toy.example/api.html#toy.Box)"


def resolved(link: Link | None, signature: str = "", summary: str = "") -> Resolution:
    gap: Reason | None = None if link else "notFetched"
    return Resolution("toy.Box", "class", "toy", Span(3, 6), link, gap, signature, summary)


@pytest.mark.parametrize(
    ("resolution", "whole", "expected"),
    [
        (resolved(LINK), True, [NAMED]),
        (resolved(LINK, "Box(x)", "A box."), True, ["```python\nBox(x)\n```", "A box.", NAMED]),
        (resolved(LINK, "Box(x: int)", "A box."), False, [NAMED]),
        (resolved(None, "Box(x: int)"), True, ["```python\nBox(x: int)\n```"]),
        (resolved(None, "Box(x: int)"), False, []),
        (resolved(None), True, []),
    ],
)
def test_hover(resolution: Resolution, whole: bool, expected: list[str]) -> None:
    assert parts_of(resolution, whole=whole, language="python") == expected


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ("Use ``x[0]`` or :func:`~pkg.f`.", "Use `x[0]` or `pkg.f`."),
        ("See :ref:`the page <page>`.", "See `the page`."),
        ("[click](command:evil) ![i](http://h/x)", "\\[click\\](command:evil) \\!\\[i\\](http://h/x)"),
        ("<img src=x> *b* `code`", "\\<img src=x\\> \\*b\\* \\`code\\`"),
    ],
)  # fmt: skip
def test_a_docstring_is_text_not_markdown(summary: str, expected: str) -> None:
    found = parts_of(resolved(None, "", summary), whole=True, language="python")
    assert found == [expected]


def test_a_page_of_something_larger_says_so() -> None:
    link = Link("python", "os.environ", "https://h.example/os(1).html", "Python 3.12", exact=False)
    assert link_line(link, "os.environ.get") == (
        "[`os.environ` · Python 3.12](https://h.example/os%281%29.html)"
        " (no entry of its own for `os.environ.get`)"
    )


def test_a_location_cannot_leave_the_markdown_link() -> None:
    assert join_url("https://h.example/", "a) [x](y") == "https://h.example/a%29%20%5Bx%5D%28y"

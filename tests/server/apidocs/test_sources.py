"""Where docs are looked for: the versioned address first, and never a code host."""

from __future__ import annotations

import pytest

from linewise_server.apidocs.packages import Package
from linewise_server.apidocs.sources import candidates

CASES = [
    ("numpy", "2.4.6", (), ["https://numpy.org/doc/2.4/", "https://numpy.org/doc/stable/"]),
    ("jinja2", "3.1.6", (), ["https://jinja.palletsprojects.com/en/3.1.x/"]),
    ("sqlalchemy", "2.1.9", (), ["https://docs.sqlalchemy.org/en/21/"]),
    ("python", "3.12", (), ["https://docs.python.org/3.12/", "https://docs.python.org/3/"]),
    ("toy", "1.2.3", ("https://toy.example/docs",), ["https://toy.example/docs/"]),
    ("toy", "1.2.3", ("https://toy.example/d/index.html",), ["https://toy.example/d/"]),
    (
        "toy",
        "1.2.3",
        ("https://toy.readthedocs.io",),
        [
            "https://toy.readthedocs.io/en/1.2.3/",
            "https://toy.readthedocs.io/",
            "https://toy.readthedocs.io/en/stable/",
        ],
    ),
    ("toy", "1.2.3", ("https://github.com/toy/toy",), []),
    ("toy", "1.2.3", (), []),
]


@pytest.mark.parametrize(("name", "version", "urls", "expected"), CASES)
def test_candidates(name: str, version: str, urls: tuple[str, ...], expected: list[str]) -> None:
    package = Package(name, version, (name,), urls)
    assert [c.base for c in candidates(package)][: len(expected) or None] == expected


def test_django_keeps_its_inventory_elsewhere() -> None:
    first = candidates(Package("django", "5.2.1", ("django",)))[0]
    assert first.inventory == "https://docs.djangoproject.com/en/5.2/_objects/"
    assert first.base == "https://docs.djangoproject.com/en/5.2/"
    assert first.host == "docs.djangoproject.com"

"""Which definitions of other files a prompt quotes, and which files a document imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from linewise_models.quotation import Definition
from linewise_server.completion.neighbours import Neighbour, context, definitions, imported

SHAPES = Neighbour(
    "shapes.py",
    'class Square:\n    """A square."""\n\n    side: float\n\n\n'
    "def area(square: Square) -> float:\n    return square.side ** 2\n",
)
UNITS = Neighbour("units.py", "def metres(feet: float) -> float:\n    return feet * 0.3048\n")
QUOTED = "# shapes.py\n# def area(square: Square) -> float:\n#     return square.side ** 2\n\n"


@pytest.mark.parametrize(
    ("near", "own", "room", "expected"),
    [
        ("print(area(", "", 1000, QUOTED),
        ("print(volume(", "", 1000, ""),
        ("print(area(", "def area(): ...", 1000, ""),
        ("print(area(", "", 40, ""),
        # The nearer name wins where there is room for one.
        ("metres(1); area(", "", len(QUOTED), QUOTED),
    ],
    ids=["used", "unrelated", "its own", "no room", "nearest first"],
)
def test_what_is_used_is_quoted(near: str, own: str, room: int, expected: str) -> None:
    assert context(near, own, [SHAPES, UNITS], room) == expected


def test_the_order_does_not_follow_the_cursor() -> None:
    one = context("metres(area(Square", "", [SHAPES, UNITS], 1000)
    assert one == context("Square(area(metres", "", [UNITS, SHAPES], 1000)
    assert [line for line in one.splitlines() if line.endswith(".py")] == [
        "# shapes.py",
        "# shapes.py",
        "# units.py",
    ]


ECHO = Definition("Click: Echo", "import click\n\n\nclick.echo('hello')\nclick.echo('bye')\n")
GROUP = Definition("Click: Group", "from click import group\r\n@group()\r\ndef main(): ...\r\n")
STYLE = Definition("Click: Style", "click.style('x')")
ECHO_QUOTED = "# Click: Echo\n# click.echo('hello')\n# click.echo('bye')\n"
GROUP_QUOTED = "# Click: Group\n# from click import group\n# @group()\n# def main(): ...\n"


@pytest.mark.parametrize(
    ("near", "own", "room", "samples", "expected"),
    [
        ("click.echo(", "import click", 1000, [ECHO], f"{ECHO_QUOTED}\n"),
        # What is not imported yet belongs to the sample.
        ("group(", "import click", 1000, [GROUP], f"{GROUP_QUOTED}\n"),
        ("area(1)", "import click", 1000, [ECHO], f"{QUOTED}{ECHO_QUOTED}\n"),
        ("area(1)", "import click", len(QUOTED) + 5, [ECHO], QUOTED),
        (
            "click.echo(",
            "import click",
            45,
            [ECHO, STYLE],
            "# Click: Style\n# click.style('x')\n\n",
        ),
        ("x", "import click", 1000, [GROUP, ECHO, STYLE], f"{ECHO_QUOTED}\n{GROUP_QUOTED}\n"),
        ("x", "import click\n    click.echo('hello')\nclick.echo('bye')", 1000, [ECHO], ""),
    ],
    ids=[
        "alone",
        "with its import",
        "after definitions",
        "no room left",
        "one that fits",
        "two at most",
        "written already",
    ],
)
def test_samples_follow_what_the_project_says(
    near: str, own: str, room: int, samples: list[Definition], expected: str
) -> None:
    assert context(near, own, [SHAPES], room, samples) == expected


TESTED = Definition("more.py", "\n".join(f"check({n})" for n in range(9)), lines=20)
TESTED_QUOTED = "# more.py\n" + "".join(f"# check({n})\n" for n in range(9))
AREA = Definition("shapes.py", "def area(square: Square) -> float:\n    return square.side ** 2")


@pytest.mark.parametrize(
    ("room", "passages", "expected"),
    [
        (1000, [TESTED], f"{QUOTED}{TESTED_QUOTED}\n{ECHO_QUOTED}\n"),
        (len(QUOTED) + len(TESTED_QUOTED) + 1, [TESTED], f"{QUOTED}{TESTED_QUOTED}\n"),
        (len(QUOTED) + len(ECHO_QUOTED) + 1, [TESTED], f"{QUOTED}{ECHO_QUOTED}\n"),
        (1000, [AREA], f"{QUOTED}{ECHO_QUOTED}\n"),
    ],
    ids=["between", "before samples", "too long", "quoted already"],
)
def test_passages_stand_between_definitions_and_samples(
    room: int, passages: list[Definition], expected: str
) -> None:
    own = "import click"
    assert context("area(1)", own, [SHAPES], room, [ECHO], passages) == expected


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("def one(): ...\nasync def two(): ...\n    def inner(): ...\nclass Three: ...", 3),
        ("export function alpha() {}\nexport default class Beta {}\ninterface Gamma {}", 3),
        ("func Alpha() {}\nfunc (s *Server) Serve() {}\ntype Server struct {}", 3),
        ("pub fn alpha() {}\npub(crate) struct Beta;\ntrait Gamma {}", 3),
        ("public class Alpha {\n  void method() {}\n}\nenum Beta {}", 2),
        ("x = 1\nprint(x)\n# def no(): ...", 0),
    ],
)
def test_definitions_of_several_languages(text: str, names: int) -> None:
    assert len(list(definitions(text))) == names


@pytest.mark.parametrize(
    ("document", "text", "language", "expected"),
    [
        ("app/main.py", "from app.shapes import area", "python", ["app/shapes.py"]),
        ("app/main.py", "from . import shapes", "python", ["app/shapes.py", "app/__init__.py"]),
        ("app/main.py", "from .shapes import (\n    area,\n)", "python", ["app/shapes.py"]),
        ("app/main.py", "import app.shapes as s", "python", ["app/shapes.py"]),
        ("app/main.py", "from lib.deep import deep", "python", ["src/lib/deep.py"]),
        ("app/main.py", "import os, json\nfrom typing import Any", "python", []),
        ("app/main.py", "from .main import area\nfrom .... import far", "python", []),
        ("web/a.ts", 'import { b } from "./b";', "typescript", ["web/b.ts"]),
        ("web/a.ts", 'const b = require("../out/of/here");', "javascript", []),
        ("web/a.go", 'import "./b"', "go", []),
    ],
)
def test_imports_lead_to_files_of_the_workspace(
    tmp_path: Path, document: str, text: str, language: str, expected: list[str]
) -> None:
    for name in ("app/__init__.py", "app/main.py", "app/shapes.py", "src/lib/deep.py", "web/b.ts"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = imported(text, language, tmp_path / document, tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in found] == expected


def test_links_out_of_the_workspace_are_not_followed(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside.py", tmp_path / "root"
    outside.touch()
    root.mkdir()
    (root / "shapes.py").symlink_to(outside)
    assert imported("import shapes", "python", root / "main.py", root) == []

"""Which passages of other files resemble the code at hand, and where files are cut into them."""

from __future__ import annotations

import pytest

from linewise_server.completion.neighbours import Neighbour
from linewise_server.completion.similar import (
    MOST_FILE_LINES,
    MOST_FILES,
    MOST_PASSAGES,
    Similar,
    alike,
    passages,
)

BODY = "".join(f"    line_{n}()\n" for n in range(8))
SMALL = "".join(f"    line_{n}()\n" for n in range(3))


@pytest.mark.parametrize(
    "marked",
    [
        "import one\n\nx = 1\n",
        # Whole functions, as many as fit; blank lines are left out.
        f"def one():\n{BODY}\n\ndef two():\n{BODY}\n\n║def three():\n{BODY}",
        f"def one():\n{BODY}\n\ndef two():\n{SMALL}\n\ndef three():\n{SMALL}\n\n"
        f"║def four():\n{BODY}",
        # A function that does not fit is cut where its lines stand farthest left.
        f"def one():\n{BODY}    if many:\n        a()\n        b()\n        c()\n"
        f"        d()\n        e()\n        f()\n        g()\n        h()\n        i()\n"
        f"║    last()\n        j()\n        k()\n",
        # After a blank line rather than not.
        "".join(f"x = {n}\n" for n in range(12)) + "\n║" + "".join(f"y = {n}\n" for n in range(14)),
        # And late where nothing tells lines apart.
        "".join(f"x = {n}\n" for n in range(20)) + "║" + "".join(f"y = {n}\n" for n in range(14)),
    ],
    ids=["short", "functions", "small ones", "long function", "paragraphs", "table"],
)
def test_passages_begin_and_end_at_sensible_lines(marked: str) -> None:
    expected = [
        "\n".join(line for line in part.splitlines() if line.strip()) for part in marked.split("║")
    ]
    found = [passage.text for passage in passages("a.py", marked.replace("║", ""))]
    assert found == expected


def test_no_more_of_a_file_is_looked_at_than_its_first_lines() -> None:
    text = "x = 1\n" * (MOST_FILE_LINES + 50)
    assert sum(p.text.count("\n") + 1 for p in passages("a.py", text)) == MOST_FILE_LINES


HERE = """def load_orders(client, limit):
    response = client.get("/orders", params={"limit": limit})
    response."""
USERS = Neighbour(
    "users.py",
    "def load_users(client, limit):\n"
    '    response = client.get("/users", params={"limit": limit})\n'
    "    response.raise_for_status()\n",
)
CLOSE = Neighbour("close.py", USERS.text.replace("users", "orders"))
FAR = Neighbour(
    "far.py",
    "class Square(Shape):\n    side: float\n\n    def area(self) -> float:\n"
    "        return self.side ** 2\n\n    def draw(self, canvas):\n        canvas.rect(self)\n",
)
FEW = Neighbour("few.py", "response = client.get(orders)\n")


@pytest.mark.parametrize(
    ("near", "own", "files", "shown", "expected"),
    [
        (HERE, "", [FAR, USERS], "", ["users.py"]),
        (HERE, "", [USERS, CLOSE], "", ["close.py", "users.py"]),
        (HERE, "", [CLOSE, USERS], "", ["close.py", "users.py"]),
        (HERE, "", [FAR], "", []),
        ("response = client", "", [USERS], "", []),
        (HERE, "", [FEW], "", []),
        (HERE, USERS.text, [USERS], "", []),
        (f"{FAR.text}\n{HERE}\n" + "x = 1\n" * 20, "", [USERS, FAR], "", []),
        (
            HERE,
            "",
            [USERS, CLOSE],
            "# users.py\n" + "".join(f"# {line}\n" for line in USERS.text.splitlines()),
            ["users.py", "close.py"],
        ),
        (HERE, "", [Neighbour(f"{n}.py", USERS.text + f"x = {n}\n") for n in range(9)], "", None),
    ],
    ids=[
        "like",
        "most similar first",
        "whatever the order of files",
        "unlike",
        "hardly anything written",
        "hardly anything in it",
        "written already",
        "only what is near counts",
        "what is shown stays",
        "no more than a few",
    ],
)
def test_similar_passages(
    near: str, own: str, files: list[Neighbour], shown: str, expected: list[str] | None
) -> None:
    found = Similar().find(near, own or near, files, shown)
    if expected is None:
        expected = [f"{n}.py" for n in range(MOST_PASSAGES)]
    assert [passage.path for passage in found] == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("abcdefghij", "abcdefghij", 1.0),
        ("abcdefghij", "fghijklmno", 5 / 15),
        ("abcdefgh", "ijklmnop", 0.0),
        ("abcdefg", "abcdefg", 0.0),
    ],
)
def test_alike_is_the_share_of_names_in_common(one: str, other: str, expected: float) -> None:
    assert alike(frozenset(one), frozenset(other)) == expected
    assert alike(frozenset(other), frozenset(one)) == expected


def test_a_file_that_changed_is_cut_anew_and_one_that_went_is_forgotten() -> None:
    similar = Similar()
    assert [p.path for p in similar.find(HERE, HERE, [USERS])] == ["users.py"]
    assert similar.find(HERE, HERE, [Neighbour("users.py", FAR.text)]) == []
    (found,) = similar.find(HERE, HERE, [USERS, Neighbour("users.py", FAR.text)])
    assert found.text == USERS.text.rstrip()
    assert similar.find(HERE, HERE, []) == []


def test_the_first_files_are_looked_into() -> None:
    files = [Neighbour(f"{n:02}.py", FAR.text) for n in range(MOST_FILES)]
    assert Similar().find(HERE, HERE, [*files, USERS]) == []
    assert [p.path for p in Similar().find(HERE, HERE, [*files[1:], USERS])] == ["users.py"]

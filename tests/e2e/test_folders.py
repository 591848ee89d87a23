"""Several workspace folders in one window: each document goes by the folder that holds it."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from linewise_server.apidocs.index import Index
from linewise_server.apidocs.inventory import Inventory, Symbol
from linewise_server.lsp.editor import Editor
from tests.e2e.conftest import Start
from tests.e2e.test_surroundings import heard
from tests.server.apidocs.conftest import install

ADD = {"after": r"return a", "text": " + b\n\nprint(1)"}


@pytest.fixture
def one(tmp_path: Path) -> types.WorkspaceFolder:
    return folder(tmp_path / "one")


@pytest.fixture
def two(tmp_path: Path) -> types.WorkspaceFolder:
    return folder(tmp_path / "two")


def folder(path: Path) -> types.WorkspaceFolder:
    path.mkdir()
    return types.WorkspaceFolder(path.as_uri(), path.name)


async def suggested(editor: Editor, uri: str, invoked: bool = False) -> list[str]:
    await editor.open(uri, "python", "return a")
    return [ghost.text for ghost in (await editor.ask(invoked)).ghosts]


@pytest.mark.parametrize(
    ("own", "name", "said"),
    [
        ({"enable": False}, "a.py", "switched off"),
        ({"languages": {"*": True, "python": False}}, "a.py", "switched off for python"),
        ({"exclude": ["inner/**"]}, "inner/a.py", "excluded by linewise.exclude"),
        ({"exclude": ["/a.py"]}, "a.py", "excluded by linewise.exclude"),
        ({"trigger": "manual"}, "a.py", None),
    ],
    ids=["enable", "languages", "exclude", "exclude anchored", "trigger"],
)
async def test_what_a_folder_sets_holds_in_it_alone(
    start: Start,
    one: types.WorkspaceFolder,
    two: types.WorkspaceFolder,
    own: dict[str, Any],
    name: str,
    said: str | None,
) -> None:
    editor = start(ADD)
    editor.folders = [one, two]
    editor.set_in = {two.uri: own}
    async with editor:
        assert await suggested(editor, f"{two.uri}/{name}") == []
        assert editor.documents[f"{two.uri}/{name}"].message == (said or "")
        assert await suggested(editor, f"{one.uri}/{name}") == [" + b"]
        assert await suggested(editor, "untitled:elsewhere") == [" + b"]


async def test_a_bad_value_in_a_folder_leaves_that_of_the_window(
    start: Start, one: types.WorkspaceFolder, two: types.WorkspaceFolder
) -> None:
    editor = start(ADD, trigger="manual")
    editor.folders = [one, two]
    editor.set_in = {two.uri: {"trigger": "sometimes"}, one.uri: {"trigger": "automatic"}}
    async with editor:
        assert await suggested(editor, f"{one.uri}/a.py") == [" + b"]
        # Where the folder's own value is bad, that of the window holds.
        assert await suggested(editor, f"{two.uri}/a.py") == []
        assert "linewise.trigger is 'sometimes'" in editor.messages[0]
        assert "Using 'manual'" in editor.messages[0]


async def test_the_innermost_folder_decides(
    start: Start, one: types.WorkspaceFolder, tmp_path: Path
) -> None:
    inner = folder(tmp_path / "one/inner")
    editor = start(ADD)
    editor.folders = [inner, one]
    editor.set_in = {one.uri: {"enable": False}, inner.uri: {"enable": True}}
    async with editor:
        assert await suggested(editor, f"{one.uri}/a.py") == []
        assert await suggested(editor, f"{inner.uri}/a.py") == [" + b"]
        assert await suggested(editor, f"{one.uri}/inner-not/a.py") == []


async def test_globs_say_nothing_of_the_folders_above(
    start: Start, one: types.WorkspaceFolder
) -> None:
    editor = start(ADD, exclude=["one/**"])
    editor.folders = [one]
    async with editor:
        assert await suggested(editor, f"{one.uri}/a.py") == [" + b"]
        assert await suggested(editor, f"{one.uri}/one/a.py") == []


async def test_folders_come_and_go(
    start: Start, one: types.WorkspaceFolder, two: types.WorkspaceFolder
) -> None:
    editor = start(ADD)
    editor.folders = [one]
    editor.set_in = {two.uri: {"enable": False}}
    async with editor:
        workspace = editor.initialized.capabilities.workspace
        assert workspace is not None
        assert workspace.workspace_folders is not None
        assert workspace.workspace_folders.change_notifications
        assert await suggested(editor, f"{two.uri}/a.py") == [" + b"]
        editor.change_folders([two], [one])
        assert await suggested(editor, f"{two.uri}/b.py") == []
        editor.change_folders([], [two])
        assert await suggested(editor, f"{two.uri}/c.py") == [" + b"]


async def test_what_is_set_later_is_asked_for(
    start: Start, one: types.WorkspaceFolder, two: types.WorkspaceFolder
) -> None:
    editor = start(ADD)
    editor.folders = [one, two]
    editor.set_in = {two.uri: {"enable": False}}
    async with editor:
        assert await suggested(editor, f"{two.uri}/a.py") == []
        editor.set_in = {None: {"model": "smollm2-135m"}, one.uri: {"enable": False}}
        changed = types.DidChangeConfigurationParams(None)
        editor.notify(types.WORKSPACE_DID_CHANGE_CONFIGURATION, changed)
        assert await suggested(editor, f"{one.uri}/a.py") == []
        assert await suggested(editor, f"{two.uri}/b.py") == []
        assert "models pull smollm2-135m" in editor.statuses[-1].message


async def test_a_notebook_cell_goes_by_its_notebook(
    start: Start, one: types.WorkspaceFolder, tmp_path: Path
) -> None:
    (tmp_path / "one/.gitignore").write_text("private.ipynb\n")
    editor = start(ADD)
    editor.folders = [one]
    cell = one.uri.replace("file://", "vscode-notebook-cell:")
    async with editor:
        assert await suggested(editor, f"{cell}/private.ipynb#W0sZmlsZQ") == []
        assert await suggested(editor, f"{cell}/open.ipynb#W0sZmlsZQ") == [" + b"]


def environment(root: str, version: str) -> None:
    """Give a folder a Python of this version, as far as anybody reads it."""
    venv = Path(root.removeprefix("file://")) / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin/python").touch()
    (venv / f"lib/python{version}/site-packages").mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text(f"version = {version}.1\n")


async def test_docs_are_of_the_python_of_the_folder(
    start: Start, one: types.WorkspaceFolder, two: types.WorkspaceFolder
) -> None:
    environment(one.uri, "3.11")
    environment(two.uri, "3.13")
    editor = start(ADD)
    editor.folders = [one, two]
    async with editor:
        for where, version in ((two, "3.13"), (one, "3.11"), (two, "3.13")):
            uri = f"{where.uri}/{version}.py"
            await editor.open(uri, "python", "import json\njson.dumps")
            at = {"textDocument": {"uri": uri}, "position": {"line": 1, "character": 6}}
            url = await editor.request("experimental/externalDocs", at)
            assert url == f"https://docs.python.org/{version}/library/json.html#json.dumps"
        editor.change_folders([], [two])
        uri = f"{two.uri}/later.py"
        await editor.open(uri, "python", "import json\njson.dumps")
        at = {"textDocument": {"uri": uri}, "position": {"line": 1, "character": 6}}
        url = await editor.request("experimental/externalDocs", at)
        assert url == "https://docs.python.org/3.11/library/json.html#json.dumps"


def with_toy(place: Path, python: str, toy: str) -> str:
    """Make an environment in which a version of `toy` is installed; return its interpreter."""
    environment(place.as_uri(), python)
    packages = place / f".venv/lib/python{python}/site-packages"
    install(packages, "Toy", toy, modules="toy\n", urls=())
    return str(place / ".venv/bin/python")


async def test_docs_are_of_what_is_set_or_chosen_for_the_folder(
    start: Start,
    one: types.WorkspaceFolder,
    two: types.WorkspaceFolder,
    linewise_home: Path,
    tmp_path: Path,
) -> None:
    index = Index(linewise_home / "docs/index.sqlite")
    for version in ("1.0", "2.0", "3.0"):
        inventory = Inventory("Toy", version, (Symbol("toy.Box", "py:class", "api#$"),))
        base = f"https://toy.example/{version}/"
        index.put("toy", inventory, base=base, origin="added", source=base)
    index.close()
    first = with_toy(tmp_path / "first", "3.11", "1.0")
    second = with_toy(tmp_path / "second", "3.12", "2.0")
    third = with_toy(tmp_path / "third", "3.13", "3.0")
    editor = start(ADD)
    editor.folders = [one, two]
    editor.set_in = {two.uri: {"docs": {"python": str(Path(third).parent.parent)}}}
    chosen = ((one, first), (two, second))
    editor.options = {
        "pythonChosen": [{"folder": f.uri, "interpreter": python} for f, python in chosen]
    }

    numbers = itertools.count()

    async def linked(where: types.WorkspaceFolder) -> list[str]:
        """Return where the toy's class and a function of Python lead to in a folder."""
        uri = f"{where.uri}/{next(numbers)}.py"
        await editor.open(uri, "python", "import json, toy\njson.dumps\ntoy.Box")
        found = []
        for line, column in ((1, 6), (2, 5)):
            at = {"textDocument": {"uri": uri}, "position": {"line": line, "character": column}}
            found.append(await editor.request("experimental/externalDocs", at))
        return found

    def pages(python: str, toy: str) -> list[str]:
        module = f"https://docs.python.org/{python}/library/json.html"
        return [f"{module}#json.dumps", f"https://toy.example/{toy}/api#toy.Box"]

    async def comes_to_link(where: types.WorkspaceFolder, wanted: list[str]) -> None:
        async with asyncio.timeout(60):
            while await linked(where) != wanted:
                """The server asks for the settings, and serves meanwhile."""

    async with editor:
        await comes_to_link(two, pages("3.13", "3.0"))
        assert await linked(one) == pages("3.11", "1.0")
        editor.set_in = {two.uri: {"docs": {"python": ""}}}
        editor.notify(
            types.WORKSPACE_DID_CHANGE_CONFIGURATION, types.DidChangeConfigurationParams(None)
        )
        await comes_to_link(two, pages("3.12", "2.0"))
        news = {"folder": one.uri, "interpreter": third}
        editor.notify("linewise/pythonChosen", news)
        assert await linked(one) == pages("3.13", "3.0")
        assert await linked(two) == pages("3.12", "2.0"), "and not for the other"


async def test_imports_are_looked_for_in_the_folder(
    start: Start, one: types.WorkspaceFolder, two: types.WorkspaceFolder, tmp_path: Path
) -> None:
    (tmp_path / "one/shapes.py").write_text("def area(radius):\n    return 3 * radius ** 2\n")
    (tmp_path / "two/pack").mkdir()
    (tmp_path / "two/shapes.py").write_text("def area(side):\n    return side ** 2\n")
    mine = {"after": r"(?s)# shapes\.py\n# def area\(side\).*area\(", "text": "two)\n"}
    other = {"after": r"(?s)# one/units\.py\n.*area\(", "text": "abroad)\n"}
    nothing = {"after": r"area\(", "text": "nothing)\n"}
    editor = start(mine, other, nothing)
    editor.folders = [one, two]
    async with editor:
        await editor.open(f"{two.uri}/pack/main.py", "python", "from shapes import area\narea")
        editor.insert("(")
        assert await heard(editor) == "two)"
        await editor.open(f"{one.uri}/units.py", "python", "def area(x):\n    return x\n")
        await editor.open(f"{two.uri}/pack/more.py", "python", "area")
        editor.insert("(")
        assert await heard(editor) == "abroad)"

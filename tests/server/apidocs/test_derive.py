"""The tables that come with Linewise are made from their sources as their README says."""

from __future__ import annotations

import json
from pathlib import Path

from linewise_server.apidocs.derive import derive_c, derive_cpp, derive_python, derive_web
from linewise_server.apidocs.inventory import Inventory, Symbol, parse_inventory, write_inventory

MDN = "https://developer.mozilla.org/docs/Web/"
DATA = Path(__file__).parents[3] / "server/linewise_server/apidocs/data"


def names(inventory: Inventory) -> dict[str, str]:
    return {symbol.name: symbol.path for symbol in inventory.symbols}


def page(path: str, **members: object) -> dict[str, object]:
    return {"__compat": {"mdn_url": f"{MDN}{path}"}, **members}


def test_python_keeps_python_names() -> None:
    source = Inventory(
        "Python",
        "3.11",
        (Symbol("len", "py:function", "f#$"), Symbol("Py_None", "c:member", "c#$")),
    )
    (table,) = derive_python(write_inventory(source)).values()
    assert names(table) == {"len": "f#len"}


def test_the_web_s_names_are_those_of_code() -> None:
    data = {
        "__meta": {"version": "8.1"},
        "javascript": {"builtins": {"Array": page("JS/Array", map=page("JS/Array/map", x={}))}},
        "api": {
            "console": page("API/console", log_static=page("API/console/log_static")),
            "Window": {"alert": page("API/Window/alert", deep=page("API/deep"))},
        },
        "css": {
            "properties": {"color": page("CSS/color")},
            "at-rules": {"media": page("CSS/@media")},
            "selectors": {"before": page("CSS/::before"), "id": page("CSS/ID_selectors")},
            "types": {"calc": page("CSS/calc")},
        },
        "html": {
            "elements": {"a": page("HTML/a", href=page("HTML/a#href"))},
            "global_attributes": {"class": page("HTML/class")},
        },
    }
    tables = derive_web(json.dumps(data).encode())
    assert {name: list(names(table)) for name, table in tables.items()} == {
        "javascript": ["Array", "Array.map", "console", "console.log", "Window.alert"],
        "css": ["color", "@media", "::before", "calc()"],
        "html": ["<a>", "<a>.href", "*.class"],
    }
    assert names(tables["javascript"])["console.log"] == "Web/API/console/log_static"


def test_cppreference_s_keywords_become_pages() -> None:
    book = """<book xmlns="http://www.devhelp.net/book"><functions>
    <keyword type="class" name="std::vector" link="en/cpp/container/vector.html"/>
    <keyword type="function" name="std::vector::operator=" link="en/cpp/vector/operator=.html"/>
    <keyword type="macro" name="CHAR_BIT" link="en/cpp/types/climits.1.html"/>
    <keyword type="class" name="std::gone" link="en/404.html"/>
    </functions></book>"""
    (table,) = derive_cpp(book.encode()).values()
    assert names(table) == {
        "std::vector": "cpp/container/vector",
        "std::vector::operator=": "cpp/vector/operator%3D",
        "CHAR_BIT": "cpp/types/climits",
    }
    assert list(derive_c(book.encode())) == ["c"]


def test_the_tables_that_are_shipped_parse_and_are_named_in_their_readme() -> None:
    readme = (DATA / "README.md").read_text("utf-8")
    for path in DATA.glob("*.inv"):
        assert len(parse_inventory(path.read_bytes()).symbols) > 200, path.name
        assert f"`{path.name}`" in readme

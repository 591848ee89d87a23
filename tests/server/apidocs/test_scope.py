"""What a Python name is, by text alone; the cursor stands at the mark."""

from __future__ import annotations

import pytest

from linewise_server.apidocs.python.scope import name_at, parse

CASES = [
    ("import numpy as np\nnp.ar║ray(1)", "numpy.array"),
    ("import numpy as np\nn║p.array(1)", "numpy"),
    ("import numpy as np\nnp.linalg║.norm(1)", "numpy.linalg"),
    ("import os.path\nos.path.jo║in", "os.path.join"),
    ("import os.path as p\np.jo║in", "os.path.join"),
    ("from os.path import join as j\n║j(1)", "os.path.join"),
    ("from os.path import jo║in as j", "os.path.join"),
    ("from os.path import join as j║", "os.path.join"),
    ("from os.pa║th import join as j", "os.path"),
    ("from o║s.path import join as j", "os"),
    ("import numpy.lin║alg as la", "numpy.linalg"),
    ("import numpy.linalg as l║a", "numpy.linalg"),
    ("import numpy.linalg\nnum║py", "numpy"),
    ("from .x import y\n║y", None),
    ("import json\ndef f(json):\n  json.du║mps", None),
    ("import json\ndef f(x):\n  json.du║mps", "json.dumps"),
    ("import json\ndef f(x, y=json.du║mps): pass", "json.dumps"),
    ("import json\nclass A:\n  json = 1\n  def f(self):\n    json.du║mps", "json.dumps"),
    ("import json\nclass A:\n  json = 1\n  z = json.du║mps", None),
    ("import json\n[json.x║ for json in y]", None),
    ("import json\nfor a, json in y:\n  json.║x", None),
    ("import json\nwith open() as json:\n  json.║x", None),
    ("len║(x)", "len"),
    ("from os import *\nop║en(x)", None),
    ('pri║nt("ä")', "print"),
    ('x = "é"\nimport json\njson.du║mps', "json.dumps"),
    ("foo(pri║nt=3)", None),
    ("def pri║nt(): pass", None),
    ("import json\njson = 3\njson.║dumps", None),
    (
        "try:\n  import ujson as json\nexcept E:\n  import json\njson.dumps║",
        "ujson.dumps",
    ),
    ("def f():\n  from json import dumps\n  dum║ps()", "json.dumps"),
    ("def f():\n  from json import dumps\ndum║ps()", None),
    ("import json\nmatch x:\n  case json:\n    json.║x", None),
    ("import json\ntry: pass\nexcept E as json:\n    json.║x", None),
    ("import json\nif (json := 1): json.║x", None),
    ("import json\ndef f(json: int = 3, *a): json.║x", None),
    ("import json\ndef f(*json): json.║x", None),
    ("import json\ndef f(a: json.║x): pass", "json.x"),
    ("import json\nlambda json: json.║x", None),
    ("import os\nfoo().os.pa║th", None),
    ("import os\n(os\n .path\n .jo║in)", "os.path.join"),
    ("import json\nmatch x:\n  case [1, json]: json.║x", None),
    ("import json\nmatch x:\n  case [*json]: json.║x", None),
    ("import json\nmatch x:\n  case {1: 2, **json}: json.║x", None),
    ("import json\nmatch x:\n  case P(y=json): json.║x", None),
    ("import json\nmatch x:\n  case P(json=1): json.║x", "json.x"),
    ("import json\nmatch x:\n  case P() as json: json.║x", None),
    ("import json\ntype json = int\njson.║x", None),
    ("import json\ndef f[json](): json.║x", None),
    ("x.pri║nt", None),
    ("# pri║nt", None),
    ('"pri║nt"', None),
    ('f"{pri║nt}"', "print"),
    ("import os, sys\nsys.ex║it", "sys.exit"),
    ('import os\nos.environ["x"].ge║t', None),
    ("from a import (\n  b,\n  c as d,\n)\nd.║e", "a.c.e"),
    ("from __future__ import annot║ations", "__future__.annotations"),
    ("import json\njson.║", None),
    ("import json\nx = json.dumps(║", None),
]


def check(marked: str, expected: str | None) -> None:
    offset = marked.index("║")
    found = name_at(parse(marked.replace("║", "")), offset)
    assert (found.full if found else None) == expected


@pytest.mark.parametrize(("marked", "expected"), CASES)
def test_name_at(marked: str, expected: str | None) -> None:
    check(marked, expected)


def test_the_span_counts_code_points() -> None:
    text = "x = '…é'\nimport json\njson.dumps"
    found = name_at(parse(text), len(text))
    assert found is not None
    assert text[found.span.start : found.span.end] == "dumps"

"""Imports of generated code: taken off, found missing, added behind those that are there."""

from __future__ import annotations

import pytest

from linewise_server.generation.generator import apply
from linewise_server.generation.imports import Lifted, add, lift, missing


@pytest.mark.parametrize(
    ("language", "code", "left", "imports"),
    [
        ("python", "import re\n    return re.sub(x)", "return re.sub(x)", ("import re",)),
        (
            "python",
            "import a\nfrom b import c, d\n\n\nc(a)",
            "c(a)",
            ("import a", "from b import c, d"),
        ),
        ("python", "if x:\n        import a\n    return a", None, ()),
        ("python", "import a", None, ()),
        ("python", "from a import (\n    b,\n)\nb()", None, ()),
        ("typescript", 'import { a } from "./a";\na();', "a();", ('import { a } from "./a";',)),
        ("java", "import java.util.List;\nList x;", "List x;", ("import java.util.List;",)),
        ("rust", "use std::fmt;\nfn f() {}", "fn f() {}", ("use std::fmt;",)),
        ("c", "#include <math.h>\nint x;", "int x;", ("#include <math.h>",)),
        ("go", 'import "fmt"\nfmt.Println()', None, ()),
    ],
)
def test_imports_at_the_level_of_the_code_are_taken_off(
    language: str, code: str, left: str | None, imports: tuple[str, ...]
) -> None:
    assert lift(code, language) == Lifted(code if left is None else left, imports)


@pytest.mark.parametrize(
    ("language", "imports", "before", "after"),
    [
        ("python", ["import re"], "import os\n\nx = 1\n", "import os\nimport re\n\nx = 1\n"),
        ("python", ["import re"], "x = 1\n", "import re\n\nx = 1\n"),
        ("python", ["import re"], "", "import re\n"),
        ("python", ["import re"], "import os", "import os\nimport re"),
        (
            "python",
            ["import re"],
            '#!/usr/bin/python\n"""Doc.\n\nimport it\n"""\n\nx = 1\n',
            '#!/usr/bin/python\n"""Doc.\n\nimport it\n"""\n\nimport re\n\nx = 1\n',
        ),
        (
            "python",
            ["import re"],
            "from a import (\n    b,\n    c,\n)\n\nx = 1\n",
            "from a import (\n    b,\n    c,\n)\nimport re\n\nx = 1\n",
        ),
        (
            "python",
            ["import re"],
            "import os\r\n\r\nx = 1\r\n",
            "import os\r\nimport re\r\n\r\nx = 1\r\n",
        ),
        ("python", ["import re"], "'Doc.'\n\nx = 1\n", "'Doc.'\n\nimport re\n\nx = 1\n"),
        (
            "python",
            ["import re"],
            '"""Doc."""\n\nfrom __future__ import annotations\n\nx = 1\n',
            '"""Doc."""\n\nfrom __future__ import annotations\n\nimport re\n\nx = 1\n',
        ),
        (
            "python",
            ["from __future__ import annotations", "import re"],
            '"""Doc."""\n\nx = 1\n',
            '"""Doc."""\n\nfrom __future__ import annotations\n\nimport re\n\nx = 1\n',
        ),
        (
            "python",
            ["import re", "from __future__ import annotations"],
            '"""Doc."""\n\nimport os\n\nx = 1\n',
            '"""Doc."""\n\nfrom __future__ import annotations\n\nimport os\nimport re\n\nx = 1\n',
        ),
        ("python", ["from a import b"], "from a import c, d\n", "from a import b, c, d\n"),
        (
            "python",
            ["from a import b"],
            "from a import d, c  # e\n",
            "from a import d, c, b  # e\n",
        ),
        ("python", ["from a import b as x, c"], "from a import c\n", "from a import b as x, c\n"),
        (
            "python",
            ["from a import b"],
            "from a import (\n    a,\n    c,\n)\n",
            "from a import (\n    a,\n    b,\n    c,\n)\n",
        ),
        ("python", ["from a import b"], "from a import (c)\n", "from a import (b, c)\n"),
        (
            "python",
            ["from a import b"],
            "from a import (\n    c,  # why\n)\nx = 1\n",
            "from a import (\n    c,  # why\n)\nfrom a import b\nx = 1\n",
        ),
        (
            "python",
            ["from a import b"],
            f"from a import {'c' * 80}\n",
            f"from a import {'c' * 80}\nfrom a import b\n",
        ),
        (
            "python",
            ["from .a import b"],
            "from a import c\n",
            "from a import c\nfrom .a import b\n",
        ),
        (
            "typescript",
            ['import { b } from "a";'],
            "import { a } from 'a';\n",
            "import { a, b } from 'a';\n",
        ),
        (
            "typescript",
            ['import { b } from "a";'],
            'import type { A } from "a";\n',
            'import type { A } from "a";\nimport { b } from "a";\n',
        ),
        (
            "typescript",
            ['import { b } from "b";'],
            'import { a } from "a";\n\na();\n',
            'import { a } from "a";\nimport { b } from "b";\n\na();\n',
        ),
        (
            "java",
            ["import a.B;"],
            "package c;\n\nclass D {}\n",
            "package c;\n\nimport a.B;\n\nclass D {}\n",
        ),
        (
            "c",
            ["#include <b.h>"],
            "#include <a.h>\nint x;\n",
            "#include <a.h>\n#include <b.h>\nint x;\n",
        ),
    ],
)
def test_imports_join_those_that_are_there(
    language: str, imports: list[str], before: str, after: str
) -> None:
    assert apply(before, add(imports, before, language)) == after
    if "\n" in before and "\r" not in before:
        before, after = before.replace("\n", "\r\n"), after.replace("\n", "\r\n")
        assert apply(before, add(imports, before, language)) == after


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("import re", "import re\n"),
        ("import re", "import re  # why\n"),
        ("from a import b", "from a import b, c\n"),
        ("from a import b, c", "from a import (\n    c,\n    b,\n)\n"),
    ],
)
def test_what_is_imported_already_is_not_added(line: str, text: str) -> None:
    assert add([line], text, "python") == []


def test_only_imports_that_leave_no_choice_are_added_unasked() -> None:
    code = "return math.pi + numpy.pi + json"
    found = missing(["math", "numpy", "json", "List", "Optional", "Thing"], code, "python")
    assert found == ("import math", "from typing import List, Optional")

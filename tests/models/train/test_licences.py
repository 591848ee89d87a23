"""Which licence code stands under, and whether that will do."""

from __future__ import annotations

from email.parser import Parser

import pytest

from linewise_models.train.licences import PERMISSIVE, accepts, header_licence, package_licence

MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy of this"
BSD = "Redistribution and use in source and binary forms, with or without modification\n"
OSI = "Classifier: License :: OSI Approved :: "


@pytest.mark.parametrize(
    ("metadata", "texts", "expected"),
    [
        ("License-Expression: MIT OR Apache-2.0", [], "MIT OR Apache-2.0"),
        ("License-Expression: MIT\nLicense: GPL", [], "MIT"),
        (f"{OSI}MIT License", [], "MIT"),
        (f"{OSI}BSD License\n{OSI}Apache Software License", [], "Apache-2.0 OR BSD-3-Clause"),
        (f"{OSI}MIT License\n{OSI}GNU General Public License v3 (GPLv3)", [], None),
        (f"{OSI}MIT License\n{OSI}Some Odd License", [], None),
        ("License: LGPL-2.1", [MIT], None),
        ("License: New BSD License", [], "BSD-3-Clause"),
        ("License: Apache License, Version 2.0", [], "Apache-2.0"),
        ("License: 3-Clause BSD", [], "BSD-3-Clause"),
        ("License: Free to use", [], None),
        ("Name: x", [MIT], "MIT"),
        ("Name: x", [f"{BSD}Neither the name of the author"], "BSD-3-Clause"),
        ("Name: x", [BSD], "BSD-2-Clause"),
        ("Name: x", ["GNU LESSER GENERAL PUBLIC LICENSE\n" + MIT], None),
        ("Name: x", ["All rights reserved."], None),
        (f"{OSI}Mozilla Public License 2.0 (MPL 2.0)", [], None),
    ],
)
def test_of_a_package(metadata: str, texts: list[str], expected: str | None) -> None:
    assert package_licence(Parser().parsestr(metadata + "\n"), texts) == expected


@pytest.mark.parametrize(
    ("expression", "accepted"),
    [
        ("MIT", True),
        ("mit", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND Apache-2.0", True),
        ("MIT AND GPL-2.0-only", False),
        ("(MIT OR Apache-2.0)", True),
        ("(MIT OR Apache-2.0) AND BSD-3-Clause", False),
        ("Apache-2.0 WITH LLVM-exception", False),
        ("MPL-2.0", False),
        ("NOASSERTION", False),
    ],
)
def test_accepted(expression: str, accepted: bool) -> None:
    assert accepts(expression, PERMISSIVE) is accepted


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("# SPDX-License-Identifier: MIT\nimport os\n", "MIT"),
        ("/* SPDX-License-Identifier: GPL-2.0-only */\nint x;\n", "GPL-2.0-only"),
        (
            "# under the terms of the GNU Lesser General Public\n# License\n",
            "LicenseRef-reciprocal",
        ),
        ("# Some file\nx = 'GNU General Public License'\n", None),
        ("import os\n", None),
    ],
)
def test_of_a_head(head: str, expected: str | None) -> None:
    assert header_licence(head) == expected

"""Under which licence code may be learnt from.

In: a package's metadata and licence texts, or the head of a file. Out: an SPDX expression, or None
where nothing certain is said, and whether it is among those accepted. What is uncertain is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from email.message import Message

PERMISSIVE = (
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "HPND"),
    *("ISC", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib"),
)
"""SPDX ids accepted by default: none asks that derived work be published."""

_CLASSIFIERS = {
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "zlib/libpng License": "Zlib",
    "The Unlicense (Unlicense)": "Unlicense",
    "Zero-Clause BSD (0BSD)": "0BSD",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "Historical Permission Notice and Disclaimer (HPND)": "HPND",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
}
_NAMES = (
    (r"(the )?(mit|expat)( licen[cs]e)?", "MIT"),
    (
        r"(new |modified |3-clause |the )?bsd([ -](3|three)[ -]clause)?( licen[cs]e)?",
        "BSD-3-Clause",
    ),
    (r"(simplified bsd|bsd[ -](2|two)[ -]clause)( licen[cs]e)?", "BSD-2-Clause"),
    (r"(the )?apache([ -]software)?( licen[cs]e)?,?[ -]?(v|version )?2(\.0)?", "Apache-2.0"),
    (r"isc( licen[cs]e)?", "ISC"),
    (r"(psf|python software foundation)( licen[cs]e)?", "PSF-2.0"),
    (r"zlib", "Zlib"),
    (r"(the )?unlicense", "Unlicense"),
)
_TEXTS = (
    (r"apache license\s+version 2\.0", "Apache-2.0"),
    (r"permission is hereby granted, free of charge, to any person obtaining", "MIT"),
    (r"redistribution and use in source and binary forms.*neither the name", "BSD-3-Clause"),
    (r"redistribution and use in source and binary forms", "BSD-2-Clause"),
    (r"permission to use, copy, modify, and(/or)? distribute this software for any", "ISC"),
    (r"python software foundation license", "PSF-2.0"),
    (r"this is free and unencumbered software released into the public domain", "Unlicense"),
)
_RECIPROCAL = re.compile(
    r"gnu (lesser |library |affero )?general public|mozilla public|eclipse public|\b[al]?gpl|\bmpl"
    r"|\bepl\b|\bcddl\b|\beupl\b|creative commons attribution[ -](share|non)|business source",
    re.IGNORECASE,
)


def package_licence(metadata: Message, texts: Sequence[str]) -> str | None:
    """Return the SPDX expression of a package; None where it is unknown or contradictory.

    Looked at in this order, the first that says something decides: License-Expression (PEP 639),
    classifiers, the License field, the licence files. A hint at a reciprocal licence in a weaker
    place than an expression makes the answer None.
    """
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression).strip()
    trove = [
        str(c) for c in metadata.get_all("Classifier") or () if str(c).startswith("License ::")
    ]
    field = str(metadata.get("License") or "").strip()
    if any(_RECIPROCAL.search(hint) for hint in (*trove, field[:200])):
        return None
    named = {c.rpartition(":: ")[2] for c in trove} - {"OSI Approved"}
    if named:
        return " OR ".join(sorted(_CLASSIFIERS[name] for name in named)) if _known(named) else None
    return _from_field(field) or next(filter(None, map(licence_of_text, texts)), None)


def licence_of_text(text: str) -> str | None:
    """Return the SPDX id of a licence's text; None where it is not one that is known."""
    flat = " ".join(text.lower().split())
    if _RECIPROCAL.search(flat[:600]):
        return None
    return next((spdx for pattern, spdx in _TEXTS if re.search(pattern, flat)), None)


def header_licence(text: str) -> str | None:
    """Return what the head of a file says of its licence, as SPDX; None where it says nothing.

    A head that speaks of a reciprocal licence gives LicenseRef-reciprocal.
    """
    head = text[:3000]
    tag = re.search(r"SPDX-License-Identifier:[ \t]*([^\n*]+)", head)
    if tag:
        return tag[1].strip().rstrip("#/-* ")
    comments = "\n".join(line for line in head.split("\n")[:60] if line.lstrip()[:1] in "#/*")
    return "LicenseRef-reciprocal" if _RECIPROCAL.search(comments) else None


def accepts(expression: str, accepted: Collection[str]) -> bool:
    """Say whether an SPDX expression can be met with accepted licences alone.

    One alternative of an OR is enough, an AND needs all. Exceptions (WITH) and expressions that mix
    operators inside brackets are refused: they are rare, and a lawyer's business.
    """
    if "(" in expression and " OR " in expression and " AND " in expression:
        return False
    plain = re.sub(r"[()]", "", expression)
    known = {licence.lower() for licence in accepted}
    return any(
        all(part.strip().lower() in known for part in re.split(r"\s+AND\s+", alternative))
        for alternative in re.split(r"\s+OR\s+", plain)
    )


def _known(names: Collection[str]) -> bool:
    return all(name in _CLASSIFIERS for name in names)


def _from_field(field: str) -> str | None:
    for pattern, spdx in _NAMES:
        if re.fullmatch(pattern, field.lower()):
            return spdx
    if re.fullmatch(r"[A-Za-z0-9.+-]+((\s+(OR|AND)\s+)[A-Za-z0-9.+-]+)*", field):
        return field
    return licence_of_text(field) if len(field) > 100 else None

"""What training shows of other files: the definitions of names that some code uses.

In: the definitions of a package, and code. Out: a few of them. Never looks outside a package.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from random import Random

from linewise_models.quotation import MOST_QUOTES, Definition


def used(
    code: str, known: Mapping[str, Sequence[Definition]], path: str, random: Random
) -> list[Definition]:
    """Return definitions of names that `code` uses, from other files than `path`; a few."""
    names = sorted({name for name in re.findall(r"\w{3,}", code) if name in known})
    random.shuffle(names)
    found = (next((d for d in known[name] if d.path != path), None) for name in names)
    return [definition for definition in found if definition is not None][:MOST_QUOTES]

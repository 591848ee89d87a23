"""Files that say again what another one said, and files that say what a benchmark asks.

In: texts. Out: which to drop. White space never makes a difference. Near duplicates are found by
MinHash (Broder 1997) over shingles of words and locality-sensitive hashing (datasketch); Lee et al.
2022, arXiv:2107.06499, has the effect of both on language models.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linewise_models.errors import ConfigError

Words = NDArray[np.uint64]

PERMUTATIONS = 64
SHINGLE = 5
"""Words that make one shingle."""


class Seen:
    """The texts seen so far."""

    def __init__(self, similarity: float) -> None:
        """Take texts of at least this estimated Jaccard similarity for near duplicates."""
        from datasketch import MinHashLSH

        self._exact: set[bytes] = set()
        self._near: Any = MinHashLSH(threshold=similarity, num_perm=PERMUTATIONS)
        self._similarity = similarity
        self._sketches: list[Any] = []

    def reason(self, text: str, words: Words) -> str | None:
        """Return why a text is a duplicate; None for a new one, which is then remembered."""
        from datasketch import MinHash

        digest = hashlib.sha256(" ".join(text.split()).encode()).digest()
        if digest in self._exact:
            return "exact duplicate"
        self._exact.add(digest)
        sketch = MinHash(num_perm=PERMUTATIONS, hashfunc=int)
        sketch.update_batch(np.unique(grams(words, SHINGLE) >> np.uint64(32)).tolist())
        for key in self._near.query(sketch):
            if sketch.jaccard(self._sketches[key]) >= self._similarity:
                return "near duplicate"
        self._near.insert(len(self._sketches), sketch)
        self._sketches.append(sketch)
        return None


class Excluded:
    """Runs of words that no training text may share: benchmarks."""

    def __init__(self, texts: Iterable[str], run: int) -> None:
        self._run = run
        found = [grams(words_of(text), run) for text in texts]
        self._grams = np.unique(np.concatenate([np.zeros(0, np.uint64), *found]))

    def __len__(self) -> int:
        """Return the number of distinct runs."""
        return len(self._grams)

    def touches(self, words: Words) -> bool:
        """Say whether a text shares a run of words with what is excluded."""
        if not len(self._grams):
            return False
        found = grams(words, self._run)
        places = np.searchsorted(self._grams, found).clip(max=len(self._grams) - 1)
        return bool((self._grams[places] == found).any())


def read_texts(path: Path) -> Iterator[str]:
    """Yield the texts of a benchmark: all strings of JSON lines (gzip or plain), or a plain file.

    A directory gives those of all its .jsonl, .json and .gz files. Raises ConfigError.
    """
    if path.is_dir():
        for file in sorted(path.iterdir()):
            if file.suffix in (".jsonl", ".json", ".gz"):
                yield from read_texts(file)
        return
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).decode("utf-8")
        if ".json" not in path.name:
            yield text
            return
        for line in text.split("\n"):
            if line.strip():
                yield from _strings(json.loads(line))
    except (OSError, EOFError, ValueError) as error:
        raise ConfigError(f"{path}, which is to be excluded, cannot be read: {error}.") from error


def words_of(text: str) -> Words:
    """Return a text's words and signs as numbers, [words]; comments on their own line left out.

    Licence headers are such comments: files share them without being alike.
    """
    code = _COMMENT_LINE.sub("", text)
    numbers = [zlib.crc32(word.encode()) for word in _WORD.findall(code)]
    return np.array(numbers, dtype=np.uint64)


def grams(words: Words, length: int) -> Words:
    """Return a hash of each run of `length` words, [words - length + 1]; of all where too few."""
    length = min(length, len(words))
    if not length:
        return np.zeros(0, np.uint64)
    hashes = np.zeros(len(words) - length + 1, np.uint64)
    for offset in range(length):
        hashes = hashes * _FACTOR + words[offset : len(words) - length + 1 + offset] + _OFFSET
    return hashes ^ (hashes >> np.uint64(29))


_COMMENT_LINE = re.compile(r"^[ \t]*(#|//).*$", re.MULTILINE)
_WORD = re.compile(r"\w+|[^\w\s]")
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_OFFSET = np.uint64(0x632BE59BD9B4E019)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)

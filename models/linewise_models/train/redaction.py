"""Secrets and personal addresses in code: files that hold keys go, the rest is masked.

In: a file's path and text. Out: the text with what was found masked, or the reason to drop the
file, and counts. Finds what has a form of its own (private keys, vendors' tokens, JSON web tokens,
long random values given to a name such as `api_key`, e-mail addresses); a password that is a word
has none and is not found.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from pathlib import PurePosixPath

_SECRETS_FILE = re.compile(
    r"\.env(\..*)?|\.netrc|\.pgpass|\.pypirc|\.npmrc|\.htpasswd|credentials(\..*)?|id_(rsa|dsa|ecdsa"
    r"|ed25519).*|.*\.(pem|key|p12|pfx|jks|keystore|kdbx)|.*secrets?\.(json|ya?ml|toml)",
    re.IGNORECASE,
)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\\n'\"+]*[A-Za-z0-9+/=]{40}")
_TOKENS = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_\w{22,}|\bglpat-[\w-]{20,}"
    r"|\bxox[abprs]-[\w-]{10,}|\b[rs]k_live_\w{16,}|\bAIza[\w-]{35}\b|\bpypi-[\w-]{50,}"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"
)
_NAMED = re.compile(
    r"((?:password|passwd|secret|token|api_?key|access_?key)\w*[\"']?\s*[:=]\s*[\"'])"
    r"([A-Za-z0-9+/_=-]{20,})([\"'])",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"\b[\w.+-]+@([\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,})\b")
_NOBODY = re.compile(
    r"(^|\.)(example|test|invalid|localhost|domain|host|server|foo|bar)(\.|$)", re.IGNORECASE
)
RANDOM_BITS = 3.5
"""Entropy a character above which a long value is taken for a key, in bits; words are below."""


def secrets_reason(path: str, text: str) -> str | None:
    """Return why a file is dropped whole: it holds keys, by its name or by what is in it."""
    if _SECRETS_FILE.fullmatch(PurePosixPath(path).name):
        return "secrets file"
    return "private key" if _PRIVATE_KEY.search(text) else None


def mask(text: str) -> tuple[str, Counter[str]]:
    """Return the text with tokens and people's e-mail addresses masked, and how many of each."""
    found: Counter[str] = Counter()

    def token(match: re.Match[str]) -> str:
        found["token"] += 1
        return "<token>"

    def named(match: re.Match[str]) -> str:
        if _entropy(match[2]) < RANDOM_BITS:
            return match[0]
        found["token"] += 1
        return f"{match[1]}<token>{match[3]}"

    def email(match: re.Match[str]) -> str:
        if _NOBODY.search(match[1]):
            return match[0]
        found["e-mail address"] += 1
        return "<email>"

    return _EMAIL.sub(email, _NAMED.sub(named, _TOKENS.sub(token, text))), found


def _entropy(value: str) -> float:
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares)

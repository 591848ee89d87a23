"""What is masked in a text, and for what a file is dropped."""

from __future__ import annotations

import pytest

from linewise_models.train.redaction import mask, secrets_reason

RANDOM = "q8Zr2Lw0pXk7Vb5NcY3tHs9e"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("# jo@fruit.org", "# <email>"),
        ("a@b", "a@b"),
        ("# user@example.com", "# user@example.com"),
        ("m = 'git@github.com'", "m = '<email>'"),
        (f"api_key = '{RANDOM}'", "api_key = '<token>'"),
        (f'"client_secret_key": "{RANDOM}"', '"client_secret_key": "<token>"'),
        ("token = 'aaaaaaaaaaaaaaaaaaaaaaaa'", "token = 'aaaaaaaaaaaaaaaaaaaaaaaa'"),
        ("password = 'correct-horse'", "password = 'correct-horse'"),
        ("k = 'AKIA" + "ABCD2345" * 2 + "'", "k = '<token>'"),
        ("k = 'ghp_" + "a1B2" * 9 + "'", "k = '<token>'"),
        (f"digest = '{RANDOM}'", f"digest = '{RANDOM}'"),
        ("@decorated\ndef f(): ...", "@decorated\ndef f(): ..."),
        ("a = b@c.T", "a = b@c.T"),
    ],
)
def test_masking(text: str, masked: str) -> None:
    found, counts = mask(text)
    assert found == masked
    assert sum(counts.values()) == (text != masked)


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("pkg/core.py", "x = 1", None),
        ("pkg/.env", "x = 1", "secrets file"),
        ("pkg/server.key", "", "secrets file"),
        ("pkg/secrets.toml", "", "secrets file"),
        ("pkg/secrets.py", "", None),
        ("k.py", "-----BEGIN RSA PRIVATE KEY-----\n" + "Ab1+" * 12, "private key"),
        ("k.py", "if '-----BEGIN RSA PRIVATE KEY-----' in text:", None),
    ],
)
def test_dropping(path: str, text: str, reason: str | None) -> None:
    assert secrets_reason(path, text) == reason

"""The key that a server asks for: from the environment, else from the keyring of the system.

In: the environment and a host. Out: a `Key`, or None. Never reads settings, never writes, and never
shows a key: its text is left out of every representation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from linewise_models.errors import LoadError

VARIABLE = "LINEWISE_API_KEY"
SERVICE = "linewise"
"""What our entries in the keyring are filed under; the user name is the host."""


@dataclass(frozen=True, slots=True)
class Key:
    """A secret and where it was found."""

    secret: str = field(repr=False)
    source: str


def key_from_environment(environ: Mapping[str, str]) -> Key | None:
    """Return the key in LINEWISE_API_KEY. Raises LoadError where it cannot be sent."""
    return _key(environ.get(VARIABLE), f"the variable {VARIABLE}")


def key_from_keyring(host: str) -> Key | None:
    """Return the key that the keyring holds for a host. May wait for the user to unlock it.

    None, too, where there is no keyring or the extra `linewise[remote]` is not installed.
    """
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        return _key(keyring.get_password(SERVICE, host), "the keyring")
    except KeyringError:
        return None


def advise(host: str) -> str:
    """Return how to give a key for a host."""
    return (
        f"Set {VARIABLE} where the editor is started, or keep the key in the system's keyring: "
        f"pip install 'linewise[remote]', then keyring set {SERVICE} {host}"
    )


def _key(text: str | None, source: str) -> Key | None:
    secret = (text or "").strip()
    if not secret:
        return None
    if not (secret.isascii() and secret.isprintable()):
        raise LoadError(f"The key in {source} has characters that no key has. Store it again.")
    return Key(secret, source)

"""Where a server is, and what it means for the user's code that it is there.

In: the URL of the settings. Out: an `Address`. Never resolves a name and never opens a connection.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

import httpx

from linewise_models.errors import AddressError


@dataclass(frozen=True, slots=True)
class Address:
    """A server's place."""

    base: str
    """URL of the OpenAI protocol, without a slash at its end, such as http://gpu:8000/v1."""
    host: str
    """Host, with the port where the URL has one; the name of its key in the keyring."""
    loopback: bool
    """Whether it is this machine, so that nothing leaves it."""
    encrypted: bool

    @property
    def root(self) -> str:
        """URL of what a server offers beside the protocol."""
        return self.base.removesuffix("/v1")

    @property
    def warning(self) -> str | None:
        """What a user has to know before code goes there; None where it stays on this machine."""
        if self.loopback:
            return None
        plain = "" if self.encrypted else " It travels unencrypted: whoever is on the way reads it."
        return f"Code is sent to {self.host}.{plain}"


def read_address(url: str) -> Address:
    """Return the address that a URL names; one without a path gets the usual /v1.

    Raises AddressError: not an http or https URL, or one with a password or a query in it.
    """
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise AddressError(f"linewise.remote.url is {url!r}, which is no URL: {error}.") from error
    port_fits = parsed.port is None or 0 < parsed.port < 65_536
    if parsed.scheme not in ("http", "https") or not parsed.host or not port_fits:
        raise AddressError(
            f"linewise.remote.url is {url!r}; it is an http or https URL, such as "
            "http://localhost:8080."
        )
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise AddressError(
            "linewise.remote.url holds more than a server's place. Keys do not belong in settings: "
            "put yours in the environment or the keyring (linewise doctor says how)."
        )
    path = parsed.path.rstrip("/").removesuffix("/completions")
    base = str(parsed.copy_with(path=path or "/v1")).rstrip("/")
    return Address(
        base=base,
        host=parsed.netloc.decode("ascii"),
        loopback=_is_loopback(parsed.host),
        encrypted=parsed.scheme == "https",
    )


def _is_loopback(host: str) -> bool:
    # Only what is this machine by definition: a name that resolves to it today may not tomorrow.
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

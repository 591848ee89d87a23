"""Where a server is, what it means for the user's code, and where its key comes from."""

from __future__ import annotations

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from linewise_models.engine.remote.address import read_address
from linewise_models.engine.remote.key import Key, key_from_environment, key_from_keyring
from linewise_models.errors import LoadError


@pytest.mark.parametrize(
    ("url", "base", "root", "host"),
    [
        ("http://gpu:8000", "http://gpu:8000/v1", "http://gpu:8000", "gpu:8000"),
        ("http://gpu:8000/", "http://gpu:8000/v1", "http://gpu:8000", "gpu:8000"),
        ("https://gpu/v1", "https://gpu/v1", "https://gpu", "gpu"),
        ("https://gpu/v1/completions", "https://gpu/v1", "https://gpu", "gpu"),
        ("https://gw/code/v1/", "https://gw/code/v1", "https://gw/code", "gw"),
        ("https://gw/openai", "https://gw/openai", "https://gw/openai", "gw"),
        (" http://[::1]:80/ ", "http://[::1]/v1", "http://[::1]", "[::1]"),
    ],
)
def test_a_url_names_a_place(url: str, base: str, root: str, host: str) -> None:
    address = read_address(url)
    assert (address.base, address.root, address.host) == (base, root, host)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("gpu:8000", "http or https"),
        ("ftp://gpu", "http or https"),
        ("http://", "http or https"),
        ("http://gpu:port", "no URL"),
        ("https://me:secret@gpu", "Keys do not belong in settings"),
        ("https://gpu/v1?api_key=secret", "Keys do not belong in settings"),
    ],
)
def test_what_is_no_place_is_refused_without_repeating_a_secret(url: str, says: str) -> None:
    with pytest.raises(LoadError, match=says) as caught:
        read_address(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "warns"),
    [
        ("http://localhost:8080", None),
        ("http://linewise.localhost:8080", None),
        ("http://127.0.0.1:8080", None),
        ("http://127.8.8.8", None),
        ("http://[::1]:8080", None),
        ("https://gpu.example", "gpu.example"),
        ("http://192.168.1.5:8000", "unencrypted"),
        ("http://10.0.0.7:8000", "unencrypted"),
        ("http://localhost.example", "localhost.example"),
        ("http://127.0.0.1.example", "127.0.0.1.example"),
    ],
)
def test_code_that_leaves_this_machine_is_warned_of(url: str, warns: str | None) -> None:
    warning = read_address(url).warning
    if warns is None:
        assert warning is None
    else:
        assert warning is not None
        assert warns in warning
        assert ("unencrypted" in warning) == url.startswith("http:")


class _Memory(KeyringBackend):
    """A keyring that forgets."""

    priority = 1

    def __init__(self, locked: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # keyring types only its front
        self.locked = locked
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


def test_the_key_of_a_host_is_in_the_keyring() -> None:
    before = keyring.get_keyring()
    try:
        keyring.set_keyring(_Memory(locked=False))
        keyring.set_password("linewise", "gpu:8000", " sesame\n")
        assert key_from_keyring("gpu:8000") == Key("sesame", "the keyring")
        assert key_from_keyring("gpu") is None
        keyring.set_keyring(_Memory(locked=True))
        assert key_from_keyring("gpu:8000") is None
    finally:
        keyring.set_keyring(before)


def test_the_key_in_the_environment() -> None:
    key = key_from_environment({"LINEWISE_API_KEY": "sesame"})
    assert key is not None
    assert key.secret == "sesame"
    assert "sesame" not in repr(key)
    assert key_from_environment({}) is None
    assert key_from_environment({"LINEWISE_API_KEY": " "}) is None
    with pytest.raises(LoadError, match="LINEWISE_API_KEY"):
        key_from_environment({"LINEWISE_API_KEY": "sesa\nme"})

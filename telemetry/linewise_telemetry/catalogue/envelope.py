"""The signed envelope of a catalogue: a document and a key in, one file out, and back.

It is a DSSE envelope (secure-systems-lab/dsse, 1.0.2) with one Ed25519 signature over the type and
the exact bytes, so that nothing depends on how JSON is written. The public key travels with it for
the first subscription; afterwards the subscriber's pin decides. The cryptography is imported where
it is done: most windows subscribe to nothing and need not carry it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from linewise_telemetry.catalogue.errors import SignatureError

PAYLOAD_TYPE = "application/vnd.linewise.catalogue+json"


@dataclass(frozen=True, slots=True)
class Opened:
    """A verified envelope: the document's bytes and the key that signed them."""

    payload: bytes
    key: bytes

    @property
    def fingerprint(self) -> str:
        """The key as people compare it."""
        return fingerprint(self.key)


def new_key() -> bytes:
    """Return a new private key as PEM (PKCS 8); whoever has it speaks for the catalogue."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def sign(document: bytes, private_key: bytes) -> bytes:
    """Return the envelope of a document; raises SignatureError for a file that is no key."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        key = serialization.load_pem_private_key(private_key, password=None)
    except (ValueError, TypeError) as error:
        raise SignatureError(
            f"The key file holds no private key that can be read: {error}"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SignatureError(
            "The key is no Ed25519 key; `linewise catalogue sign --new-key` makes one."
        )
    public = key.public_key().public_bytes_raw()
    signature = {
        "keyid": fingerprint(public),
        "sig": _encoded(key.sign(_signed_bytes(document))),
        "key": _encoded(public),
    }
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": _encoded(document),
        "signatures": [signature],
    }
    return (json.dumps(envelope, indent=1) + "\n").encode()


def open_envelope(data: bytes) -> Opened:
    """Return what an envelope holds once its signature is verified; raises SignatureError."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        envelope: Any = json.loads(data)
        payload = _decoded(envelope["payload"])
        (signature,) = envelope["signatures"]
        key, signed = _decoded(signature["key"]), _decoded(signature["sig"])
        known = envelope["payloadType"] == PAYLOAD_TYPE
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SignatureError("This is no signed catalogue.") from error
    if not known:
        raise SignatureError(f"This envelope holds no catalogue but {envelope['payloadType']!r}.")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signed, _signed_bytes(payload))
    except (InvalidSignature, ValueError) as error:
        raise SignatureError(
            "The signature does not fit the content: the file was changed after it was signed."
        ) from error
    return Opened(payload, key)


def unwrap(data: bytes) -> bytes:
    """Return the document in a file that is one or its envelope; raises SignatureError."""
    return open_envelope(data).payload if b'"payloadType"' in data[:4096] else data


def fingerprint(key: bytes) -> str:
    """Return the SHA-256 of a public key, as ssh prints one."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def _signed_bytes(payload: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error

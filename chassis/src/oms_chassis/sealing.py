"""Personal data as an opaque string: AES-256-GCM under a ring of keys, one a month.

    seal("Ada, Main St 1") → "2026-11.p2x…"        the key id in clear, then base64url

Destroying a month's key destroys what was sealed with it, wherever it has been copied to.

Sealing happens inside deterministic decisions, so the nonce is not drawn but computed: a keyed
hash of `unique` and of the text. GCM breaks when one nonce is used for two different texts;
here a different text has a different nonce even if `unique` is repeated by mistake, and the
same text with the same `unique` gives the same bytes, which reveals only that they are the
same. What remains is chance: below 2⁻³² up to 2³² seals a month (NIST SP 800-38D).
"""

from __future__ import annotations

import base64
import json
import os
import re
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
_KEY_ID = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


class SealError(Exception):
    """Sealed data cannot be opened or made: tampered with, malformed, or its key is gone."""


class _Key:
    """One month's key, and a second one derived from it for nonces."""

    __slots__ = ("cipher", "id", "nonce_key")

    def __init__(self, key_id: str, secret: bytes) -> None:
        if not _KEY_ID.fullmatch(key_id) or len(secret) != KEY_BYTES:
            raise SealError(f"{key_id!r} is no month with a key of {KEY_BYTES} bytes")
        self.id = key_id.encode()
        self.cipher = AESGCM(secret)
        self.nonce_key = blake2b(key=secret, person=b"oms nonce").digest()

    def nonce(self, plain: bytes, unique: bytes) -> bytes:
        told = len(unique).to_bytes(4, "big") + unique + plain
        return blake2b(told, key=self.nonce_key, digest_size=NONCE_BYTES).digest()


class KeyRing:
    """The keys of all months, from one JSON file `{"2026-11": "<base64url of 32 bytes>"}`."""

    def __init__(self, path: Path) -> None:
        """Raises SealError if the file is not such a ring, OSError if there is none."""
        self._path = path
        self._read_at_ns = 0
        self._keys: dict[str, _Key] = {}
        self._read()

    @classmethod
    def create(cls, path: Path, month: str = "") -> KeyRing:
        """Make the file, readable by its owner only, and the key of `month` (default: now).

        Keys that are there stay; running it again changes nothing.
        """
        stored: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        key_id = month or datetime.now(UTC).strftime("%Y-%m")
        if key_id not in stored:
            stored[key_id] = base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()
            staged = path.with_suffix(f".{os.getpid()}")
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(staged, flags, 0o600), "w") as file:
                json.dump(stored, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            staged.replace(path)
        return cls(path)

    def seal(self, plain: bytes, unique: bytes, key_id: str = "") -> str:
        """Encrypt, by default with the newest key. `unique` tells this sealing from any other
        (an event id and a field name), so that equal texts do not look equal."""
        key = self._key(key_id or max(self._keys))
        nonce = key.nonce(plain, unique)
        blob = nonce + key.cipher.encrypt(nonce, plain, key.id)
        return f"{key.id.decode()}.{base64.urlsafe_b64encode(blob).decode()}"

    def open(self, sealed: str) -> bytes:
        """What was sealed. Raises SealError unless every byte is as it was."""
        key_id, _, encoded = sealed.partition(".")
        key = self._key(key_id)
        try:
            blob = _decode(encoded)
            return key.cipher.decrypt(blob[:NONCE_BYTES], blob[NONCE_BYTES:], key.id)
        except (ValueError, InvalidTag):
            raise SealError(f"what was sealed with {key_id} is damaged") from None

    def _key(self, key_id: str) -> _Key:
        if key_id not in self._keys:
            self._read()  # another process may have begun a new month
        if key_id not in self._keys:
            raise SealError("the key of that month is not in the ring")
        return self._keys[key_id]

    def _read(self) -> None:
        changed_at_ns = self._path.stat().st_mtime_ns
        if changed_at_ns == self._read_at_ns:
            return
        try:
            stored = json.loads(self._path.read_text())
            keys = {id_: _Key(id_, _decode(secret)) for id_, secret in stored.items()}
        except (ValueError, TypeError, AttributeError):
            raise SealError(f"{self._path} is not a key ring") from None
        if not keys:
            raise SealError(f"{self._path} holds no key")
        self._keys, self._read_at_ns = keys, changed_at_ns


def _decode(encoded: str) -> bytes:
    """Strictly: no two texts decode to the same bytes."""
    decoded = base64.urlsafe_b64decode(encoded)
    if base64.urlsafe_b64encode(decoded).decode() != encoded:
        raise ValueError("not base64url")
    return decoded

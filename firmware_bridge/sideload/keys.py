"""The key that archives are signed with: made at the first use, and for its owner only.

Its file is one that minisign without a password writes (`minisign -G -W`), so either program can sign with it. The
cryptography package signs; checking is on_device/ed25519.py's.
"""

from __future__ import annotations

import base64
import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware_bridge.sideload.on_device.minisign import COMMENT, KEY_KIND, SIGNATURE_KIND, TRUSTED, PublicKey, hashed
from models.errors import GlintError

NO_PASSWORD, CHECKSUM_KIND = b"\0\0", b"B2"
_AT_KEY = 6 + 32 + 16  # kinds, then salt and costs of a password that there is not


@dataclass(frozen=True)
class SecretKey:
    """number: as PublicKey's. seed: the 32 bytes that the key is made from."""

    number: bytes
    seed: bytes

    @property
    def public(self) -> PublicKey:
        return PublicKey(self.number, self._key().public_key().public_bytes_raw())

    def signature(self, content: bytes, comment: str) -> str:
        """The text of a .minisig file. The same content and comment give the same text."""
        key = self._key()
        raw = key.sign(hashed(content))
        lines = [
            f"{COMMENT}signature of an archive of Glint",
            base64.b64encode(SIGNATURE_KIND + self.number + raw).decode("ascii"),
            TRUSTED + comment,
            base64.b64encode(key.sign(raw + comment.encode())).decode("ascii"),
        ]
        return "\n".join(lines) + "\n"

    def _key(self) -> Any:
        try:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        except ImportError:
            raise GlintError("Signing needs the Python package cryptography: pip install 'glint[sideload]'.") from None
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def default_place() -> Path:
    """Where the key is kept."""
    from platformdirs import user_config_path

    return user_config_path("glint", appauthor=False) / "sideload.key"


def load_or_make(place: Path | None) -> SecretKey:
    """The key in the file, or the user's own, which is made where there is none yet. Raises GlintError."""
    if place is not None:
        return read_secret_key(place)
    own = default_place()
    return read_secret_key(own) if own.exists() else _make(own)


def read_secret_key(place: Path) -> SecretKey:
    """Raises GlintError, naming the file, when it cannot be read, is none, has a password or is open to others."""
    try:
        text, mode = place.read_text(encoding="ascii"), place.stat().st_mode
        raw = base64.b64decode(text.strip().splitlines()[-1], validate=True)
    except FileNotFoundError:
        raise GlintError(f"There is no key {place}; leave out --key and one is made.") from None
    except (OSError, ValueError, IndexError) as error:
        raise GlintError(f"{place} cannot be read as a secret key ({error}).") from error
    if mode & 0o077:
        raise GlintError(f"{place} can be read by others; run `chmod 600 {place}`, or make another key if it was read.")
    if len(raw) == _AT_KEY + 104 and raw[:2] == KEY_KIND and raw[2:4] != NO_PASSWORD:
        raise GlintError(f"{place} has a password; take it off with `minisign -C -W -s {place}`.")
    number, key, sum_ = raw[_AT_KEY : _AT_KEY + 8], raw[_AT_KEY + 8 : _AT_KEY + 72], raw[_AT_KEY + 72 :]
    if len(raw) != _AT_KEY + 104 or raw[:6] != KEY_KIND + NO_PASSWORD + CHECKSUM_KIND or sum_ != _checksum(number, key):
        raise GlintError(f"{place} is not a secret key of minisign, or damaged.")
    return SecretKey(number, key[:32])


def _make(place: Path) -> SecretKey:
    key = SecretKey(os.urandom(8), os.urandom(32))
    raw = key.seed + key.public.point
    packed = KEY_KIND + NO_PASSWORD + CHECKSUM_KIND + bytes(48) + key.number + raw + _checksum(key.number, raw)
    made = f"made by Glint on {time.strftime('%Y-%m-%d')}, secret"
    text = f"{COMMENT}{made}\n{base64.b64encode(packed).decode('ascii')}\n"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
        place.with_suffix(".pub").write_text(key.public.as_file(), encoding="ascii")
    except OSError as error:
        raise GlintError(f"The key {place} cannot be written ({error.strerror}); give one with --key.") from error
    return key


def _checksum(number: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(KEY_KIND + number + key, digest_size=32).digest()

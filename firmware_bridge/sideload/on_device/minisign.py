"""Keys and signatures as the program minisign writes them, so that `minisign -V` checks an archive's manifest too.

https://jedisct1.github.io/minisign/ describes the format. Only its present kind of signature ("ED", over the content's
BLAKE2b-512) is taken. The secret key's file is the business of firmware_bridge/sideload/keys.py.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from .ed25519 import is_signature
from .refusal import Refusal

KEY_KIND, SIGNATURE_KIND = b"Ed", b"ED"
COMMENT, TRUSTED = "untrusted comment: ", "trusted comment: "


@dataclass(frozen=True)
class PublicKey:
    """number: eight bytes by which keys are told apart. point: the 32 bytes of the key itself."""

    number: bytes
    point: bytes

    def __str__(self) -> str:
        """As minisign's -P takes it: 56 characters."""
        return base64.b64encode(KEY_KIND + self.number + self.point).decode("ascii")

    def as_file(self) -> str:
        """As minisign's -p takes it."""
        return f"{COMMENT}minisign public key {self.number[::-1].hex().upper()}\n{self}\n"


def read_key(text: str, where: str) -> PublicKey:
    """Reads a key: its 56 characters, or a key file's content. Raises Refusal, naming `where` it came from."""
    lines = [line.strip() for line in text.strip().splitlines() if not line.startswith(COMMENT)]
    raw = _bytes(lines[0]) if len(lines) == 1 else b""
    if len(raw) != 42 or raw[:2] != KEY_KIND:
        raise Refusal(f"{where} is not a public key (56 characters that begin with RW).")
    return PublicKey(raw[2:10], raw[10:])


def check(key: PublicKey, content: bytes, signature: str, where: str) -> None:
    """Raises Refusal, naming `where`, unless `signature`, a .minisig file's text, is that of `content` by `key`."""
    lines = signature.splitlines()
    if len(lines) < 4 or not lines[0].startswith(COMMENT) or not lines[2].startswith(TRUSTED):
        raise Refusal(f"{where} is not a signature that minisign would know.")
    raw, whole = _bytes(lines[1]), _bytes(lines[3])
    if len(raw) != 74 or raw[:2] != SIGNATURE_KIND or len(whole) != 64:
        raise Refusal(f"{where} is not a signature of the kind that is expected here.")
    if raw[2:10] != key.number:
        raise Refusal(f"{where} was made with another key than the one trusted, {key}.")
    comment = lines[2].removeprefix(TRUSTED).encode()
    if not is_signature(key.point, hashed(content), raw[10:]) or not is_signature(key.point, raw[10:] + comment, whole):
        raise Refusal(f"{where} does not fit: the manifest has been changed since it was signed.")


def hashed(content: bytes) -> bytes:
    """What is signed in place of the content."""
    return hashlib.blake2b(content).digest()


def _bytes(line: str) -> bytes:
    try:
        return base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        return b""

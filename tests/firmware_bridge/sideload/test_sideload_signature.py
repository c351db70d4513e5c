"""Ed25519 in plain Python against RFC 8032's vectors and a library, and minisign's files against minisign's rules."""

import os
import random
import shutil
import subprocess

import pytest
from small_archives import KEY

from firmware_bridge.sideload import keys
from firmware_bridge.sideload.keys import SecretKey, load_or_make, read_secret_key
from firmware_bridge.sideload.on_device.ed25519 import ORDER, P, is_signature
from firmware_bridge.sideload.on_device.minisign import check, read_key
from firmware_bridge.sideload.on_device.refusal import Refusal
from models.errors import GlintError

RFC_8032 = [  # section 7.1: public key, message, signature
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_rfc_vectors(public: str, message: str, signature: str) -> None:
    assert is_signature(*map(bytes.fromhex, (public, message, signature)))


def test_agrees_with_the_library_on_signatures_and_on_what_is_none() -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    dice = random.Random(8)
    for round_ in range(30):
        key = Ed25519PrivateKey.from_private_bytes(dice.randbytes(32))
        public, message = key.public_key().public_bytes_raw(), dice.randbytes(dice.randrange(200))
        signature = bytearray(key.sign(message))
        assert is_signature(public, message, bytes(signature))
        signature[dice.randrange(64)] ^= 1 << dice.randrange(8)
        if round_ % 3 == 0:
            message += b"!"
        try:
            key.public_key().verify(bytes(signature), message)
            valid = True
        except InvalidSignature:
            valid = False
        assert is_signature(public, message, bytes(signature)) == valid


def test_nothing_can_be_signed_under_weak_or_malformed_keys() -> None:
    public, message, signature = map(bytes.fromhex, RFC_8032[2])
    second_s = int.from_bytes(signature[32:], "little") + ORDER  # the same number, written another way
    assert not is_signature(public, message, signature[:32] + second_s.to_bytes(32, "little"))
    neutral = (1).to_bytes(32, "little")  # under which everything would be signed by R = neutral, S = 0
    assert not is_signature(neutral, b"anything", neutral + bytes(32))
    assert not is_signature((P + 1).to_bytes(32, "little"), b"anything", neutral + bytes(32))
    for short in (b"", public[:31], public + b"\0"):
        assert not is_signature(short, message, signature)
    assert not is_signature(public, message, signature[:63])


def test_a_signature_file_fits_one_content_one_key_and_one_comment() -> None:
    signed = KEY.signature(b"content", "glint 1.0.0")
    check(KEY.public, b"content", signed, "it")
    with pytest.raises(Refusal, match="changed since it was signed"):
        check(KEY.public, b"Content", signed, "it")
    with pytest.raises(Refusal, match="changed since it was signed"):
        check(KEY.public, b"content", signed.replace("glint 1.0.0", "glint 9.0.0"), "it")
    with pytest.raises(Refusal, match="another key"):
        check(SecretKey(b"somebody", bytes(32)).public, b"content", signed, "it")
    with pytest.raises(Refusal, match="changed since it was signed"):  # a key that claims the same number
        check(SecretKey(KEY.number, bytes(32)).public, b"content", signed, "it")
    for broken in ("", "x\n" * 4, signed.replace("trusted comment", "comment"), signed[:100]):
        with pytest.raises(Refusal, match="it is not a signature"):
            check(KEY.public, b"content", broken, "it")


def test_a_public_key_is_read_as_text_or_file_and_nothing_else_is() -> None:
    assert read_key(str(KEY.public), "it") == KEY.public == read_key(KEY.public.as_file(), "it")
    assert len(str(KEY.public)) == 56
    assert str(KEY.public).startswith("RW")
    for text in ("", "RWR", "x" * 56, str(KEY.public)[:-4], f"{KEY.public}\n{KEY.public}"):
        with pytest.raises(Refusal, match="it is not a public key"):
            read_key(text, "it")


def test_a_key_is_made_once_for_its_owner_alone(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    made = load_or_make(None)
    place = keys.default_place()
    assert tmp_path in place.parents
    assert place.stat().st_mode & 0o777 == 0o600
    assert load_or_make(None) == made == read_secret_key(place)
    assert read_key(place.with_suffix(".pub").read_text(), "it") == made.public
    assert load_or_make(None).seed != KEY.seed


def test_keys_that_are_open_broken_or_locked_are_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    load_or_make(None)
    place = keys.default_place()
    text = place.read_text()
    place.chmod(0o644)
    with pytest.raises(GlintError, match="can be read by others"):
        read_secret_key(place)
    place.chmod(0o600)
    for broken in ("", "not base64", text[:-9] + "AAAAAAA=\n"):
        place.write_text(broken)
        with pytest.raises(GlintError, match=r"sideload\.key"):
            read_secret_key(place)
    place.write_text(text.splitlines()[0] + "\n" + "RWRTY0Iy" + text.splitlines()[1][8:] + "\n")
    with pytest.raises(GlintError, match="has a password"):
        read_secret_key(place)
    with pytest.raises(GlintError, match="There is no key"):
        read_secret_key(tmp_path / "none")


@pytest.mark.skipif(shutil.which("minisign") is None, reason="minisign is not installed")
def test_minisign_itself_agrees(tmp_path, monkeypatch) -> None:
    (tmp_path / "manifest.json").write_bytes(b"content")
    (tmp_path / "manifest.json.minisig").write_text(KEY.signature(b"content", "glint 1.0.0"))
    command = ["minisign", "-V", "-P", str(KEY.public), "-m", "manifest.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    key, place = load_or_make(None), keys.default_place()
    subprocess.run(["minisign", "-S", "-s", place, "-m", "manifest.json"], cwd=tmp_path, check=True, env=os.environ)
    check(key.public, b"content", (tmp_path / "manifest.json.minisig").read_text(), "it")

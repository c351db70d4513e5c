"""Archives that are cut off, tampered with or rearranged: each is refused in a sentence that names file and reason."""

import io
import random
import tarfile

import pytest
from small_archives import KEY, make

from firmware_bridge.sideload.on_device.archive import open_archive
from firmware_bridge.sideload.on_device.manifest import Manifest, read_manifest
from firmware_bridge.sideload.on_device.refusal import Refusal


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return make(tmp_path_factory.mktemp("archive"))


def verdict(path):
    """Why an archive is refused, in words; empty when it is not."""
    try:
        open_archive(path, KEY.public).check(lambda *_: None)
    except Refusal as refusal:
        return str(refusal) if str(path) in str(refusal) else f"{refusal} does not name the archive"
    return ""


def members(path):
    with tarfile.open(path) as tar:
        return [(member, tar.extractfile(member).read()) for member in tar]


def packed(path, pairs):
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for member, content in pairs:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_whole_it_is_taken(archive) -> None:
    assert verdict(archive.path) == ""


def test_cut_off_anywhere_it_is_refused(archive, tmp_path) -> None:
    content = archive.path.read_bytes()
    with tarfile.open(archive.path) as tar:
        last = tar.getmembers()[-1]
        end = last.offset_data + last.size  # after it there is only padding
    cut = tmp_path / "cut.tar"
    for size in [0, 1, 511, 512, 513, *range(1000, end, 997), end - 1]:
        cut.write_bytes(content[:size])
        assert verdict(cut), size


def test_a_flipped_bit_in_any_member_is_found_and_its_file_named(archive, tmp_path) -> None:
    dice, whole = random.Random(3), archive.path.read_bytes()
    flipped = tmp_path / "flipped.tar"
    for member, content in members(archive.path):
        for place in {0, len(content) // 2, len(content) - 1, dice.randrange(len(content))}:
            changed = bytearray(whole)
            changed[member.offset_data + place] ^= 1 << dice.randrange(8)
            flipped.write_bytes(changed)
            if member.name == "key.pub":
                continue  # it is shown and never believed
            said = verdict(flipped)
            assert said, (member.name, place)
            assert member.name in said or "signature" in said.lower() or "cut off" in said, said


def test_a_flipped_bit_in_any_header_is_found(archive, tmp_path) -> None:
    dice, whole = random.Random(4), archive.path.read_bytes()
    flipped = tmp_path / "flipped.tar"
    for member, _ in members(archive.path):
        for _ in range(6):
            changed = bytearray(whole)
            changed[member.offset + dice.randrange(345)] ^= 1 << dice.randrange(8)
            flipped.write_bytes(changed)
            assert verdict(flipped), member.name


def test_files_too_many_too_few_twice_or_of_another_kind_are_refused(archive, tmp_path) -> None:
    pairs = members(archive.path)
    extra = tarfile.TarInfo("site/evil.py")
    assert "does not list" in verdict(packed(tmp_path / "a.tar", [*pairs, (extra, b"import os")]))
    assert "bytes" in verdict(packed(tmp_path / "b.tar", [*pairs[:-1], (pairs[-1][0], pairs[-1][1] + b"!")]))
    assert "does not list" in verdict(packed(tmp_path / "c.tar", [*pairs, pairs[-1]]))
    link = tarfile.TarInfo("bin/glint")
    link.type, link.linkname = tarfile.SYMTYPE, "/bin/sh"
    assert "not a plain file" in verdict(packed(tmp_path / "d.tar", [*pairs[:3], (link, b""), *pairs[3:]]))
    assert "cut off" in verdict(packed(tmp_path / "e.tar", pairs[:-1]))
    small = min(pairs[3:], key=lambda pair: pair[0].size)  # without it the archive is still long enough
    assert f"{small[0].name} and 0 more files are missing" in verdict(
        packed(tmp_path / "e.tar", [pair for pair in pairs if pair is not small])
    )
    assert "not an archive of Glint" in verdict(packed(tmp_path / "f.tar", pairs[1:]))


def test_what_is_no_archive_at_all_is_said_so(tmp_path) -> None:
    assert "There is no archive" in verdict(tmp_path / "none.tar")
    assert "is a folder" in verdict(tmp_path)
    (tmp_path / "text.tar").write_text("hello" * 1000)
    assert "cut off or damaged" in verdict(tmp_path / "text.tar")


def test_a_manifest_may_name_nothing_outside_its_folder(archive) -> None:
    from dataclasses import replace

    entry = next(iter(archive.manifest.files.values()))
    for path in ("../etc/passwd", "/etc/passwd", "a//b", "a/./b", "", "a\\b", "site/a.py", "manifest.json"):
        changed: Manifest = replace(archive.manifest, files={path: entry})
        with pytest.raises(Refusal, match="it lists files outside"):
            read_manifest(changed.to_bytes(), "it")
    assert read_manifest(archive.manifest.to_bytes(), "it") == archive.manifest


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": 1, "name": "glint"}', b"\xff", b"null"])
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(Refusal, match="it is not the manifest"):
        read_manifest(content, "it")


def test_a_format_of_the_future_is_refused_by_its_name(archive) -> None:
    content = archive.manifest.to_bytes().replace(b'"format": 1', b'"format": 2')
    with pytest.raises(Refusal, match="format 2, which this installer does not know"):
        read_manifest(content, "it")

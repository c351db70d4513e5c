"""Installing a version: everything is checked, unpacked beside the version in use, tried, and only then switched to.

Up to the switch, which is one rename, the version in use is not touched; after it the one before is kept.
"""

from __future__ import annotations

import contextlib
import errno
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import disk, unit
from .archive import Archive, Progress, open_archive
from .layout import Layout
from .machine import check_machine, check_space, check_version
from .manifest import AGAIN, SITE, Entry, is_wheel
from .minisign import PublicKey
from .refusal import Refusal
from .self_test import RESULT, self_test
from .verify import problems
from .wheel import contents

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Wishes:
    """How to install. unit_folder: None leaves systemd alone. python: runs the version in its self-test."""

    python: str
    key: PublicKey | None = None
    downgrade: bool = False
    unit_folder: Path | None = None
    self_test_s: float = 600


def install(path: Path, layout: Layout, wishes: Wishes, say: Callable[[str], None], progress: Progress) -> str:
    """Installs an archive and returns the name of its version. say: told of each step in a line.

    Raises Refusal when anything is not as it must be; the version that was in use is then still in use.
    """
    key = _trusted(layout, wishes.key)
    archive = open_archive(path, key)
    assert key is not None
    check_machine(path, archive.manifest)
    check_version(path, archive.manifest, layout, wishes.downgrade)
    archive.check(progress)
    say(f"{path.name}: the signature and all {len(archive.manifest.files)} files are right")
    with _explained(path, layout), layout.locked():
        layout.tidy()
        name = _name(archive, layout)
        if name != layout.active():
            _put(archive, name, layout, wishes, say, progress)
        if layout.key() is None:
            disk.replace_file(layout.trusted, key.as_file().encode())
        _switch(name, layout, wishes, say)
        layout.tidy()
    say(f"{name} is in use: {layout.current / 'bin/glint'}")
    return name


def roll_back(layout: Layout, unit_folder: Path | None, say: Callable[[str], None]) -> str:
    """Uses the version before again, and returns its name. Raises Refusal when there is none, or it does not start."""
    before = layout.before()
    if before is None:
        raise Refusal(f"{layout.root} holds no version to go back to.")
    key = layout.key()
    wrong = problems(layout, before, key, lambda *_: None) if key is not None else []
    if wrong:
        raise Refusal(f"{layout.root} stays as it is, because {before} is damaged: {wrong[0]}")
    with _explained(layout.root, layout), layout.locked():
        layout.use(before)
        _serve(layout, before, unit_folder, say)
    say(f"{before} is in use again")
    return before


def _trusted(layout: Layout, given: PublicKey | None) -> PublicKey | None:
    there = layout.key()
    if there is not None and given is not None and given != there:
        raise Refusal(
            f"{layout.root} trusts the key {there}, not {given}: to trust another, remove {layout.trusted} first."
        )
    return there or given


def _name(archive: Archive, layout: Layout) -> str:
    """The folder for it: the one in use if that holds the same and is sound, and never that of a damaged one."""
    active, name = layout.active(), archive.identity
    if active is None or active.removesuffix(AGAIN) != name:
        return name
    key = layout.key()
    if key is not None and not problems(layout, active, key, lambda *_: None):
        return active
    return name if active.endswith(AGAIN) else name + AGAIN


def _put(
    archive: Archive, name: str, layout: Layout, wishes: Wishes, say: Callable[[str], None], progress: Progress
) -> None:
    """Unpacks and tries a version, and moves it to its place; nothing is left when that fails."""
    try:
        check_space(archive.path, archive.manifest, layout)
        archive.unpack(layout.unpacking, progress)
        _unpack_wheels(archive, layout.unpacking)
        say("unpacked; the self-test asks a question about a picture")
        result = self_test(layout.unpacking, wishes.python, wishes.self_test_s)
        disk.write(layout.unpacking / RESULT, [json.dumps(result, indent=1).encode()])
        say(f"the self-test heard {result['turn'].get('transcript')!r} and said {result['turn'].get('answer')!r}")
        disk.remove(layout.folder(name))  # there, it can only be the one before, which this one replaces
        disk.move(layout.unpacking, layout.folder(name))
    except BaseException:
        with contextlib.suppress(OSError):
            disk.remove(layout.unpacking)
        raise


def _unpack_wheels(archive: Archive, version: Path) -> None:
    left = dict(archive.manifest.site)
    for wheel in filter(is_wheel, archive.manifest.files):
        for path, pieces in contents(version / wheel):
            expected = left.pop(path, None)
            if expected is None:
                raise Refusal(f"{archive.path}: {wheel} holds {path}, which the manifest does not list.")
            size, sha256 = disk.write(version / SITE / path, pieces)
            if Entry(size, sha256) != expected:
                raise Refusal(f"{archive.path}: {path} in {wheel} is not as the manifest says.")
        disk.remove(version / wheel)
    if left:
        raise Refusal(f"{archive.path}: {min(left)} is in none of its wheels.")
    disk.remove(version / "wheels")


def _switch(identity: str, layout: Layout, wishes: Wishes, say: Callable[[str], None]) -> None:
    """Uses the version; goes back to the one before where the service does not start with it."""
    old = layout.active()
    layout.use(identity)
    try:
        _serve(layout, identity, wishes.unit_folder, say)
    except (Refusal, OSError) as error:
        if old is None or old == identity:
            raise
        layout.use(old)
        _serve(layout, old, wishes.unit_folder, say)
        raise Refusal(f"{identity} did not start as a service, so {old} is in use again: {error}") from None


def _serve(layout: Layout, identity: str, folder: Path | None, say: Callable[[str], None]) -> None:
    if folder is None:
        return
    unit.write_unit(layout.folder(identity), layout.root, folder)
    if unit.is_running():
        unit.start()
        say(f"the service {unit.NAME} runs")


@contextlib.contextmanager
def _explained(path: Path, layout: Layout) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or layout.root
        if error.errno in _NO_SPACE:
            raise Refusal(f"{path} was not installed: the disk is full at {where}; nothing was changed.") from None
        raise Refusal(f"{path} was not installed: {where} cannot be written ({error.strerror}).") from None

"""Changing the disk so that a power cut at any moment leaves either the old state or the new one.

What is written becomes part of an installation by one rename of a folder or a link, after everything before it is on
the disk itself. Everything goes through the module `os`, so that a test can cut the power at each call.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path


def write(path: Path, chunks: Iterable[bytes], runs: bool = False) -> tuple[int, str]:
    """Writes a new file and its folders. Returns its size and sha256. Raises OSError."""
    make_folder(path.parent)
    digest, size = hashlib.sha256(), 0
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o755 if runs else 0o644)
    try:
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(handle, rest) :]
        os.fchmod(handle, 0o755 if runs else 0o644)  # whatever the umask
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        os.close(handle)
    return size, digest.hexdigest()


def replace_file(path: Path, content: bytes) -> None:
    """Puts a small file in the place of another, or where there was none, in one step. Raises OSError."""
    fresh = path.with_name(f".{path.name}.new")
    remove(fresh)
    write(fresh, [content])
    flush(fresh)
    os.replace(fresh, path)
    flush(path.parent)


def point(link: Path, target: str) -> None:
    """Makes the symbolic link point somewhere else, in one step. Raises OSError."""
    fresh = link.with_name(f".{link.name}.new")
    remove(fresh)
    os.symlink(target, fresh)
    os.replace(fresh, link)
    flush(link.parent)


def move(folder: Path, to: Path) -> None:
    """Moves a whole folder into its place in one step, once all that is in it is on the disk. Raises OSError."""
    make_folder(to.parent)
    os.sync()
    os.replace(folder, to)
    flush(to.parent)
    flush(folder.parent)


def make_folder(folder: Path) -> None:
    """With all folders above it, for everybody to read. Raises OSError."""
    if not folder.is_dir():
        make_folder(folder.parent)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o755)


def remove(path: Path) -> None:
    """A file, link or folder with all that is in it; nothing, where there is none. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def flush(path: Path) -> None:
    """Waits until a file's content, or a folder's list, is on the disk. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

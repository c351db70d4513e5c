"""A file that is mapped into memory and let go of."""

import hashlib
import mmap
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from models import fetch
from models.mapped_file import MappedFile
from models.piper import Piper

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells where a file is mapped")


def resident_mb(name):
    """Of all mappings of files of that name."""
    found = re.findall(rf"/{re.escape(name)}\n(?:\w+:.*\n)*?Rss:\s+(\d+) kB", Path("/proc/self/smaps").read_text())
    return sum(map(int, found)) / 1e3


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mapped.weights"
    with path.open("wb") as written:
        written.write(np.arange(1 << 20, dtype=np.float32).tobytes())
        written.flush()
        os.fsync(written.fileno())  # what is not on the disk yet counts as changed
    return path


def test_pages_are_let_go_and_come_back(file):
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ) as pages:
        digest = hashlib.sha256(pages).digest()
        assert resident_mb(file.name) > 4
        mapped = MappedFile(file)
        mapped.let_go()
        assert resident_mb(file.name) < 0.1
        assert hashlib.sha256(pages).digest() == digest
        mapped.let_go()
        assert resident_mb(file.name) < 0.1


def test_what_was_written_is_not_lost(file):
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0, mmap.MAP_PRIVATE) as pages:
        pages[:4] = b"kept"
        MappedFile(file).let_go()
        assert pages[:4] == b"kept"


def test_a_file_that_nobody_has_mapped(file):
    MappedFile(file).let_go()


def test_a_voice_takes_its_weights_only_while_it_needs_them():
    voice = Piper(fetch.ensure("piper-joe-medium"))
    words = voice.speak("The quick brown fox jumps over the lazy dog.")
    assert len(next(words)) > 0
    assert resident_mb("prior.weights") + resident_mb("flow.weights") < 5
    assert sum(map(len, words)) > 0.5 * voice.rate

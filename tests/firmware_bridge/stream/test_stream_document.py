"""docs/wire.md, from which a stranger writes firmware, says what the code does."""

import dataclasses
import re
import shutil
import struct
import subprocess
import zlib

import pytest
from stream_peer import ROOT, SOURCES

from firmware_bridge.stream import framing
from firmware_bridge.stream.framing import Encoder
from firmware_bridge.stream.messages import PCM, Control, Hello, Message

DOCUMENT = (ROOT / "docs/wire.md").read_text()
TYPES = {"u8": "B", "u16": "H", "u32": "I", "i16": "h", "4 bytes": "4s", "pad": "x"}
SECTIONS = re.findall(r"^### 0x(..) ([A-Z_]+) \((host|glasses)\)\n(.*?)(?=^#|\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("kind", Message.__subclasses__(), ids=lambda kind: kind.__name__)
def test_every_table_is_the_layout_of_its_message(kind):
    (section,) = [section for section in SECTIONS if int(section[0], 16) == kind.kind]
    assert section[2] == ("host" if kind.kind < 0x80 else "glasses")
    rows = re.findall(r"^\| (\d+) \| ([a-z0-9 ]+?) \| ?(\w*) ?\|", section[3], re.MULTILINE)
    at, layout, names = 0, "<", []
    for offset, type_, name in rows:
        assert int(offset) == at
        if type_ != "rest":
            layout += TYPES[type_]
            at = struct.calcsize(layout)
        if type_ != "pad":
            names.append(name)
    assert layout == kind.layout.format
    assert names == [field.name for field in dataclasses.fields(kind)]


def test_nothing_is_described_that_there_is_not():
    assert sorted(int(section[0], 16) for section in SECTIONS) == sorted(kind.kind for kind in Message.__subclasses__())
    numbers = dict(re.findall(r"GLINT_([A-Z_]+) = (0x..)", (SOURCES / "glint_wire.h").read_text()))
    assert {section[1]: int(section[0], 16) for section in SECTIONS} == {
        name: int(number, 16) for name, number in numbers.items()
    }


def test_the_bytes_of_the_example():
    encoder = Encoder()
    hello, control = Hello(session=0x12345678), Control(token=1, microphone=PCM, light=1)
    for message in (hello, control):
        assert "    " + encoder.frame(message.kind, message.packed()).hex(" ") + "\n" in DOCUMENT


def test_the_numbers_of_the_frame():
    assert f"0x{zlib.crc32(b'123456789'):08X}" in DOCUMENT
    assert f"at most {framing.LONGEST:,} bytes without its 0" in " ".join(DOCUMENT.split())
    assert f"at most {framing.PAYLOAD:,} |" in DOCUMENT


def test_the_makefile_makes_what_the_document_says(tmp_path):
    if shutil.which("make") is None or shutil.which("cc") is None:
        pytest.fail("There is no make or no C compiler; run: sudo apt-get install make gcc libc6-dev", pytrace=False)
    made = subprocess.run(["make", "-C", SOURCES, f"BUILD={tmp_path}", "sizes"], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    code, state = (
        int(re.search(rf"(\d[\d,]*) bytes {of}", DOCUMENT)[1].replace(",", "")) for of in ("of code", "for all")
    )
    assert abs(int(re.search(r"^\s*(\d+)\s.*TOTALS", made.stdout, re.MULTILINE)[1]) - code) < code / 4
    assert abs(int(re.search(r"^state (\d+)", made.stdout, re.MULTILINE)[1]) - state) < 64

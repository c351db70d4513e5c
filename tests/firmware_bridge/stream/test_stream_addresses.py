import sys

import pytest

from firmware_bridge.stream import open_stream
from firmware_bridge.stream.line import Serial, Tcp, parsed
from models.errors import GlintError


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("tcp://127.0.0.1:7000", Tcp("127.0.0.1", 7000)),
        ("tcp://glasses.local:7000/", Tcp("glasses.local", 7000)),
        ("tcp://[::1]:7000", Tcp("::1", 7000)),
        ("serial:///dev/ttyACM0", Serial("/dev/ttyACM0", 921_600)),
        ("serial:///dev/ttyACM0?baud=115200", Serial("/dev/ttyACM0", 115_200)),
        ("serial://COM3?baud=460800", Serial("COM3", 460_800)),
    ],
)
def test_addresses(address, found):
    assert parsed(address) == found
    assert found.slow == (getattr(found, "baud", 921_600) < 500_000)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "halo",
        "http://127.0.0.1:7000",
        "tcp://",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:0",
        "tcp://127.0.0.1:99999",
        "tcp://127.0.0.1:port",
        "tcp://:7000",
        "tcp://[::1:7000",
        "tcp://127.0.0.1:7000/path",
        "tcp://127.0.0.1:7000?baud=9600",
        "serial://",
        "serial:///dev/ttyACM0?baud=fast",
        "serial:///dev/ttyACM0?baud=1",
        "serial:///dev/ttyACM0?baud=999999999",
        "serial:///dev/ttyACM0?speed=9600",
        "serial:///dev/ttyACM0?baud=9600&baud=9600",
    ],
)
def test_what_is_no_address_is_told_in_one_sentence(address):
    with pytest.raises(GlintError) as caught:
        open_stream(address)
    said = str(caught.value)
    assert said.startswith(address)
    assert said.endswith(".")
    assert "\n" not in said


@pytest.mark.parametrize(("package", "address"), [("serial", "serial:///dev/null"), ("cobs", None)])
def test_a_package_that_is_missing_is_named(package, address, monkeypatch, peers):
    monkeypatch.setitem(sys.modules, package, None)
    glasses = open_stream(address or peers("--tcp", "0").address)
    with pytest.raises(GlintError, match=r"run: pip install 'glint\[stream\]'\.$"):
        glasses.link.wait(2.0)
    glasses.close()

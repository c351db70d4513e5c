import ctypes

import numpy as np
import pytest
from stream_peer import HERE, PROGRAM, Peer, compiled, wait_until

from device.glasses import Unplugged
from firmware_bridge.stream import open_stream
from models.audio import Sound, write_wav


@pytest.fixture(scope="session")
def peer_program(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("peer") / "peer", PROGRAM, "-O1")


@pytest.fixture(scope="session")
def core(tmp_path_factory):
    """The C core, to be called."""
    library = compiled(tmp_path_factory.mktemp("core") / "core.so", [HERE / "wire_for_tests.c"], "-shared", "-fPIC")
    loaded = ctypes.CDLL(str(library))
    loaded.encode.restype = loaded.decode.restype = ctypes.c_size_t
    return loaded


@pytest.fixture(scope="session")
def spoken():
    """int16 [n] at 16 kHz: 2 s of something that is nowhere the same."""
    rng = np.random.default_rng(7)
    tone = 9000 * np.sin(2 * np.pi * np.cumsum(np.linspace(100, 3000, 32_000)) / 16_000)
    return (tone + rng.normal(0, 500, 32_000)).astype(np.int16)


@pytest.fixture
def files(tmp_path, spoken, demo_photo):
    """Options of a peer that has everything."""
    write_wav(tmp_path / "heard.wav", Sound(spoken, 16_000))
    return [
        *("--microphone", tmp_path / "heard.wav", "--photo", demo_photo),
        *("--speaker", tmp_path / "said.wav", "--display", tmp_path / "shown.ppm"),
    ]


@pytest.fixture
def peers(peer_program):
    """Starts peers, which are stopped in the end."""
    started = []

    def start(*options):
        started.append(Peer(peer_program, *options))
        return started[-1]

    yield start
    for peer in started:
        assert peer.stop() == ""


@pytest.fixture
def wear():
    """Opens glasses, which are closed in the end, and waits until they are there."""
    worn = []

    def put_on(address):
        worn.append(open_stream(address))
        wait_until(lambda: _there(worn[-1]))
        return worn[-1]

    yield put_on
    for glasses in worn:
        glasses.close()


def _there(glasses):
    try:
        glasses.link.check()
    except Unplugged:
        return False
    return glasses.link.sessions > 0

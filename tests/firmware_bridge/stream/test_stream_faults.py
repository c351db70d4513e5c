"""What breaks on the way: bytes, the line, and the glasses themselves."""

import re
import socket
import threading
import time

import numpy as np
import pytest
from stream_peer import BadLine, Peer, noise, wait_until
from unplugged import wait_until_unplugged, works

from device.cards.card import text_card
from device.glasses import CHUNK, Light, Unplugged
from firmware_bridge.stream import link, open_stream
from firmware_bridge.stream.framing import Encoder
from firmware_bridge.stream.messages import Abilities
from models.errors import GlintError

pytestmark = pytest.mark.real_time


@pytest.fixture
def bad_lines():
    """Starts lines, which are closed in the end."""
    started = []

    def start(*options):
        started.append(BadLine(*options))
        return started[-1]

    yield start
    for line in started:
        line.close()


def listen(glasses):
    return glasses.microphone.read(0.5)


@pytest.mark.parametrize("seed", range(3))
def test_on_a_line_that_damages_one_byte_in_5000_nothing_but_sound_is_lost(
    seed, files, peers, wear, bad_lines, demo_photo, tmp_path
):
    peer = peers("--tcp", "0", *files)
    line = bad_lines(peer.address, noise(seed, 1 / 5000))
    glasses = wear(line.address)
    rng = np.random.default_rng(seed)
    wait_until(lambda: glasses.rest.status)
    heard = 0
    for number in range(8):
        glasses.show([text_card("Glint", f"Number {number}: " + "abcdefgh"[number] * 40)])
        glasses.light((Light.GREEN, Light.BLUE)[number % 2])
        glasses.speaker.play(rng.normal(0, 0.1, 4000).astype(np.float32), 16_000)
        peer.command("")
        pressed, began = 0, time.monotonic()
        while time.monotonic() < began + 0.4 or not pressed:
            assert time.monotonic() < began + 2
            heard += listen(glasses) is not None
            glasses.camera.latest()
            pressed += glasses.button.pressed()
        assert pressed == 1
    assert heard > 3.0 * 16_000 / CHUNK
    wait_until(lambda: peer.said.count("light blue") == peer.said.count("light green") == 4)
    wait_until(lambda: glasses.speaker.pending_s() == 0)
    wait_until(lambda: np.array_equal(glasses.view._known, glasses.view._wanted))
    assert glasses.eye.photos >= 3
    assert glasses.eye.jpeg == demo_photo.read_bytes()
    assert glasses.eye.broken == 0
    assert glasses.link.counts.damaged + glasses.rest.status.damaged > 5
    assert glasses.link.sessions == 1


def test_lost_sound_is_silence_and_the_rest_stays_in_time(files, peers, wear, bad_lines, spoken):
    damage = noise(4, 1 / 4000)
    line = bad_lines(peers("--tcp", "0", *files).address, lambda data, way: data if way == "to" else damage(data, way))
    glasses = wear(line.address)
    chunks = []
    while len(chunks) * CHUNK < len(spoken):
        chunks += [chunk] if (chunk := listen(glasses)) is not None else []
    heard = np.round(np.concatenate(chunks)[: len(spoken)] * 32768).astype(np.int16)
    lost = glasses.ear.lost
    begin = next(at for at in range(0, 16_000, 480) if heard[at : at + 480].any())
    offset = int(np.flatnonzero(spoken == heard[begin])[0]) - begin if begin else 0
    same = heard[: len(spoken) - offset] == spoken[offset:]
    assert lost > 480
    assert lost - 2 * 480 <= np.count_nonzero(~same) <= lost
    assert not heard[: len(spoken) - offset][~same].any()


def test_a_terrible_line_hangs_nobody(files, peers, bad_lines):
    peer = peers("--tcp", "0", *files)
    line = bad_lines(peer.address, noise(9, 1 / 60))
    glasses = open_stream(line.address)
    ends, slowest = time.monotonic() + 4, 0.0
    while time.monotonic() < ends:
        began = time.monotonic()
        for use in (lambda: glasses.microphone.read(0.05), glasses.camera.latest, glasses.button.pressed):
            works(use)
        glasses.speaker.stop()
        slowest = max(slowest, time.monotonic() - began)
    glasses.close()
    assert slowest < 1.0
    assert glasses.link.counts.damaged > 5


def test_a_cut_connection_is_told_everything_goes_off_and_comes_back(files, peers, wear, tmp_path):
    peer = peers("--tcp", "0", *files)
    glasses = wear(peer.address)
    glasses.light(Light.GREEN)
    glasses.show([text_card("Glint", "Hello.")])
    glasses.speaker.play(np.zeros(80_000, np.float32), 16_000)
    wait_until(lambda: works(lambda: listen(glasses)) and "light green" in peer.said and glasses.view.updates)
    (shown,) = [text for text in peer.said if text.startswith("display")]
    peer.command("cut")
    message = wait_until_unplugged(glasses.camera.latest)
    assert message.endswith("waiting for them.")
    assert glasses.speaker.pending_s() == 0
    wait_until(lambda: {"microphone off", "light off", "silenced", "display cleared"} <= set(peer.said))
    peer.said.clear()
    wait_until(lambda: works(lambda: listen(glasses)))
    wait_until(lambda: works(glasses.camera.latest))
    wait_until(lambda: {"microphone on", "light green", shown} <= set(peer.said))
    assert glasses.link.sessions == 2


@pytest.mark.parametrize("kind", ["tcp", "pty"])
def test_glasses_that_fall_silent_switch_off_by_themselves(kind, files, peers, wear):
    peer = peers(*(("--pty",) if kind == "pty" else ("--tcp", "0")), *files)
    glasses = wear(peer.address)
    wait_until(lambda: works(lambda: listen(glasses)))
    peer.command("mute")
    began = time.monotonic()
    message = wait_until_unplugged(lambda: [glasses.link.check(), time.sleep(0.05)])
    assert "fallen silent" in message or "gone" in message
    wait_until(lambda: peer.said[-1] == "microphone off", link.SILENT_S + 1.5)
    assert time.monotonic() - began < link.SILENT_S + 1.5
    peer.command("unmute")
    wait_until(lambda: works(lambda: listen(glasses)), 15)
    assert peer.said[-1] == "microphone on"


@pytest.mark.parametrize("kind", ["tcp", "pty"])
def test_glasses_that_restart_are_told_everything_again(kind, files, peers, wear):
    peer = peers(*(("--pty",) if kind == "pty" else ("--tcp", "0")), *files)
    glasses = wear(peer.address)
    glasses.show([text_card("Glint", "Hello.")])
    glasses.light(Light.BLUE)
    wait_until(lambda: works(lambda: listen(glasses)) and glasses.view.updates)
    (shown,) = [text for text in peer.said if text.startswith("display")]
    wait_until(lambda: {"light blue", "microphone on"} <= set(peer.said))
    peer.said.clear()
    peer.command("reset")
    wait_until(lambda: {"light blue", shown, "microphone on"} <= set(peer.said))
    wait_until(lambda: works(lambda: listen(glasses)))
    assert glasses.link.sessions == 2


def test_glasses_that_come_later_are_found(files, peer_program, peers, wear):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    glasses = open_stream(f"tcp://127.0.0.1:{port}")
    try:
        message = wait_until_unplugged(glasses.camera.latest)
        assert (
            message == f"The glasses at tcp://127.0.0.1:{port} cannot be reached (Connection refused); switch them on."
        )
        with pytest.raises(Unplugged):
            glasses.speaker.play(np.zeros(9, np.float32), 16_000)
        peer = Peer(peer_program, "--tcp", str(port), *files)
        wait_until(lambda: works(glasses.camera.latest), 12)
        assert peer.stop() == ""
        wait_until_unplugged(glasses.camera.latest)
    finally:
        glasses.close()
    with pytest.raises(GlintError, match=r"^The glasses have been closed; open them again\.$"):
        glasses.camera.latest()


def test_a_serial_line_that_is_pulled_out(files, peer_program):
    peer = Peer(peer_program, "--pty", *files)
    glasses = open_stream(peer.address)
    wait_until(lambda: works(lambda: listen(glasses)))
    assert peer.stop() == ""
    message = wait_until_unplugged(lambda: [glasses.link.check(), time.sleep(0.05)])
    assert message.startswith("The serial line /dev/pts/")
    glasses.close()


def served(*answers):
    """The address of something else that listens: it sends these bytes to whoever connects, and nothing more."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        kept = []
        while True:
            connection, _ = listening.accept()
            kept.append(connection)
            connection.sendall(b"".join(answers))

    threading.Thread(target=serve, daemon=True).start()
    return f"tcp://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ((), r"^Nothing at tcp://\S+ answers as glasses do; switch them on or check the address\.$"),
        ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), r"^Nothing at tcp://\S+ answers as glasses do"),
        (
            (Encoder().frame(0x81, Abilities(session=1, version=9).packed()),),
            r"^The glasses at tcp://\S+ speak version 9 of the wire format, Glint version 1; update the assistant\.$",
        ),
    ],
)
def test_whoever_else_answers_is_told(answers, said, monkeypatch):
    monkeypatch.setattr(link, "ANSWER_S", 1.0)
    glasses = open_stream(served(*answers))
    assert re.search(said, wait_until_unplugged(glasses.camera.latest))
    glasses.close()


def test_back_off_grows_and_closing_does_not_wait_for_it(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    glasses, tries = open_stream(f"tcp://127.0.0.1:{port}"), []
    opened = type(glasses.link._address).open

    def counted(address):
        tries.append(time.monotonic())
        return opened(address)

    monkeypatch.setattr(type(glasses.link._address), "open", counted)
    wait_until_unplugged(glasses.camera.latest)
    wait_until(lambda: len(tries) == 4)
    gaps = np.diff(tries)
    assert np.allclose(gaps, [0.5, 1.0, 2.0], atol=0.4)
    began = time.monotonic()
    glasses.close()
    glasses.close()
    assert time.monotonic() - began < 0.5

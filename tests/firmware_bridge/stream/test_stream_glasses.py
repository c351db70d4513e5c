"""The glasses over a socket and over a pseudo-terminal, with the C peer at the other end."""

import io
import time
from itertools import pairwise

import cv2
import numpy as np
import pytest
from PIL import Image
from stream_peer import PROGRAM, Peer, compiled, wait_until

from device.cards.card import text_card
from device.cards.display import screen
from device.glasses import CHUNK, Condition, Light, Unplugged
from firmware_bridge.stream.view import _coded, lines
from models.audio import Sound, read_sound, write_wav

pytestmark = pytest.mark.real_time
LINES = {"tcp": ("--tcp", "0"), "pty": ("--pty",)}


@pytest.fixture(params=["tcp", "pty"])
def line(request):
    return LINES[request.param]


def listened(glasses, count):
    """int16 [n], at least `count`."""
    chunks = []
    while len(chunks) * CHUNK < count:
        chunk = glasses.microphone.read(2.0)
        assert chunk is not None, "nothing was heard for two seconds"
        chunks.append(chunk)
    return np.round(np.concatenate(chunks) * 32768).astype(np.int16)


def played(path, count):
    """int16 [n] of a WAV that grows, once it has so many."""
    wait_until(lambda: path.exists() and path.stat().st_size >= 44 + 2 * count)
    return np.frombuffer(path.read_bytes()[44:], "<i2")


def test_what_is_heard_seen_said_and_shown_is_the_same_to_the_bit(
    line, files, peers, wear, spoken, demo_photo, tmp_path
):
    peer = peers(*line, *files)
    glasses = wear(peer.address)
    said = (np.random.default_rng(3).normal(0, 0.2, 24_000).clip(-1, 1) * 32767).astype(np.int16)
    cards = [text_card("Glint", "A pineapple beside a bottle.")]
    glasses.show(cards)
    glasses.speaker.play(said / np.float32(32767), 16_000)
    assert 1.3 < glasses.speaker.pending_s() < 1.7
    heard = listened(glasses, len(spoken))
    assert np.array_equal(heard[: len(spoken)], spoken)
    assert not heard[len(spoken) :].any()
    wait_until(glasses.camera.latest)
    frame = glasses.camera.latest()
    assert glasses.eye.jpeg == demo_photo.read_bytes()
    assert np.array_equal(frame.pixels, cv2.imread(str(demo_photo))[..., ::-1])
    assert time.monotonic() - frame.at < 3
    assert np.array_equal(played(tmp_path / "said.wav", len(said))[: len(said)], said)
    wait_until(lambda: glasses.speaker.pending_s() == 0)
    wait_until((tmp_path / "shown.ppm").exists)
    shown = np.asarray(Image.open(io.BytesIO((tmp_path / "shown.ppm").read_bytes())))
    assert np.array_equal(_coded(shown, 4), _coded(screen(cards), 4))
    counts = glasses.link.counts
    assert (counts.damaged, counts.lost, counts.late, glasses.ear.lost, glasses.mouth.lost) == (0, 0, 0, 0, 0)


def test_button_light_battery_and_the_microphone_that_is_on_only_while_somebody_listens(line, files, peers, wear):
    peer = peers(*line, *files)
    glasses = wear(peer.address)
    assert not glasses.button.pressed()
    wait_until(lambda: glasses.rest.status)
    assert glasses.condition() == Condition()
    peer.command("")
    wait_until(glasses.button.pressed)
    assert not glasses.button.pressed()
    peer.command("battery 14 41.5")
    wait_until(lambda: glasses.condition() == Condition(0.14, 41.5))
    for light in (Light.GREEN, Light.YELLOW, Light.BLUE, Light.OFF):
        glasses.light(light)
        wait_until(lambda: peer.said[-1:] == [f"light {light.value}"])  # noqa: B023  waited for at once
    assert "microphone on" not in peer.said
    assert glasses.microphone.read(2.0) is not None
    assert peer.said[-1] == "microphone on"
    assert 0 <= glasses.microphone.late_s() < 0.5
    wait_until(lambda: peer.said[-1] == "microphone off")
    assert glasses.microphone.read(2.0) is not None
    glasses.close()
    wait_until(lambda: peer.said[-1] == "microphone off", 1.0)
    peer.command("error The camera is too hot.")


def test_what_the_glasses_say_is_wrong_is_kept(files, peers, wear):
    peer = peers(*LINES["tcp"], *files)
    glasses = wear(peer.address)
    peer.command("error The camera is too hot.")
    wait_until(lambda: glasses.link.troubles == ["The camera is too hot."])


def test_only_what_has_changed_of_a_picture_is_sent(files, peers, wear):
    peer = peers(*LINES["tcp"], *files)
    glasses = wear(peer.address)
    glasses.show([text_card("You", "What is"), text_card("Glint", "A pineapple.")])
    wait_until(lambda: glasses.view.updates == 1)
    glasses.show([text_card("You", "What is this?"), text_card("Glint", "A pineapple.")])
    wait_until(lambda: glasses.view.updates == 2)
    glasses.show([text_card("You", "What is this?"), text_card("Glint", "A pineapple.")])
    wait_until(lambda: len([text for text in peer.said if text.startswith("display")]) == 2)
    first, second = (int(text.split()[1]) for text in peer.said if text.startswith("display"))
    assert first <= 200 * 256 * 2
    assert second <= 40 * 256 * 2
    assert glasses.view.updates == 2


@pytest.mark.parametrize(("name", "number"), [("mono", 2), ("grey4", 3)])
def test_other_displays(name, number, files, peers, wear, tmp_path):
    glasses = wear(peers(*LINES["tcp"], *files, "--format", name, "--size", "129x64").address)
    cards = [text_card("Glint", "Seven.")]
    glasses.show(cards)
    wait_until((tmp_path / "shown.ppm").exists)
    shown = np.asarray(Image.open(io.BytesIO((tmp_path / "shown.ppm").read_bytes())))
    small = cv2.resize(screen(cards), (64, 64), interpolation=cv2.INTER_AREA)
    assert shown.shape == (64, 129, 3)
    assert not shown[:, :32].any()
    assert not shown[:, 97:].any()
    assert np.array_equal(_coded(np.ascontiguousarray(shown[:, 32:96]), number), _coded(small, number))


def test_a_display_of_lines(files, peers, wear, tmp_path):
    glasses = wear(peers(*LINES["tcp"], *files, "--format", "lines", "--size", "20x3").address)
    cards = [text_card("You", "What is this?"), text_card("Glint", "A pineapple beside a bottle of beer.")]
    glasses.show(cards)
    wait_until((tmp_path / "shown.ppm").exists)
    assert (tmp_path / "shown.ppm").read_text() == "Glint: A pineapple\nbeside a bottle of\nbeer."
    assert lines(cards, 20, 5) == "You: What is this?\nGlint: A pineapple\nbeside a bottle of\nbeer."
    assert lines([], 20, 4) == ""
    glasses.show([])
    wait_until(lambda: (tmp_path / "shown.ppm").read_text() == "\0")


@pytest.mark.parametrize("rate", [8000, 22_050, 48_000])
def test_a_speaker_of_another_rate(rate, files, peers, wear, tmp_path):
    glasses = wear(peers(*LINES["tcp"], *files, "--rate", str(rate)).address)
    tone = np.sin(2 * np.pi * 440 * np.arange(22_050) / 22_050).astype(np.float32) * 0.5
    for at in range(0, len(tone), 4000):
        glasses.speaker.play(tone[at : at + 4000], 22_050)
    samples = played(tmp_path / "said.wav", rate - rate // 50)
    assert read_sound(tmp_path / "said.wav").rate == rate
    frequencies = np.abs(np.fft.rfft(samples[rate // 10 : rate // 10 + rate // 2].astype(float)))
    assert abs(2 * np.argmax(frequencies) - 440) <= 2


def test_a_slow_line_carries_four_bits_a_sample(files, peers, wear, spoken, tmp_path):
    peer = peers("--pty", *files)
    glasses = wear(peer.address + "?baud=115200")
    said = np.sin(2 * np.pi * 440 * np.arange(8000) / 16_000).astype(np.float32) * 0.5
    glasses.speaker.play(said, 16_000)
    heard = listened(glasses, len(spoken))[: len(spoken)].astype(float)
    assert not np.array_equal(heard, spoken)
    assert np.mean((heard - spoken) ** 2) < np.mean(spoken.astype(float) ** 2) / 100
    samples = played(tmp_path / "said.wav", 8000)[:8000].astype(float)
    assert np.mean((samples[400:] - 32767 * said[400:]) ** 2) < 300**2


def test_a_microphone_of_another_rate(peers, wear, tmp_path):
    tone = np.sin(2 * np.pi * 440 * np.arange(2 * 48_000) / 48_000) * 0.5
    write_wav(tmp_path / "heard.wav", Sound(tone.astype(np.float32), 48_000))
    glasses = wear(peers("--tcp", "0", "--microphone", tmp_path / "heard.wav").address)
    frequencies = np.abs(np.fft.rfft(listened(glasses, 16_000)[3000:11_000].astype(float)))
    assert abs(2 * np.argmax(frequencies) - 440) <= 2


def test_silence_at_once(files, peers, wear, tmp_path):
    peer = peers(*LINES["tcp"], *files)
    glasses = wear(peer.address)
    length = 0
    for _ in range(2):
        glasses.speaker.play(np.full(48_000, 0.5, np.float32), 16_000)
        played(tmp_path / "said.wav", length + 1600)
        glasses.speaker.stop()
        assert glasses.speaker.pending_s() == 0
        asked = time.monotonic()
        wait_until(lambda: "silenced" in peer.said)
        assert time.monotonic() - asked < 0.2
        peer.said.clear()
        length = len(played(tmp_path / "said.wav", 0))
        time.sleep(0.3)
        assert len(played(tmp_path / "said.wav", 0)) == length
        assert length < 40_000
    glasses.speaker.play(np.full(1600, 0.25, np.float32), 16_000)
    assert np.all(played(tmp_path / "said.wav", length + 1600)[length : length + 1600] == 8191)


def test_what_has_left_the_speaker_is_known(files, peers, wear):
    glasses = wear(peers(*LINES["tcp"], *files).address)
    sound = np.random.default_rng(5).normal(0, 0.1, 8000).astype(np.float32)
    glasses.speaker.play(sound, 16_000)
    wait_until(lambda: glasses.speaker.pending_s() == 0)
    time.sleep(0.2)
    heard = glasses.speaker.played(16_000)
    at = int(np.flatnonzero(heard)[0])
    assert np.allclose(heard[at : at + 8000], sound, atol=1e-4)
    wait_until(lambda: not glasses.speaker.played(16_000).any())


def test_glasses_with_very_little_memory(files, peers, wear, spoken, demo_photo, tmp_path, tmp_path_factory):
    program = compiled(tmp_path_factory.mktemp("small") / "peer", PROGRAM, "-DGLINT_PAYLOAD=64")
    peer = Peer(program, *LINES["tcp"], *files, "--format", "mono", "--size", "64x64")
    glasses = wear(peer.address)
    glasses.show([text_card("Glint", "Seven.")])
    said = np.arange(-8000, 8000, dtype=np.int16)
    glasses.speaker.play(said / np.float32(32767), 16_000)
    assert np.array_equal(listened(glasses, len(spoken))[: len(spoken)], spoken)
    wait_until(glasses.camera.latest)
    assert glasses.eye.jpeg == demo_photo.read_bytes()
    wait_until(lambda: glasses.view.updates == 1)
    assert np.abs(played(tmp_path / "said.wav", len(said))[: len(said)] - said).max() <= 1
    assert peer.stop() == ""


def test_photos_one_after_the_other_and_no_more_than_needed(files, peers, wear):
    peer = peers(*LINES["tcp"], *files)
    glasses = wear(peer.address)
    began, times = time.monotonic(), set()
    while time.monotonic() - began < 2.0:
        frame = glasses.camera.latest()
        if frame is not None:
            times.add(frame.at)
        time.sleep(0.01)
    assert 6 <= len(times) <= 11
    assert min(after - before for before, after in pairwise(sorted(times))) > 0.1
    time.sleep(0.3)
    taken = len([text for text in peer.said if text.startswith("photo")])
    time.sleep(0.5)
    assert len([text for text in peer.said if text.startswith("photo")]) == taken


def test_a_broken_photo_is_let_go_and_the_next_one_is_seen(files, peers, wear, demo_photo, tmp_path):
    peer = peers(*LINES["tcp"], *files)
    glasses = wear(peer.address)
    wait_until(glasses.camera.latest)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 this is none" * 50)
    peer.command(f"photo {tmp_path / 'broken.jpg'}")
    wait_until(lambda: glasses.camera.latest() is not None and glasses.eye.broken > 1)
    peer.command(f"photo {demo_photo}")
    photos = glasses.eye.photos
    wait_until(lambda: glasses.camera.latest() is not None and glasses.eye.photos > photos)


def test_glasses_that_lack_something_say_so(peers, wear):
    glasses = wear(peers("--tcp", "0", "--formats", "0").address)
    for use in (
        lambda: glasses.microphone.read(0.1),
        glasses.camera.latest,
        lambda: glasses.speaker.play(np.zeros(9, np.float32), 16_000),
    ):
        with pytest.raises(Unplugged, match=r"^These glasses have no \w+; wear others"):
            use()

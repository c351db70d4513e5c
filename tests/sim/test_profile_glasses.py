"""What a device makes of a pair of glasses: smaller pictures, and a radio between them and the host."""

import time

import msgspec
import numpy as np
import pytest
import soundfile
from PIL import Image

from device.glasses import CHUNK, RATE, Condition, Ended, Frame, Unplugged
from device.live import Live
from device.open_glasses import open_glasses
from sim.benchmark.booth import Booth, room_echo, silence
from sim.profile import open_profile
from sim.profile.camera import DeviceCamera
from sim.profile.device import Calibration, Device
from sim.profile.memory import MemoryWatch
from sim.profile.radio import CHUNK_S, GONE
from sim.profile.slowdown import Slowdown

pytestmark = pytest.mark.real_time

PHOTO = np.random.default_rng(0).integers(0, 255, (960, 1280, 3), np.uint8)


def never():
    return False


def device(name="halo-host", **radio):
    profile = open_profile(name)
    if radio:
        profile = msgspec.structs.replace(profile, radio=msgspec.structs.replace(profile.radio, **radio))
    return Device(profile, Calibration((0,)), Slowdown(), MemoryWatch(None))


def counted(chunks):
    """Sound whose chunk n is n/1000 loud."""
    return np.repeat(np.arange(1, chunks + 1) / 1000, CHUNK).astype(np.float32)


def number(chunk):
    return round(float(chunk.mean()) * 1000)


class Eye:
    """A camera that shows what it is given, at the time it is told."""

    def __init__(self):
        self.frame = None

    def latest(self):
        return self.frame


def test_pictures_are_no_larger_and_no_more_often_than_the_device_takes_them():
    eye = Eye()
    camera = DeviceCamera(eye, open_profile("pi-zero-2-w").camera)
    assert camera.latest() is None
    eye.frame = Frame(PHOTO, 100.0)
    first = camera.latest()
    assert first.pixels.shape == (480, 640, 3)
    assert first.pixels.dtype == np.uint8
    assert first.at == 100.0
    eye.frame = Frame(PHOTO[::-1], 100.05)
    assert camera.latest() is first
    eye.frame = Frame(PHOTO[::-1], 100.1)
    second = camera.latest()
    assert second is not first
    assert second.at == 100.1
    eye.frame = Frame(PHOTO[:100, :100], 101.0)
    assert camera.latest().pixels.shape == (100, 100, 3)  # never made larger
    assert camera.pictures == 3


def test_a_picture_keeps_its_colours_through_jpeg():
    eye = Eye()
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 200
    eye.frame = Frame(red, 0.0)
    pixels = DeviceCamera(eye, open_profile("halo-host").camera).latest().pixels
    assert abs(pixels.reshape(-1, 3).mean(0) - [200, 0, 0]).max() < 6


def test_without_a_radio_only_the_pictures_are_the_devices():
    booth = Booth(lambda booth: [silence(1)], PHOTO, busy=never)
    worn = device("pi-5").glasses(booth)
    assert worn.microphone is worn.speaker is worn.button is booth
    assert worn.camera.latest().pixels.shape == (480, 640, 3)


@pytest.mark.parametrize("realtime", [True, False])
def test_a_recording_is_heard_whole_and_late_on_its_own_clock(tmp_path, realtime):
    soundfile.write(tmp_path / "said.wav", counted(20), RATE, subtype="FLOAT")
    Image.fromarray(PHOTO).save(tmp_path / "photo.png")
    files = open_glasses(
        str(tmp_path / "photo.png"), str(tmp_path / "said.wav"), str(tmp_path / "answer.wav"), realtime
    )
    halo = device(latency_s=0.08)
    worn = halo.glasses(files)
    assert halo.radio.delay_chunks == 3
    heard = [number(worn.microphone.read(1.0)) for _ in range(23)]
    with pytest.raises(Ended):
        worn.microphone.read(1.0)
    assert heard == [0, 0, 0, *range(1, 21)]
    assert halo.radio.now == pytest.approx(20 * CHUNK_S)
    assert halo.radio.up == 20 * 128
    worn.close()


def test_the_echo_canceller_is_given_what_left_the_speaker_while_a_chunk_was_heard():
    """The speaker of a booth plays on the microphone's clock; its echo comes back as the chunk that it belongs to."""
    echo = np.zeros(1, np.float32)
    echo[0] = 0.5
    halo = device(latency_s=0.08)
    booth = Booth(lambda booth: [silence(3)], PHOTO, echo, busy=never)
    worn = halo.glasses(booth)
    noise = np.random.default_rng(1).normal(0, 0.1, RATE).astype(np.float32)
    heard, played = [], []
    for step in range(60):
        if step == 5:
            worn.speaker.play(noise, RATE)
        heard.append(worn.microphone.read(1.0))
        played.append(worn.speaker.played(CHUNK, worn.microphone.late_s()))
    heard, played = np.concatenate(heard), np.concatenate(played)
    assert np.abs(played).max() > 0.1
    assert np.abs(heard - 0.5 * played).max() < 5e-3  # but for the booth's own noise


def test_a_live_microphone_says_how_late_it_is_and_its_speaker_knows_that_time():
    halo = device(latency_s=0.08)

    class Mouth:
        def played(self, count, late_s):
            asked.append((count, late_s))
            return np.arange(count, dtype=np.float32)

    class Ear:
        def read(self, timeout_s):
            return np.zeros(CHUNK, np.float32)

        def late_s(self):
            return 0.01

    class Pair:
        microphone, speaker, camera, button = Ear(), Mouth(), Eye(), None

    asked = []
    worn = halo.glasses(Pair())
    assert worn.microphone.late_s() == pytest.approx(0.01 + 3 * CHUNK_S)
    sound = worn.speaker.played(CHUNK, worn.microphone.late_s())
    assert asked == [(4 * CHUNK, pytest.approx(0.01))]
    assert list(sound) == list(range(CHUNK))


def test_what_is_said_leaves_the_speaker_late_and_so_does_silence():
    halo = device(latency_s=0.08)
    booth = Booth(lambda booth: [silence(9)], PHOTO, busy=never)
    worn = halo.glasses(booth)
    worn.microphone.read(1.0)
    worn.speaker.play(np.full(RATE, 0.5, np.float32), RATE)
    assert booth.plays == []
    assert worn.speaker.pending_s() == pytest.approx(1 + 3 * CHUNK_S)
    assert halo.radio.down == 4000
    worn.microphone.read(1.0)
    worn.microphone.read(1.0)
    assert booth.plays == []
    worn.microphone.read(1.0)
    assert len(booth.plays) == 1
    assert worn.speaker.pending_s() == pytest.approx(1)
    worn.speaker.stop()
    worn.microphone.read(1.0)
    assert booth.pending_s() > 0
    worn.microphone.read(1.0)
    worn.microphone.read(1.0)
    assert booth.pending_s() == worn.speaker.pending_s() == 0
    (stop,) = booth.stops
    assert stop.heard_s == pytest.approx(7 * CHUNK_S)


def test_what_was_sent_and_is_not_there_yet_can_be_called_back():
    halo = device(latency_s=0.08)
    booth = Booth(lambda booth: [silence(9)], PHOTO, busy=never)
    worn = halo.glasses(booth)
    worn.speaker.play(np.ones(RATE, np.float32), RATE)
    worn.speaker.stop()
    for _ in range(10):
        worn.microphone.read(1.0)
    assert booth.plays == []


def test_after_a_recording_is_over_nothing_waits_any_more():
    halo = device(latency_s=0.08)
    booth = Booth(lambda booth: [silence(0.064)], PHOTO, busy=never)
    worn = halo.glasses(booth)
    worn.speaker.play(np.ones(RATE, np.float32), RATE)
    for _ in range(2 + halo.radio.delay_chunks):
        worn.microphone.read(1.0)
    with pytest.raises(Ended):
        worn.microphone.read(1.0)
    assert len(booth.plays) == 1
    worn.speaker.play(np.ones(RATE, np.float32), RATE)
    assert len(booth.plays) == 2
    assert worn.camera.latest() is None  # asked for now
    assert worn.camera.latest() is not None


def test_pictures_come_one_at_a_time_and_as_late_as_their_size_makes_them():
    halo = device()
    booth = Booth(lambda booth: [silence(60)], PHOTO, busy=never)
    booth.camera = Eye()
    worn = halo.glasses(booth)
    came, before, asked = [], None, 0
    for step in range(400):
        worn.microphone.read(1.0)
        booth.camera.frame = Frame(PHOTO, halo.radio.now)
        frame = worn.camera.latest()
        if frame is not before:
            came.append(step)
            before = frame
            assert frame is None or frame.at == pytest.approx(halo.radio.now - (step - asked) * CHUNK_S)
            asked = step
    size = (halo.radio.up - 400 * 128) / (len(came) + 1)  # the last is on its way
    expected = halo.radio.picture_s(round(size)) / CHUNK_S
    assert expected > 20  # noise makes a large JPEG
    assert came[0] == pytest.approx(expected, abs=2)
    assert np.diff(came) == pytest.approx(expected, abs=2)


def test_a_picture_of_long_ago_is_not_taken_for_now():
    halo = device()
    booth = Booth(lambda booth: [silence(60)], PHOTO[:64, :64], busy=never)
    worn = halo.glasses(booth)
    for _ in range(10):
        worn.microphone.read(1.0)
        frame = worn.camera.latest()
    assert frame is not None
    for _ in range(40):
        worn.microphone.read(1.0)
    assert worn.camera.latest() is None


def test_while_the_radio_is_down_all_is_gone_and_then_it_is_back():
    halo = device()
    booth = Booth(lambda booth: [counted(200)], PHOTO[:64, :64], busy=never, press=False)
    worn = halo.glasses(booth)
    for _ in range(10):
        worn.microphone.read(1.0)
        worn.camera.latest()
    halo.radio.drop(10 * CHUNK_S)
    for _ in range(10):
        for use in (lambda: worn.camera.latest(), lambda: worn.speaker.play(np.ones(9, np.float32), RATE)):
            with pytest.raises(Unplugged, match=GONE):
                use()
        with pytest.raises(Unplugged, match=GONE):
            worn.microphone.read(1.0)
    heard = [number(worn.microphone.read(1.0)) for _ in range(4)]
    late = halo.radio.delay_chunks
    assert heard == [0] * late + list(range(21, 25 - late))
    worn.speaker.play(np.ones(9, np.float32), RATE)
    assert worn.camera.latest() is None
    halo.radio.drop(5.0)
    halo.radio.drop(0)
    worn.microphone.read(1.0)


def test_a_press_comes_late_and_not_at_all_while_the_radio_is_down():
    class Button:
        down = False

        def pressed(self):
            down, self.down = self.down, False
            return down

    halo = device(latency_s=0.05)
    booth = Booth(lambda booth: [silence(9)], PHOTO, busy=never)
    booth.button = Button()
    worn = halo.glasses(booth)
    booth.button.down = True
    seen = []
    for _ in range(5):
        seen.append(worn.button.pressed())
        worn.microphone.read(1.0)
    assert seen == [False, False, True, False, False]
    halo.radio.drop(1.0)
    booth.button.down = True
    assert not worn.button.pressed()
    halo.radio.drop(0)
    assert not any(worn.button.pressed() for _ in range(3))


def test_battery_and_heat_follow_what_is_used_and_can_be_set():
    halo = device()
    booth = Booth(lambda booth: [silence(60)], PHOTO[:64, :64], busy=never)
    worn = halo.glasses(booth)
    assert halo.condition() == Condition(1.0, pytest.approx(28 + 25 * 0.056))
    worn.camera.latest()
    worn.microphone.read(1.0)
    time.sleep(0.05)
    halo.step()
    used = 1 - halo.battery
    assert used > 0
    time.sleep(0.05)
    halo.step()  # nothing is used now: less
    assert 0 < 1 - halo.battery - used < used
    halo.battery, halo.celsius = 0.1, 50.0
    assert halo.condition().battery == pytest.approx(0.1)
    assert halo.condition().celsius == 50.0
    assert halo.report()["modelled"]["radio_bytes_up"] > 0


@pytest.mark.slow
def test_a_whole_turn_goes_over_the_radio(demo_photo, demo_question):
    """Asked by a recording, seen through JPEG, and the answer is heard back as much later as the radio makes it."""
    from device.cli.run import load
    from device.seeing.photo import read_photo
    from models.audio import read_sound

    halo = device(latency_s=0.1)
    question = read_sound(demo_question).resampled(RATE).samples.astype(np.float32)
    booth = Booth(
        lambda booth: [np.concatenate([silence(0.8), question, silence(20)])], read_photo(demo_photo), room_echo()
    )
    mind, ears = load()
    turns, heights = [], []

    def over(turn):
        turns.append(turn)
        heights.append(turn.frame.pixels.shape[0])
        live.close()

    live = Live(halo.glasses(booth), mind, ears, on_turn=over, gauge=halo)
    try:
        live.run()
    finally:
        mind.close()
    (turn,) = turns
    assert turn.answer
    assert heights[0] <= 640
    assert turn.frame is None  # it is over
    assert booth.answers
    assert halo.radio.up > 10_000
    assert halo.radio.down > 2_000

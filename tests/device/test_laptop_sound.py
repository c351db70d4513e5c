import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from sound_server import SoundServer, wait_until
from tones import pitch, tone
from unplugged import wait_until_unplugged, works

from device.glasses import CHUNK, RATE, Unplugged
from device.laptop import Laptop, Microphone, Speaker, microphone
from models.errors import GlintError

pytestmark = pytest.mark.real_time

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = SoundServer(tmp_path_factory.mktemp("sound"))
    with pytest.MonkeyPatch.context() as patch:
        try:
            server.start(patch)
            yield server
        finally:
            server.close()


@pytest.fixture
def ear(server):
    ear = Microphone("glint_microphone")
    wait_until(lambda: ear.read(1.0) is not None)
    yield ear
    ear.close()


@pytest.fixture
def mouth(server):
    mouth = Speaker("glint_speaker")
    yield mouth
    mouth.close()


def listen(ear, seconds):
    chunks = [ear.read(5.0) for _ in range(round(seconds * RATE / CHUNK))]
    return np.concatenate(chunks)


def empty(ear):
    while ear.read(0.0) is not None:
        pass


def loudness(samples):
    return float(np.sqrt(np.mean(np.square(samples))))


@pytest.mark.parametrize("rate", [16_000, 22_050, 48_000])
def test_what_is_played_is_heard(ear, mouth, rate):
    mouth.play(tone(1.6, rate, 500), rate)
    assert mouth.pending_s() == pytest.approx(1.6, abs=0.2)
    chunk = ear.read(1.0)
    assert chunk.shape == (CHUNK,)
    assert chunk.dtype == np.float32
    listen(ear, 0.5)
    heard = listen(ear, 0.6)
    assert pitch(heard) == pytest.approx(500, abs=3)
    assert loudness(heard) == pytest.approx(0.35, rel=0.1)
    wait_until(lambda: mouth.pending_s() == 0, 3)
    empty(ear)
    listen(ear, 0.3)
    assert loudness(listen(ear, 0.2)) < 1e-3
    assert ear.dropped == 0


def test_stop_silences_at_once_and_forgets_what_was_queued(ear, mouth):
    mouth.play(tone(5.0, 22_050), 22_050)
    wait_until(lambda: loudness(ear.read(1.0)) > 0.2, 4)
    empty(ear)
    mouth.stop()
    assert mouth.pending_s() == 0
    assert loudness(listen(ear, 0.5)[-RATE // 5 :]) < 1e-3
    assert not mouth.played(RATE // 10).any()
    mouth.play(tone(1.0, 22_050, 900), 22_050)
    listen(ear, 0.4)
    assert pitch(listen(ear, 0.3)) == pytest.approx(900, abs=6)


def test_played_is_what_left_the_speaker_just_before_it_is_heard(ear, mouth):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 2 * RATE)
    noise = np.convolve(noise, np.hanning(9) / 4, "same").astype(np.float32)  # smooth between two samples
    mouth.play(noise, RATE)
    wait_until(lambda: loudness(ear.read(1.0)) > 0.1, 4)
    empty(ear)
    pairs = [(ear.read(1.0), mouth.played(CHUNK)) for _ in range(24)]
    heard, played = (np.concatenate(side) for side in zip(*pairs, strict=True))
    lags = np.correlate(heard, played[: len(played) - RATE // 4], "valid")
    assert np.argmax(lags) / RATE < 0.25  # comes before its echo
    whole = np.correlate(noise, mouth.played(RATE // 4), "valid")
    level = whole.max() / (RATE // 4 * loudness(noise) ** 2)
    assert level == pytest.approx(1, abs=0.1)
    assert mouth.played(4 * RATE).shape == (4 * RATE,)


@pytest.mark.parametrize("late_s", [0.0, 0.8])
def test_a_late_reader_is_given_the_sound_that_its_chunk_has_the_echo_of(ear, mouth, late_s):
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 4 * RATE)
    noise = np.convolve(noise, np.hanning(9) / 4, "same").astype(np.float32)
    mouth.play(noise, RATE)
    wait_until(lambda: loudness(ear.read(1.0)) > 0.1, 4)
    listen(ear, 0.8)
    empty(ear)
    time.sleep(late_s)
    delays = []
    for _ in range(30):
        chunk = ear.read(1.0)
        assert ear.late_s() <= late_s + 0.2
        window = mouth.played(RATE // 4, ear.late_s())  # the echo's source is somewhere in it, before its end
        delays.append(len(window) - CHUNK - np.argmax(np.correlate(window, chunk, "valid")))
    assert 0 <= np.median(delays) / RATE < 0.15
    assert np.median(np.abs(np.array(delays) - np.median(delays))) / RATE < 0.005


def test_played_follows_the_clock_between_two_blocks(mouth):
    mouth.play(tone(6.0, 16_000, 100), 16_000)
    wait_until(lambda: mouth.played(CHUNK).all(), 4)
    # A block has 20 ms, of which eight tenths are 16. The least of several tries: others may be at work here.
    assert min(_spread(mouth) for _ in range(8)) < 0.012


def _spread(mouth):
    """How much more or less behind the clock it is from one moment to another, in seconds."""
    moments, phases = [], []
    for _ in range(60):
        before = time.monotonic()
        played = mouth.played(480)
        moments.append((before + time.monotonic()) / 2)
        phases.append(np.angle(np.sum(played * np.exp(-2j * np.pi * 100 * np.arange(480) / RATE))))
        time.sleep(0.003)
    behind = np.unwrap(phases) / (2 * np.pi * 100) - np.array(moments)
    early, late = np.percentile(behind, [10, 90])
    return late - early


def test_a_speaker_that_is_unplugged_and_comes_back(server, ear, mouth):
    mouth.play(tone(30.0, 16_000), 16_000)
    server.unplug()
    assert "gone" in wait_until_unplugged(lambda: mouth.play(tone(0.1, RATE), RATE))
    assert "microphone" in wait_until_unplugged(lambda: ear.read(0.1))
    assert mouth.pending_s() == 0
    assert not mouth.played(CHUNK).any()
    message = wait_until_unplugged(lambda: ear.read(1.5))
    assert "glint_microphone" in message
    assert message.endswith(".")
    server.plug()
    wait_until(lambda: works(lambda: ear.read(0.1)), 8)
    wait_until(lambda: works(lambda: mouth.play(tone(1.0, RATE, 600), RATE) or True), 8)
    empty(ear)
    listen(ear, 0.4)
    assert pitch(listen(ear, 0.3)) == pytest.approx(600, abs=6)


@pytest.mark.parametrize("away", ["unplug", "halt"])
def test_a_speaker_that_is_gone_in_the_middle_of_an_answer_has_nothing_left_to_say(server, mouth, away):
    mouth.play(tone(60.0, RATE), RATE)
    wait_until(lambda: mouth.played(CHUNK).any(), 4)
    getattr(server, away)()
    try:
        wait_until(lambda: mouth.pending_s() == 0, 20)  # 8 were too few once, on a busy machine
        start = time.monotonic()
        with pytest.raises(Unplugged):
            mouth.play(tone(0.1, RATE), RATE)
        mouth.stop()
        assert not mouth.played(CHUNK).any()
        assert time.monotonic() - start < 3.5
    finally:
        server.plug() if away == "unplug" else server.go_on()
    wait_until(lambda: works(lambda: mouth.play(tone(0.5, RATE), RATE) or True), 12)
    wait_until(lambda: mouth.played(CHUNK).any(), 4)


def test_a_device_that_was_not_there_at_the_start_is_found_and_disturbs_nobody_who_speaks(server, mouth):
    before = server.configuration.read_text()
    late = Microphone("glint_late")
    try:
        mouth.play(tone(3.0, RATE), RATE)
        message = wait_until_unplugged(lambda: late.read(0.1))
        assert "no microphone 'glint_late'" in message
        assert "glint_microphone" in message
        server.configuration.write_text(before + before.split("\n")[3].replace("glint_microphone", "glint_late"))
        time.sleep(1.5)
        assert mouth.pending_s() == pytest.approx(1.3, abs=0.5)
        wait_until(lambda: works(lambda: late.read(0.1)), 10)
        mouth.play(tone(0.8, RATE, 700), RATE)
        empty(late)
        listen(late, 0.4)
        assert pitch(listen(late, 0.3)) == pytest.approx(700, abs=6)
    finally:
        late.close()
        server.configuration.write_text(before)


@pytest.mark.slow
def test_a_sound_server_that_hangs_keeps_nobody_waiting(server, ear, mouth):
    mouth.play(tone(1.0, RATE), RATE)
    server.halt()
    try:
        assert wait_until_unplugged(lambda: ear.read(0.1))
        assert wait_until_unplugged(lambda: mouth.play(tone(0.1, RATE), RATE))
        start = time.monotonic()
        ear.close()
        mouth.close()
        assert time.monotonic() - start < 4.5
    finally:
        server.go_on()
    wait_until(lambda: not any("glint" in thread.name for thread in threading.enumerate()), 10)


def test_a_late_reader_gets_what_was_missed_first_up_to_a_limit(ear, mouth, monkeypatch):
    empty(ear)
    time.sleep(0.6)
    start = time.monotonic()
    listen(ear, 0.5)
    assert time.monotonic() - start < 0.1
    monkeypatch.setattr(microphone, "QUEUE_S", 0.32)
    time.sleep(1.0)
    empty(ear)
    assert ear.dropped >= 15


@pytest.mark.parametrize("refused", [{"samplerate": 16_000}, {"channels": 1}])
def test_a_microphone_that_refuses_what_we_want_is_opened_as_it_is(server, mouth, monkeypatch, refused):
    import sounddevice

    class Particular(sounddevice.InputStream):
        def __init__(self, **options):
            if refused.items() <= options.items():
                raise sounddevice.PortAudioError("Invalid sample rate", -9997)
            super().__init__(**options)

    monkeypatch.setattr(sounddevice, "InputStream", Particular)
    ear = Microphone("glint_microphone")
    try:
        assert ear.read(5.0).shape == (CHUNK,)
        mouth.play(tone(1.0, RATE, 440), RATE)
        listen(ear, 0.4)
        start = time.monotonic()
        assert pitch(listen(ear, 0.5)) == pytest.approx(440, abs=3)
        assert time.monotonic() - start == pytest.approx(0.5, abs=0.2)
    finally:
        ear.close()


def test_devices_go_by_number_too(server):
    import sounddevice

    number = [entry["name"] for entry in sounddevice.query_devices()].index("glint_microphone")
    ear = Microphone(number)
    try:
        assert ear.read(5.0) is not None
    finally:
        ear.close()
    nowhere = Speaker(99)
    with pytest.raises(Unplugged, match=r"no speaker 99; plug it in or choose one of .*glint_speaker"):
        nowhere.play(tone(0.1, RATE), RATE)
    nowhere.close()


def test_the_default_devices_are_taken(server):
    laptop = Laptop()
    try:
        laptop.speaker.play(tone(0.2, RATE), RATE)
        assert laptop.microphone.read(5.0) is not None
        assert not laptop.button.pressed()
    finally:
        start = time.monotonic()
        laptop.close()
        laptop.close()
        assert time.monotonic() - start < 2.5
    for use in (lambda: laptop.microphone.read(0.1), lambda: laptop.speaker.play(tone(0.1, RATE), RATE)):
        with pytest.raises(GlintError, match="closed"):
            use()


def test_without_sounddevice_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    ear, mouth = Microphone(), Speaker()
    with pytest.raises(GlintError, match=r"pip install 'glint\[laptop\]'"):
        mouth.play(tone(0.1, RATE), RATE)
    with pytest.raises(GlintError, match="sounddevice"):
        listen(ear, 1.0)
    ear.close()
    mouth.close()


def test_without_portaudio_it_says_what_to_install(monkeypatch, tmp_path):
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    mouth = Speaker()
    for _ in range(2):
        with pytest.raises(GlintError, match="sudo apt-get install libportaudio2") as caught:
            mouth.play(tone(0.1, RATE), RATE)
        assert not isinstance(caught.value, Unplugged)
    mouth.close()


def test_a_speaker_that_was_never_used_is_silent():
    mouth = Speaker("whatever")
    mouth.stop()
    assert mouth.pending_s() == 0
    assert not mouth.played(100).any()
    mouth.close()
    mouth.close()

"""The glasses of a scenario, by themselves: what is seen and heard, and what breaks."""

import json
import os
import socket
import time

import numpy as np
import pytest

from device.cli.turn_log import TurnLog
from device.glasses import CHUNK, RATE, Ended, Unplugged
from device.turn import Turn
from sim.benchmark.utterances import LEVEL, Line, Take
from sim.scenario.faults import FAULTS, Faults
from sim.scenario.read import FOLDER, read_scenario
from sim.scenario.scenery import Scenery
from sim.scenario.script import Fault, Over, Room, Say, See
from sim.scenario.sounds import Sounds, lines_of
from sim.scenario.stage import Stage
from sim.scenario.voices import speaker

pytestmark = pytest.mark.real_time

SECOND = round(RATE / CHUNK)


def level(samples):
    return float(np.sqrt(np.mean(np.square(samples))))


def below(samples, than):
    return -20 * np.log10(level(samples) / than)


@pytest.fixture
def scenario(tmp_path):
    file = tmp_path / "my.toml"
    file.write_text('title = "x"\n[[step]]\nwait = 1')
    return read_scenario(file)


@pytest.fixture
def scenery(scenario):
    scenery = Scenery(scenario)
    yield scenery
    scenery.close()


@pytest.fixture
def faults():
    with Faults() as faults:
        yield faults


def stage_of(scenery, faults, chunks, busy=lambda: False):
    return Stage(iter(chunks), scenery, faults, busy)


def tones(seconds, value=0.0):
    return [np.full(CHUNK, value, np.float32)] * round(seconds * RATE / CHUNK)


def test_pictures_follow_the_sounds_clock(scenery, tmp_path):
    from PIL import Image

    for name, grey in (("a.png", 50), ("b.png", 100), ("c.png", 150)):
        Image.new("RGB", (32, 24), (grey,) * 3).save(tmp_path / name)
    assert scenery.frame(0.0) is None
    scenery.see(See(picture=".", rate=2.0), 10.0)
    seen = [(frame.at, int(frame.pixels[0, 0, 0])) for frame in map(scenery.frame, (10.0, 10.4, 10.6, 11.1, 60.0))]
    assert seen == [(10.0, 50), (10.4, 50), (10.6, 100), (11.1, 150), (60.0, 150)]
    assert scenery.frame(60.001) is scenery.frame(60.002)  # a camera has so many frames a second


def test_a_video_is_seen_from_the_moment_it_is_shown(scenery):
    scenery.see(See(picture=str(FOLDER / "clips/pan.mp4")), 3.0)
    first, later, last = (scenery.frame(at).pixels for at in (3.0, 4.5, 60.0))
    assert np.abs(first.astype(int) - later).mean() > 5
    assert last.shape == first.shape


def test_blur_darkness_noise_and_half_pictures(scenery):
    banana = str(FOLDER / "pictures/banana.jpg")

    def seen(cut=False, **how):
        scenery.see(See(picture=banana, **how), 0.0)
        return scenery.frame(0.0, cut).pixels.astype(int)

    def rough(pixels):
        return np.abs(np.diff(pixels, axis=0)).mean()

    plain = seen()
    assert rough(seen(blur=2.0)) < 0.5 * rough(plain)
    assert seen(dark=0.75).mean() == pytest.approx(plain.mean() / 4, abs=1)
    assert np.std(seen(noise=5.0) - plain) == pytest.approx(5, abs=1.5)
    half = seen(cut=True)
    assert (half[:20] == plain[:20]).all()
    assert rough(half[-20:]) == 0


def test_the_dark_is_dark_and_a_word_is_drawn(scenery):
    scenery.see(See(show="dark"), 0.0)
    assert scenery.frame(0.0).pixels.max() == 0
    scenery.see(See(text="EXIT"), 0.0)
    word = scenery.frame(0.0).pixels
    assert word[0, 0].tolist() == [255, 255, 255]
    assert 0.03 < (word < 128).mean() < 0.4
    scenery.see(See(text="A word that is much too long for the picture"), 0.0)
    drawn = np.flatnonzero((scenery.frame(0.0).pixels < 128).any(axis=(0, 2)))
    assert drawn[0] > 0
    assert drawn[-1] < 319
    scenery.see(See(show="nothing"), 0.0)
    assert scenery.frame(0.0) is None


@pytest.fixture
def sounds(tmp_path):
    """Tones that stand for sentences, a different one each."""
    texts = [("high", "joe", 1.0), ("over", "joe-high", 1.0)]
    takes = []
    for number, (text, voice, pace) in enumerate(texts):
        wave = np.sin(np.arange(RATE) * 2 * np.pi * (3000 if number == 0 else 200) / RATE)
        np.save(tmp_path / f"{number}.npy", (wave * LEVEL * np.sqrt(2)).astype(np.float32))
        takes.append(Take(Line(text, speaker(voice, pace)), tmp_path / f"{number}.npy"))
    file = tmp_path / "my.toml"
    file.write_text('title = "x"\n[[step]]\nwait = 1')
    return Sounds(read_scenario(file), takes)


def test_how_something_is_said(sounds):
    plain = sounds.said(Say(text="high"), 0)
    assert len(plain.samples) % CHUNK == 0
    assert (plain.begins_s, plain.ends_s) == (pytest.approx(0, abs=1e-3), pytest.approx(1, abs=1e-3))
    loud = level(plain.samples[:RATE])
    assert below(sounds.said(Say(text="high", quieter_db=10), 0).samples[:RATE], loud) == pytest.approx(10, abs=0.1)
    assert below(sounds.said(Say(text="high", muffled=True), 0).samples[:RATE], loud) > 10
    ringing = sounds.said(Say(text="high", echo=True), 0)
    assert level(ringing.samples[RATE + 500 : RATE + 3000]) > 0.02 * loud
    assert not plain.samples[RATE + 500 :].any()


def test_noise_begins_before_and_ends_after_what_is_said(sounds):
    for kind in ("white", "pink"):
        said = sounds.said(Say(text="high", noise=kind, below_db=10), 1)
        assert (said.begins_s, said.ends_s) == (pytest.approx(1, abs=1e-3), pytest.approx(2, abs=1e-3))
        assert below(said.samples[: RATE - 100], LEVEL) == pytest.approx(10, abs=1)
        assert below(said.samples[-RATE:], LEVEL) == pytest.approx(10, abs=1)
        assert (said.samples == sounds.said(Say(text="high", noise=kind, below_db=10), 1).samples).all()
        assert below(sounds.room(Room(noise=kind, below_db=20), 1), LEVEL) == pytest.approx(20, abs=0.1)
    assert sounds.room(Room(), 1) is None


def test_somebody_who_talks_over_it(sounds):
    said = sounds.said(Say(text="high", over=Over(text="over", below_db=20, after_s=0.5)), 0)
    assert said.ends_s == pytest.approx(1, abs=1e-3)
    assert below(said.samples[RATE + 100 : RATE + 4000], LEVEL) == pytest.approx(20, abs=1)


def test_all_that_must_be_spoken_is_named():
    lines = list(lines_of(read_scenario(FOLDER / "hard-two-speakers.toml")))
    assert [line.text for line in lines] == ["What is this in front of me?", "We should go home now."]
    assert len({line.text for line in lines_of(read_scenario(FOLDER / "hard-babble.toml"))}) == 6


def test_a_second_lasts_a_second_in_real_time_and_else_while_somebody_thinks(scenery, faults):
    for busy, expected in ((None, 1.0), (lambda: True, 1.0), (lambda: False, 0.0)):
        stage = stage_of(scenery, faults, tones(1.5), busy)
        stage.read(1.0)
        began = time.monotonic()
        for _ in range(SECOND):
            stage.read(1.0)
        assert time.monotonic() - began == pytest.approx(expected, abs=0.3)
    stage = stage_of(scenery, faults, tones(0.032))
    stage.read(1.0)
    with pytest.raises(Ended):
        stage.read(1.0)


def test_noise_of_the_room_and_echo_are_heard(scenery, faults):
    stage = stage_of(scenery, faults, tones(6.0))
    assert level(stage.read(1.0)) < 1e-3
    stage.furnish(np.full(RATE, 0.1, np.float32), echo=True)
    assert level(stage.read(1.0)) == pytest.approx(0.1, abs=0.01)
    stage.furnish(None, echo=True)
    stage.play(np.full(RATE, 0.5, np.float32), RATE)
    back = np.concatenate([stage.read(1.0) for _ in range(8)])
    assert level(back[1500:]) > 0.05
    stage.furnish(None, echo=False)
    assert level(stage.read(1.0)) < 1e-3


def test_what_is_said_while_the_microphone_is_gone_is_lost_and_takes_its_time(scenery, faults):
    stage = stage_of(scenery, faults, [np.full(CHUNK, value, np.float32) for value in (0.1, 0.2, 0.3)])
    assert stage.read(1.0).mean() == pytest.approx(0.1, abs=1e-3)
    faults.set(Fault("microphone"))
    with pytest.raises(Unplugged, match="The microphone is gone"):
        stage.read(1.0)
    faults.set(Fault("microphone", off=True))
    assert stage.read(1.0).mean() == pytest.approx(0.3, abs=1e-3)
    assert stage.now_s == pytest.approx(3 * CHUNK / RATE)


def test_a_camera_and_a_speaker_that_are_gone_and_come_back(scenery, faults):
    scenery.see(See(show="dark"), 0.0)
    stage = stage_of(scenery, faults, tones(1.0))
    for what, use in (("camera", stage.latest), ("speaker", lambda: stage.play(np.zeros(1000, np.float32), RATE))):
        use()
        faults.set(Fault(what))
        with pytest.raises(Unplugged, match=f"The {what} is gone"):
            use()
        faults.set(Fault(what, off=True))
        use()
    assert len(stage.record.sounds) == 2


def test_the_button_is_pressed_once(scenery, faults):
    stage = stage_of(scenery, faults, [])
    assert not stage.pressed()
    stage.press()
    assert stage.pressed()
    assert not stage.pressed()


def test_a_full_disk_keeps_no_turn_and_later_does(faults):
    notes = []
    log = TurnLog(faults.log, notes.append)
    for fault in (None, Fault("disk"), Fault("disk", off=True)):
        if fault:
            faults.set(fault)
        log.append(Turn(transcript=str(fault)))
    assert [json.loads(line)["transcript"] for line in faults.log.read_text().splitlines()][:1] == ["None"]
    assert len(faults.log.read_text().splitlines()) == 2
    assert "cannot be written" in notes[0]
    if os.path.exists("/dev/full"):
        assert "No space left" in notes[0]
    assert "again" in notes[1]


def test_no_network_refuses_connections_and_names_and_comes_back(faults):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        faults.set(Fault("network"))
        with pytest.raises(OSError, match="unreachable"):
            socket.create_connection(address)
        with pytest.raises(OSError, match="unreachable"):
            socket.getaddrinfo("example.org", 80)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, pytest.raises(OSError, match="unreachable"):
            datagrams.sendto(b"x", address)
        faults.set(Fault("network", off=True))
        socket.create_connection(address).close()


def test_battery_heat_and_a_slow_model(faults):
    assert (faults.condition.battery, faults.delay_s) == (1.0, 0.0)
    for fault in (Fault("battery", left=0.1), Fault("heat", celsius=50.0), Fault("model", seconds=2.0)):
        faults.set(fault)
    assert (faults.condition.battery, faults.condition.celsius, faults.delay_s) == (0.1, 50.0, 2.0)
    began = time.monotonic()
    faults.set(Fault("standstill", seconds=0.3))
    assert time.monotonic() - began >= 0.3
    for what in FAULTS:
        faults.set(Fault(what, off=True))
    assert (faults.condition.battery, faults.delay_s) == (1.0, 0.0)

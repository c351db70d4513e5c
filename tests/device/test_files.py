import time

import cv2
import numpy as np
import pytest
from PIL import Image
from tones import pitch, tone

from device.files import FileCamera, FileMicrophone, FileSpeaker, Pacing
from device.glasses import CHUNK, RATE, Ended
from models.audio import Sound, read_sound, write_wav
from models.errors import GlintError


@pytest.fixture
def recording(tmp_path):
    def make(seconds, rate=RATE):
        path = tmp_path / f"{seconds}s-{rate}.wav"
        write_wav(path, Sound(tone(seconds, rate), rate))
        return path

    return make


@pytest.fixture
def video(tmp_path):
    """Three seconds, 10 pictures a second; each as bright as its number times 8."""
    path = tmp_path / "v.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, (64, 48))
    assert writer.isOpened()
    for number in range(30):
        writer.write(np.full((48, 64, 3), 8 * number, np.uint8))
    writer.release()
    return path


def everything(microphone, timeout_s=1.0):
    chunks = []
    while True:
        try:
            chunk = microphone.read(timeout_s)
        except Ended:
            return np.concatenate(chunks)
        if chunk is not None:
            chunks.append(chunk)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_microphone_gives_the_whole_recording_in_chunks(recording, rate):
    microphone = FileMicrophone(recording(0.5, rate), realtime=False)
    first = microphone.read(0)
    assert first.shape == (CHUNK,)
    assert first.dtype == np.float32
    heard = np.concatenate([first, everything(microphone)])
    assert len(heard) == 16 * CHUNK  # 8000 samples and what fills the last chunk
    assert pitch(heard[:8000]) == pytest.approx(440, abs=2)
    assert not heard[8010:].any()
    for _ in range(2):
        with pytest.raises(Ended):
            microphone.read(0)


def test_microphone_keeps_the_time_of_the_clock(recording):
    microphone = FileMicrophone(recording(1.0))
    start = time.monotonic()
    assert microphone.read(0.005) is None
    heard = [microphone.read(1.0) for _ in range(10)]
    assert time.monotonic() - start == pytest.approx(0.32, abs=0.1)
    time.sleep(0.3)  # a reader that is late
    start = time.monotonic()
    heard += [microphone.read(1.0) for _ in range(9)]
    assert time.monotonic() - start < 0.15
    np.testing.assert_allclose(np.concatenate(heard), tone(1.0, RATE)[: 19 * CHUNK], atol=1e-3)


def test_a_closed_microphone_has_ended(recording):
    microphone = FileMicrophone(recording(1.0))
    microphone.close()
    microphone.close()
    with pytest.raises(Ended):
        microphone.read(1.0)


def test_microphone_without_a_recording(tmp_path):
    with pytest.raises(GlintError, match=r"no sound file at .*none\.wav"):
        FileMicrophone(tmp_path / "none.wav")


def test_camera_shows_a_picture(demo_photo):
    camera = FileCamera(demo_photo)
    before = time.monotonic()
    frame = camera.latest()
    assert frame.pixels.ndim == 3
    assert frame.pixels.dtype == np.uint8
    assert before <= frame.at <= time.monotonic()
    time.sleep(0.1)
    assert camera.latest().at > frame.at  # it goes on taking pictures
    assert camera.latest().pixels is frame.pixels


def test_camera_shows_the_pictures_of_a_folder_in_turn(tmp_path):
    for name, colour in {"b.png": "lime", "a.jpg": "red", "c.webp": "blue"}.items():
        Image.new("RGB", (32, 16), colour).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    times = iter((0.0, 0.9, 1.0, 2.5, 60.0))
    camera = FileCamera(tmp_path, clock=lambda: next(times))
    seen, at = [], []
    for _ in range(5):
        frame = camera.latest()
        at.append(frame.at)
        seen.append(int(frame.pixels[8, 16].argmax()))
    assert seen == [0, 0, 1, 2, 2]
    assert at[0] == at[1] < at[2] < at[3]
    camera.close()
    camera.close()
    with pytest.raises(GlintError, match="closed"):
        camera.latest()


def test_a_folder_at_its_own_rate_counts_from_the_first_look(tmp_path):
    for name, colour in {"a.png": "red", "b.png": "lime"}.items():
        Image.new("RGB", (32, 16), colour).save(tmp_path / name)
    camera = FileCamera(tmp_path, rate=5)
    time.sleep(0.3)
    assert camera.latest().pixels[0, 0, 0] == 255
    time.sleep(0.25)
    assert camera.latest().pixels[0, 0, 1] == 255


def test_camera_plays_a_video(video):
    now = 0.0
    camera = FileCamera(video, clock=lambda: now)
    for now in (0.0, 0.1, 0.15, 0.7, 2.9, 3.5, 60.0):
        number = min(int(now * 10), 29)
        assert float(camera.latest().pixels.mean()) == pytest.approx(8 * number, abs=4)
    camera.close()


def test_camera_skips_what_nobody_looked_at(video):
    now = 2.5  # more than two seconds in, so that it is not decoded up to there
    camera = FileCamera(video, clock=lambda: now)
    assert float(camera.latest().pixels.mean()) == pytest.approx(200, abs=4)
    now = 2.7
    assert float(camera.latest().pixels.mean()) == pytest.approx(216, abs=4)


def test_a_video_has_its_red_where_it_is(tmp_path):
    path = tmp_path / "red.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    writer.write(np.full((48, 64, 3), (0, 0, 255), np.uint8))
    writer.release()
    assert FileCamera(path).latest().pixels[20, 20].argmax() == 0


def test_a_video_that_is_none_and_a_folder_without_pictures(tmp_path):
    path = tmp_path / "v.mp4"
    path.write_text("hello")
    with pytest.raises(GlintError, match="not a video"):
        FileCamera(path)
    path.unlink()
    with pytest.raises(GlintError, match="no pictures in"):
        FileCamera(tmp_path)
    with pytest.raises(GlintError, match="no picture at"):
        FileCamera(path)


def test_speech_lies_where_it_was_said(recording, tmp_path):
    path = tmp_path / "said.wav"
    speaker = FileSpeaker(path)
    microphone = Pacing(FileMicrophone(recording(2.0), realtime=False), speaker)
    for _ in range(20):
        microphone.read(0)
    speaker.play(tone(0.5, 22_050, 700), 22_050)
    assert speaker.pending_s() == pytest.approx(0.5)
    for _ in range(10):
        microphone.read(0)
    assert speaker.pending_s() == pytest.approx(0.5 - 10 * CHUNK / RATE, abs=0.001)
    assert pitch(speaker.played(4000)) == pytest.approx(700, abs=4)
    everything(microphone)
    assert speaker.pending_s() == 0
    speaker.close()
    speaker.close()
    said = read_sound(path)
    assert said.rate == RATE
    assert said.seconds == pytest.approx(2.0, abs=0.032)
    start = 20 * CHUNK
    assert not said.samples[: start - 10].any()
    assert pitch(said.samples[start : start + 8000]) == pytest.approx(700, abs=2)
    assert np.abs(said.samples[start : start + 8000]).max() == pytest.approx(0.5, abs=0.05)
    assert not said.samples[start + 8010 :].any()


def test_played_is_what_was_heard_meanwhile_to_the_sample(recording, tmp_path):
    speaker = FileSpeaker(tmp_path / "said.wav")
    microphone = Pacing(FileMicrophone(recording(1.0), realtime=False), speaker)
    said = np.random.default_rng(0).uniform(-1, 1, 5 * CHUNK).astype(np.float32)
    speaker.play(said, RATE)
    for number in range(5):
        microphone.read(0)
        np.testing.assert_array_equal(speaker.played(CHUNK), said[number * CHUNK : (number + 1) * CHUNK])
    microphone.read(0)
    np.testing.assert_array_equal(speaker.played(2 * CHUNK), np.append(said[-CHUNK:], np.zeros(CHUNK, np.float32)))
    assert not speaker.played(60 * RATE)[: 50 * RATE].any()  # longer ago than it remembers


def test_pieces_of_a_sound_are_joined_seamlessly(tmp_path):
    said = tone(1.0, 22_050, 300)
    for name, pieces in {"whole": [said], "pieces": np.array_split(said, 37)}.items():
        speaker = FileSpeaker(tmp_path / f"{name}.wav")
        for piece in pieces:
            speaker.play(piece, 22_050)
        speaker.close()
    whole, pieces = (read_sound(tmp_path / f"{name}.wav").samples for name in ("whole", "pieces"))
    np.testing.assert_allclose(whole, pieces, atol=2e-3)
    assert len(whole) == pytest.approx(RATE, abs=CHUNK)
    np.testing.assert_allclose(whole[200:15_800], tone(1.0, RATE, 300)[200:15_800], atol=5e-3)


def test_stop_forgets_what_is_queued(recording, tmp_path):
    speaker = FileSpeaker(tmp_path / "said.wav")
    microphone = Pacing(FileMicrophone(recording(1.0), realtime=False), speaker)
    speaker.play(tone(5.0, 22_050), 22_050)
    microphone.read(0)
    speaker.stop()
    assert speaker.pending_s() == 0
    microphone.read(0)
    assert not speaker.played(CHUNK).any()
    speaker.play(tone(0.1, RATE), RATE)
    microphone.read(0)
    assert speaker.played(CHUNK).any()
    speaker.close()


def test_what_is_said_after_the_recording_is_written_at_once(recording, tmp_path):
    path = tmp_path / "said.wav"
    speaker = FileSpeaker(path)
    microphone = Pacing(FileMicrophone(recording(0.32), realtime=False), speaker)
    everything(microphone)
    speaker.play(tone(1.0, 22_050), 22_050)
    assert speaker.pending_s() == 0
    speaker.close()
    assert read_sound(path).seconds == pytest.approx(1.32, abs=0.04)
    with pytest.raises(GlintError, match="closed"):
        speaker.play(tone(0.1, RATE), RATE)


def test_closing_writes_what_is_still_queued(tmp_path):
    path = tmp_path / "said.wav"
    speaker = FileSpeaker(path)
    speaker.play(tone(1.0, RATE), RATE)
    speaker.close()
    assert read_sound(path).seconds == pytest.approx(1.0, abs=0.04)


def test_speech_that_cannot_be_written(tmp_path):
    with pytest.raises(GlintError, match=r"nowhere/said\.wav cannot be written"):
        FileSpeaker(tmp_path / "nowhere/said.wav")


def test_a_reader_that_is_late_gets_the_speech_that_belongs_to_its_chunk(recording, tmp_path):
    speaker = FileSpeaker(tmp_path / "said.wav")
    microphone = Pacing(FileMicrophone(recording(2.0)), speaker)
    said = np.random.default_rng(0).uniform(-1, 1, 20 * CHUNK).astype(np.float32)
    speaker.play(said, RATE)
    assert microphone.late_s() == 0
    for number in range(12):
        if number == 4:
            time.sleep(0.25)
        assert microphone.read(1.0) is not None
        assert microphone.late_s() == 0
        np.testing.assert_array_equal(
            speaker.played(CHUNK, microphone.late_s()), said[number * CHUNK : (number + 1) * CHUNK]
        )

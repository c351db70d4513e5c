import threading
import time

import numpy as np
import pytest
from PIL import Image
from sound_server import SoundServer, wait_until
from tones import pitch, tone

from device.files import FileCamera, NoButton
from device.glasses import CHUNK, RATE, Ended, Unplugged
from device.laptop import Camera, Keyboard, Microphone, Speaker
from device.open_glasses import open_glasses
from models.audio import Sound, read_sound, write_wav
from models.errors import GlintError


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "heard.wav"
    write_wav(path, Sound(tone(3.0, 44_100), 44_100))
    return path


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "seen"
    folder.mkdir()
    for name, colour in {"1.png": "red", "2.png": "lime", "3.png": "blue"}.items():
        Image.new("RGB", (32, 16), colour).save(folder / name)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = SoundServer(tmp_path_factory.mktemp("sound"))
    with pytest.MonkeyPatch.context() as patch:
        try:
            server.start(patch)
            yield server
        finally:
            server.close()


def test_files_are_played_again_by_the_clock_of_the_recording(recording, folder, tmp_path):
    said = tmp_path / "said.wav"
    glasses = open_glasses(str(folder), str(recording), str(said), realtime=False)
    assert isinstance(glasses.button, NoButton)
    start, seen, chunks = time.monotonic(), [], 94
    for number in range(chunks):
        assert glasses.microphone.read(1.0) is not None
        seen.append(int(glasses.camera.latest().pixels[0, 0].argmax()))
        if number == 49:
            glasses.speaker.play(tone(0.5, 22_050, 800), 22_050)
    with pytest.raises(Ended):
        glasses.microphone.read(1.0)
    assert time.monotonic() - start < 1.5
    second = RATE // CHUNK  # a chunk more completes it
    assert seen == [0] * second + [1] * second + [2] * (chunks - 2 * second)
    glasses.close()
    glasses.close()
    samples = read_sound(said).samples
    assert len(samples) == chunks * CHUNK
    assert not samples[: 50 * CHUNK - 10].any()
    assert pitch(samples[50 * CHUNK :][:8000]) == pytest.approx(800, abs=3)
    assert not samples[50 * CHUNK + 8010 :].any()


def test_in_real_time_it_takes_as_long_as_it_did(recording, folder):
    glasses = open_glasses(str(folder), str(recording), "whatever")
    start = time.monotonic()
    while time.monotonic() - start < 1.3:
        glasses.microphone.read(0.05)
    assert glasses.camera.latest().pixels[0, 0].argmax() == 1
    glasses.close()


def test_without_arguments_it_is_the_laptop():
    glasses = open_glasses()
    assert isinstance(glasses.microphone, Microphone)
    assert isinstance(glasses.camera, Camera)
    assert isinstance(glasses.speaker, Speaker)
    assert isinstance(glasses.button, Keyboard)
    assert not any("glint" in thread.name for thread in threading.enumerate())  # nothing opens before it is used
    glasses.close()
    glasses.close()


def test_a_file_to_look_at_with_a_real_microphone_and_a_recorded_voice(server, demo_photo, tmp_path):
    said = tmp_path / "said.wav"
    glasses = open_glasses(str(demo_photo), "glint_microphone", str(said))
    speaker = Speaker("glint_speaker")
    try:
        assert isinstance(glasses.camera, FileCamera)
        assert isinstance(glasses.button, Keyboard)
        wait_until(lambda: glasses.microphone.read(1.0) is not None)
        speaker.play(tone(1.0, RATE, 600), RATE)
        glasses.speaker.play(tone(0.2, RATE, 300), RATE)
        heard = np.concatenate([glasses.microphone.read(5.0) for _ in range(25)])
        assert pitch(heard[-6000:]) == pytest.approx(600, abs=6)
        assert glasses.camera.latest().pixels.ndim == 3
    finally:
        speaker.close()
        glasses.close()
    samples = read_sound(said).samples
    assert len(samples) % CHUNK == 0
    assert pitch(np.trim_zeros(samples)) == pytest.approx(300, abs=6)


def test_a_recording_is_heard_with_a_real_speaker_by_number(server, recording, demo_photo):
    import sounddevice

    number = [entry["name"] for entry in sounddevice.query_devices()].index("glint_speaker")
    glasses = open_glasses(str(demo_photo), str(recording), str(number))
    try:
        glasses.speaker.play(tone(1.0, RATE), RATE)
        assert glasses.speaker.pending_s() > 0.8
        assert glasses.microphone.read(1.0) is not None
    finally:
        glasses.close()


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("camera", "none.jpg"),
        ("camera", "none.mp4"),
        ("camera", "./none"),
        ("mic", "none.wav"),
        ("mic", "/none/none"),
    ],
)
def test_a_file_that_is_not_there_is_named(part, name):
    with pytest.raises(GlintError, match=f"^There is no (picture|recording).*{name.lstrip('./')}; check the path"):
        open_glasses(**{part: name})


def test_files_of_the_wrong_kind(recording, demo_photo, tmp_path):
    for arguments, sentence in (
        ({"camera": str(recording)}, "not a picture"),
        ({"mic": str(demo_photo)}, "not a sound file"),
        ({"speaker": str(tmp_path / "said.mp3")}, r"ends in \.wav"),
        ({"speaker": str(tmp_path / "none/said.wav")}, "cannot be written"),
        ({"mic": str(recording), "speaker": str(recording)}, "heard and written at once"),
    ):
        with pytest.raises(GlintError, match=sentence):
            open_glasses(**arguments)
    assert read_sound(recording).seconds == pytest.approx(3.0)


@pytest.mark.parametrize("name", ["76", "/dev/video76", "No Such Camera 2.0"])
def test_cameras_by_number_path_and_name_are_devices(name):
    glasses = open_glasses(camera=name)
    try:
        with pytest.raises(Unplugged, match=f"no camera {name}"):
            wait_until(lambda: glasses.camera.latest() is not None, 5)
    finally:
        glasses.close()

import os
import threading
import time

import cv2
import numpy as np
import pytest
from sound_server import wait_until
from unplugged import wait_until_unplugged, works

from device.glasses import Unplugged
from device.laptop import Camera
from models.errors import GlintError

pytestmark = pytest.mark.real_time


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "camera.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30, (320, 240))
    for _ in range(1500):
        writer.write(np.full((240, 320, 3), (0, 0, 255), np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize("device", [77, "/dev/video77", "No Such Camera"])
def test_a_missing_camera_says_so_and_goes_on_trying(device, capfd):
    camera = Camera(device)
    message = wait_until_unplugged(camera.latest)
    assert f"camera {device}" in message
    assert "plug it in" in message
    time.sleep(1.2)
    with pytest.raises(Unplugged):
        camera.latest()
    start = time.monotonic()
    camera.close()
    camera.close()
    assert time.monotonic() - start < 2
    with pytest.raises(GlintError, match="closed"):
        camera.latest()
    assert capfd.readouterr().err == ""


def test_the_camera_keeps_the_newest_frame(video):
    camera = Camera(str(video))
    wait_until(lambda: camera.latest() is not None, 5)
    first = camera.latest()
    assert first.pixels.shape == (240, 320, 3)
    assert first.pixels[100, 100].argmax() == 0  # red, as RGB
    assert abs(time.monotonic() - first.at) < 0.5
    wait_until(lambda: camera.latest().at > first.at, 2)
    camera.close()
    assert not any("camera" in thread.name for thread in threading.enumerate())


def test_a_camera_that_stops_is_reported_and_opened_again(video):
    camera = Camera(str(video))
    assert "no more pictures" in wait_until_unplugged(camera.latest)
    wait_until(lambda: works(camera.latest), 4)
    camera.close()


def test_a_camera_that_hangs_is_reported_and_does_not_keep_close_waiting(tmp_path, video):
    pipe = tmp_path / "pipe.avi"
    os.mkfifo(pipe)
    beginning = video.read_bytes()[:200_000]

    def feed():
        with pipe.open("wb") as out:
            out.write(beginning)
            out.flush()
            hung.wait(30)

    hung = threading.Event()
    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    camera = Camera(str(pipe))
    try:
        assert "does not respond" in wait_until_unplugged(camera.latest)
        start = time.monotonic()
        camera.close()
        assert time.monotonic() - start < 2.5
    finally:
        hung.set()
        feeder.join(5)

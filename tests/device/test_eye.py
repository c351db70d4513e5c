"""Which pictures are read before a question ends, with a camera that shows what it is told to."""

from concurrent.futures import Future

import numpy as np
import pytest

from device.glasses import Frame, Unplugged
from device.seeing.eye import GONE, TOO_DARK, Eye


class Camera:
    def __init__(self):
        self.frame: Frame | None = None
        self.gone = False

    def show(self, pixels: np.ndarray, at: float):
        self.frame = Frame(pixels, at)

    def latest(self) -> Frame | None:
        if self.gone:
            raise Unplugged("The camera is gone.")
        return self.frame


class Reader:
    """Stands in for the model: a view is the picture's place in the order of reading."""

    def __init__(self):
        self.read = []

    def later(self, pixels) -> Future:
        future = Future()
        future.set_result(self.now(pixels))
        return future

    def now(self, pixels):
        self.read.append(pixels)
        return len(self.read)


@pytest.fixture
def camera():
    return Camera()


@pytest.fixture
def reader():
    return Reader()


@pytest.fixture
def notes():
    return []


@pytest.fixture
def eye(camera, reader, notes):
    return Eye(camera, reader.later, reader.now, notes.append)


def scene(seed: int) -> np.ndarray:
    """Large squares of chance grey: sharp edges, and nothing of another seed's."""
    squares = np.random.default_rng(seed).integers(40, 216, (12, 16, 1), np.uint8)
    return np.ascontiguousarray(np.broadcast_to(squares.repeat(20, 0).repeat(20, 1), (240, 320, 3)))


def test_the_picture_is_read_once_and_the_same_scene_is_not_read_again(eye, camera, reader):
    camera.show(scene(1), 0.0)
    eye.look()
    eye.look()
    camera.show(scene(1), 1.0)
    eye.look()
    assert len(reader.read) == 1
    assert eye.promise(1.0)() == 1
    assert eye.frame.at == 0.0


def test_another_scene_is_read(eye, camera, reader):
    camera.show(scene(1), 0.0)
    eye.look()
    for n in range(5):  # until what was seen of the move itself is too old
        camera.show(scene(2), 2.0 + n / 5)
        eye.watch()
    eye.look()
    assert len(reader.read) == 2
    assert eye.promise(1.0)() == 2


def test_after_a_while_even_the_same_scene_is_read_again(eye, camera, reader):
    camera.show(scene(1), 0.0)
    eye.look()
    camera.show(scene(1), 30.0)
    eye.look()
    assert len(reader.read) == 2


def test_a_reading_that_failed_is_not_relied_on(camera, notes):
    def failing(pixels):
        future = Future()
        future.set_exception(RuntimeError("no"))
        calls.append(pixels)
        return future

    calls = []
    eye = Eye(camera, failing, failing, notes.append)
    camera.show(scene(1), 0.0)
    eye.look()
    eye.look()
    assert len(calls) == 2


def test_a_camera_that_opens_late_is_waited_for(eye, camera, reader):
    eye.look()
    promise = eye.promise(5.0)
    assert reader.read == []
    camera.show(scene(1), 0.0)
    eye.watch()
    assert promise() == 1


def test_a_camera_that_shows_nothing_is_not_waited_for_for_ever(eye):
    eye.look()
    assert eye.promise(0.05)() is None


def test_a_camera_that_is_gone_and_comes_back(eye, camera, reader, notes):
    camera.show(scene(1), 0.0)
    eye.look()
    camera.gone = True
    eye.look()
    assert eye.trouble == GONE
    assert eye.promise(1.0)() is None
    assert notes == ["The camera is gone."]
    camera.gone = False
    camera.show(scene(1), 3.0)
    eye.look()
    assert eye.trouble is None
    assert eye.promise(1.0)() == 2


def test_black_pictures_are_not_read(eye, camera, reader):
    camera.show(np.full((240, 320, 3), 2, np.uint8), 0.0)
    eye.look()
    assert eye.trouble == TOO_DARK
    assert reader.read == []
    assert eye.promise(1.0)() is None
    for n in range(5):
        camera.show(scene(1), 2.0 + n / 5)
        eye.watch()
    eye.look()
    assert eye.trouble is None
    assert eye.promise(1.0)() == 1

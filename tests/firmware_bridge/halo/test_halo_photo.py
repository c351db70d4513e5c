"""A photo from its parts, and what is wrong with one."""

import io
import random

import numpy as np
import pytest
from PIL import Image

from firmware_bridge.halo.messages import PhotoEnd, PhotoPart
from firmware_bridge.halo.photo import BrokenPhoto, Photo, decoded


@pytest.fixture(scope="module")
def jpeg(demo_photo) -> bytes:
    image = Image.open(demo_photo).convert("RGB")
    image.thumbnail((640, 640))
    coded = io.BytesIO()
    image.save(coded, "JPEG", quality=60)
    return coded.getvalue()


def parts(jpeg: bytes, number: int = 7, size: int = 236) -> list[PhotoPart]:
    cut = [jpeg[at : at + size] for at in range(0, len(jpeg), size)]
    return [PhotoPart(number, index, data) for index, data in enumerate(cut)]


def end(jpeg: bytes, number: int = 7) -> PhotoEnd:
    return PhotoEnd(number, len(parts(jpeg)), len(jpeg))


def test_parts_in_order_are_the_same_bytes(jpeg):
    photo = Photo(7)
    assert not any(photo.take(part) for part in parts(jpeg))
    assert photo.take(end(jpeg))
    assert photo.jpeg() == jpeg


def test_parts_that_come_twice_in_any_order_and_behind_the_end(jpeg):
    photo, messages = Photo(7), [*parts(jpeg), *parts(jpeg), end(jpeg)]
    random.Random(1).shuffle(messages)
    for message in messages:
        photo.take(message)
    assert photo.jpeg() == jpeg


def test_parts_of_another_photo_count_for_nothing(jpeg):
    photo = Photo(8)
    for message in [*parts(jpeg), end(jpeg)]:
        assert not photo.take(message)
    with pytest.raises(BrokenPhoto, match="end is missing"):
        photo.jpeg()


def test_a_missing_part_is_noticed(jpeg):
    photo, kept = Photo(7), parts(jpeg)
    del kept[5]
    for message in [*kept, end(jpeg)]:
        photo.take(message)
    with pytest.raises(BrokenPhoto, match="1 of its"):
        photo.jpeg()


def test_parts_that_ran_into_each_other_are_noticed(jpeg):
    photo, kept = Photo(7), parts(jpeg)
    kept[3] = PhotoPart(7, 3, kept[3].data + b"\x01\x31\x07\x00\x04" + kept[4].data)
    for message in [*kept, end(jpeg)]:
        photo.take(message)
    with pytest.raises(BrokenPhoto, match="bytes and should have"):
        photo.jpeg()


def test_a_photo_is_decoded_as_it_is(jpeg):
    pixels = decoded(jpeg)
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert np.array_equal(pixels, np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")))


def test_a_frame_is_turned_upright(jpeg):
    assert np.array_equal(decoded(jpeg, -1), np.rot90(decoded(jpeg), -1))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda jpeg: b"", "begin"),
        (lambda jpeg: jpeg[1:], "begin"),
        (lambda jpeg: jpeg[: len(jpeg) // 2], "end"),
        (lambda jpeg: jpeg[:300] + bytes(len(jpeg) - 302) + b"\xff\xd9", "decoded|JPEG"),
        (lambda jpeg: b"\xff\xd8" + b"?" * 1000 + b"\xff\xd9", "decoded"),
    ],
    ids=["empty", "no beginning", "cut off", "header broken", "no JPEG"],
)
def test_a_broken_jpeg_is_refused(jpeg, spoil, says):
    with pytest.raises(BrokenPhoto, match=says):
        decoded(spoil(jpeg))


def test_a_tiny_picture_is_no_photo():
    coded = io.BytesIO()
    Image.new("RGB", (32, 32)).save(coded, "JPEG")
    with pytest.raises(BrokenPhoto, match="only 32 x 32"):
        decoded(coded.getvalue())

import cv2
import numpy as np
import pytest

from device.experts.coach import INTENTS, advice, coach, find_blindness, find_fault
from device.experts.instruments import open_instruments
from device.experts.scene import Scene
from models.reading import Line
from sim.renderings.colours import draw


@pytest.fixture(scope="module")
def good():
    """A table with things on it and something written."""
    picture = cv2.resize(draw("4169e1", "daylight", "clutter", "mug", np.random.default_rng(2)), (1280, 720))
    for row in range(4):
        cv2.putText(picture, "A line of writing", (330, 200 + 90 * row), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (20, 20, 20), 3)
    return cv2.addWeighted(picture, 1.6, cv2.GaussianBlur(picture, (0, 0), 2), -0.6, 0)


def line(left, top, right, bottom, angle=0.0):
    quad = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return Line("some text", ((quad - quad.mean(0)) @ turn + quad.mean(0)).astype(np.float32), 0.9)


def moved(picture, length, angle):
    kernel = np.zeros((length, length), np.float32)
    middle = (length - 1) / 2
    for step in np.linspace(-middle, middle, 4 * length):
        kernel[round(middle + step * np.sin(angle)), round(middle + step * np.cos(angle))] = 1
    return cv2.filter2D(picture, -1, kernel / kernel.sum())


def glaring(picture):
    rows, columns = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]]
    distance = ((columns - 640) / 150) ** 2 + ((rows - 360) / 75) ** 2
    return np.clip(picture + (420 * np.exp(-0.35 * distance))[..., None], 0, 255).astype(np.uint8)


def test_a_good_picture_needs_no_advice(good):
    assert advice(good) is None
    assert coach(Scene(good, open_instruments())) is None


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda p: (p * 0.06).astype(np.uint8), "dark"),
        (lambda p: p * 0, "black"),
        (lambda p: p * 0 + 255, "white"),
        (lambda p: cv2.GaussianBlur(p, (0, 0), 9), "blurred"),
        (lambda p: moved(p, 45, 0.4), "moved"),
        (lambda p: moved(p, 45, 1.6), "moved"),
        (lambda p: (cv2.GaussianBlur(p, (0, 0), 150) * 0.1 + np.array([150, 85, 65])).astype(np.uint8), "covered"),
        (glaring, "glare"),
    ],
)
def test_says_what_is_wrong(good, spoil, fault):
    found = find_fault(spoil(good))
    # Through some faults there is still something to see.
    assert find_blindness(spoil(good)) == (None if fault in ("blurred", "moved", "glare") else found)
    assert found is not None
    assert found.name == fault


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([line(900, 300, 1279, 340), line(900, 350, 1279, 390)], "Tilt right, the text is cut off."),
        ([line(0, 300, 400, 340)], "Tilt left, the text is cut off."),
        ([line(0, 300, 1279, 340)], "Go back a little, the text is cut off."),
        ([line(400, 0, 700, 30)], "Tilt up, the text is cut off."),
        ([line(600, 300, 660, 307)], "The text is too small; go closer."),
        ([line(500, 300, 700, 325, 0.6)], "The text is tilted; hold it straight."),
        ([line(300, 300, 700, 340)], None),
    ],
)
def test_advice_about_text(good, lines, sentence):
    assert advice(good, lines) == sentence


def test_the_claim_says_why_and_where(good):
    scene = Scene(good, open_instruments())
    vars(scene)["lines"] = (line(900, 300, 1279, 340),)
    answer = coach(scene)
    assert answer.claims[0].finding == "text cut off on the right"
    assert answer.claims[0].box == pytest.approx((900 / 1280, 300 / 720, 1279 / 1280, 340 / 720), abs=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (720, 3), (1280, 720), (5774, 8660)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_pictures_of_any_size(shape, level):
    assert advice(np.full((*shape, 3), level, np.uint8))


@pytest.mark.parametrize(
    ("question", "mine"),
    [
        ("is the picture any good", True),
        ("is it sharp?", True),
        ("can you see well", True),
        ("what's wrong with the picture", True),
        ("is my camera covered", True),
        ("is this good for me to eat", False),
        ("can you see a dog", False),
        ("what is in the picture", False),
    ],
)
def test_which_questions_are_about_the_picture(question, mine):
    assert any(intent.match(question) for intent in INTENTS) == mine

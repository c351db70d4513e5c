import numpy as np
import pytest

from device.experts.colour import INTENTS, spoken
from device.experts.colour.surfaces import surfaces
from device.experts.instruments import open_instruments
from device.experts.scene import Scene
from models.colour_space import from_oklab, to_linear, to_oklab, to_srgb
from sim.renderings.colours import draw


def patch(*colours, size=(240, 320), wall=(205, 205, 203)):
    """Colours side by side in the middle of a light grey wall."""
    picture = np.full((*size, 3), wall, np.uint8)
    height, width = size
    for strip, columns in zip(
        colours, np.array_split(np.arange(width // 5, 4 * width // 5), len(colours)), strict=True
    ):
        picture[height // 5 : 4 * height // 5, columns] = strip
    return picture


def ask(question, pixels, before=None):
    instruments = open_instruments()
    scene = Scene(pixels, instruments, before=None if before is None else Scene(before, instruments))
    for intent in INTENTS:
        words = intent.match(question)
        if words is not None and (answer := intent.answer(scene, words)) is not None:
            return answer
    return None


RED, BLUE, GREEN, WHITE = (200, 20, 30), (30, 70, 200), (40, 150, 60), (250, 250, 250)


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        (RED, "red"),
        (BLUE, "blue"),
        (GREEN, "green"),
        ((250, 210, 40), "yellow"),
        ((240, 130, 30), "orange"),
        ((120, 50, 150), "purple"),
        ((250, 150, 190), "pink"),
        ((110, 65, 30), "brown"),
        ((128, 128, 128), "grey"),
        ((12, 12, 12), "black"),
        ((150, 200, 250), "light blue"),
        ((10, 20, 70), "navy"),
    ],
)
def test_everyday_names(rgb, name):
    assert ask("What colour is this?", patch(rgb)).text == f"It is {name}."


@pytest.mark.parametrize("light", ["daylight", "tungsten", "shade", "fluorescent"])
@pytest.mark.parametrize(("paint", "name"), [("bb1e10", "red"), ("4169e1", "blue"), ("228b22", "green")])
def test_the_light_does_not_change_the_name(light, paint, name):
    rng = np.random.default_rng(4)
    assert surfaces(draw(paint, light, "white", "mug", rng))[0].basic == name


def test_two_colours_are_both_named():
    said = ask("what color is it", patch(RED, WHITE))
    assert said.text in ("It is red and white.", "It is white and red.")
    assert {claim.finding for claim in said.claims} == {"red", "white"}


def test_between_two_names_both_are_said():
    """Something between blue and turquoise, or green and turquoise, somewhere on the way is unsure."""
    blue, green = (to_oklab(to_linear(np.array(rgb, np.uint8))) for rgb in ((40, 110, 200), (60, 170, 80)))
    mixed = [to_srgb(from_oklab(blue * (1 - t) + green * t)) for t in np.linspace(0, 1, 15)]
    said = [spoken(surfaces(patch(rgb)))[0] for rgb in mixed]
    assert said[0].endswith("blue")
    assert said[-1].endswith("green")
    assert any("either" in text for text in said)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("is this red", "Yes, it is red."),
        ("Is it blue?", "No, it is red."),
        ("is this red or blue", "It is red."),
        ("is it green or yellow", "Neither; it is red."),
        ("what is the colour of this", "It is red."),
        ("which color is the thing in the middle", "It is red."),
    ],
)
def test_questions_about_a_red_thing(question, answer):
    assert ask(question, patch(RED)).text == answer


def test_are_these_two_the_same():
    assert ask("are these two the same colour", patch(BLUE, BLUE)).text == "They look the same colour: blue."
    other = ask("are they the same color?", patch(RED, GREEN)).text
    assert other == "They are different colours: the left one is red, the right one is green."


def test_the_same_as_the_picture_before():
    assert "the same colour" in ask("is this the same colour as before", patch(BLUE), before=patch(BLUE)).text
    assert "different" in ask("is this the same colour as the last one", patch(BLUE), before=patch(GREEN)).text
    assert "nothing to compare" in ask("is this the same colour as before", patch(BLUE)).text


@pytest.mark.parametrize(
    "question", ["what is this", "is this vegan", "what colour", "is the light on", "read the red sign"]
)
def test_only_colour_questions_match(question):
    assert any(intent.match(question) for intent in INTENTS) == ("colour" in question)


def test_too_dark_to_tell():
    assert "nothing but black" in ask("what colour is this", np.zeros((240, 320, 3), np.uint8)).text


@pytest.mark.parametrize("shape", [(1, 1), (2, 700), (1280, 720), (5774, 8660)])
def test_any_size(shape):
    found = surfaces(np.full((*shape, 3), RED, np.uint8))
    assert found[0].basic == "red"
    assert found[0].share == pytest.approx(1)


def test_claims_hold_the_names_and_the_place():
    (claim,) = ask("what colour is this", patch(RED)).claims
    assert claim.finding == "red"
    assert claim.box is not None
    assert 0 < claim.confidence <= 1

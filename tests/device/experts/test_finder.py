"""Finding things: what is asked, what is meant, where it is, and what is said about real photos."""

import json
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from device.cli.find import find as find_command
from device.evidence import Basis
from device.experts.finder.place import angle, direction, where
from device.experts.finder.questions import INTENTS
from device.experts.finder.search import count, find, peak_box
from device.experts.finder.words import look_up, plural, singular
from device.experts.instruments import open_instruments
from device.experts.scene import Instruments, Scene
from device.seeing.photo import read_photo
from models.objects import Detection, Detections

PICTURES = Path(__file__).parents[3] / "sim/scenarios/pictures"
NAMES = ("person", "couch", "cell phone", "dining table", "wine glass", "cup", "dog", "cat", "bus", "door", "knife")


@pytest.mark.parametrize(
    ("question", "intent", "thing"),
    [
        ("Where is my phone?", "where is it", "my phone"),
        ("Where's the nearest exit?", "where is it", "the nearest exit"),
        ("Can you show me where the door is?", "where is it", "the door"),
        ("Find my keys, please.", "where is it", "my keys"),
        ("Point me to the sofa", "where is it", "the sofa"),
        ("Is there a dog?", "is there one", "a dog"),
        ("Are there any people here?", "is there one", "any people"),
        ("Can you see a bus in the picture?", "is there one", "a bus"),
        ("How many people are there?", "how many", "people"),
        ("How many kites are in the sky?", "how many", "kites"),
        ("What objects do you see?", "what things", None),
    ],
)
def test_questions_for_the_finder(question, intent, thing):
    matched = [(i.name, words.get("thing")) for i in INTENTS if (words := i.match(question)) is not None]
    assert matched == [(intent, thing)]


@pytest.mark.parametrize(
    "question",
    [
        "Where am I?",
        "Where is this?",
        "Is it a dog?",
        "Is the door open?",
        "What is this?",
        "What do you see?",
        "Find the word exit",
        "How many people are wearing red hats?",
        "How much is it?",
    ],
)
def test_questions_for_others(question):
    assert not [i.name for i in INTENTS if i.match(question)]


@pytest.mark.parametrize(
    ("word", "names", "exact"),
    [
        ("the sofa", ("couch",), True),
        ("my phone", ("cell phone",), True),
        ("people", ("person",), True),
        ("a woman", ("person",), False),
        ("wine glasses", ("wine glass",), True),
        ("glasses", ("wine glass", "cup"), True),
        ("tables", ("dining table",), True),
        ("buses", ("bus",), True),
        ("knives", ("knife",), True),
        ("puppies", ("dog",), False),
    ],
)
def test_everyday_words(word, names, exact):
    thing = look_up(word, NAMES)
    assert thing is not None
    assert (thing.names, thing.exact) == (names, exact)


def test_a_word_that_nothing_stands_for():
    assert look_up("the happiness", NAMES) is None


@pytest.mark.parametrize("name", ["bus", "couch", "knife", "person", "toothbrush", "cup", "sheep", "wine glass"])
def test_plurals_lead_back(name):
    thing = look_up(plural(name), [name])
    assert thing is not None
    assert thing.names == (name,)
    assert singular(name) == name


def test_clock_positions():
    wide = (1600, 900)
    assert direction((0.45, 0.4, 0.55, 0.6), wide) == "12 o'clock"
    assert direction((0.0, 0.4, 0.2, 0.6), wide) == "11 o'clock"
    assert direction((0.8, 0.4, 1.0, 0.6), wide) == "1 o'clock"
    assert angle((1.0, 0, 1.0, 1), wide) == pytest.approx(35)
    assert angle((1.0, 0, 1.0, 1), (900, 1600)) == pytest.approx(21.5, abs=0.1)  # upright, the camera sees less aside
    assert where((0.0, 0.8, 0.1, 0.9), wide) == "at 11 o'clock, low down, small in view"
    assert where((0.3, 0.0, 0.5, 0.2), wide) == "at 12 o'clock, a little to the left, high up"


def test_the_box_of_a_map_is_around_its_peak():
    cells = np.zeros((7, 7), np.float32)
    cells[2, 4], cells[2, 5], cells[6, 0] = 10, 8, 9
    assert peak_box(cells) == pytest.approx((4 / 7, 2 / 7, 6 / 7, 3 / 7))
    assert peak_box(np.zeros((4, 4), np.float32)) == pytest.approx((0, 0, 1, 1))


def scene_with(presence, *boxes, amounts=None):
    """A scene in which the head is taken to have found this; nothing else is looked at."""
    scene = Scene(np.zeros((90, 160, 3), np.uint8), cast(Instruments, None))
    found = Detections(
        dict.fromkeys(NAMES, 0.01) | presence,
        boxes,
        dict.fromkeys(NAMES, 0.4),
        dict.fromkeys(NAMES, 0.1),
        amounts or {},
        (1.5, 2.5),
    )
    scene.__dict__["objects"] = found
    return scene


def ask(scene, question):
    for intent in INTENTS:
        words = intent.match(question)
        if words is not None:
            return intent.answer(scene, words)
    raise AssertionError(question)


def box(name, score, left=0.45):
    return Detection(name, (left, 0.4, left + 0.1, 0.6), score)


class TestAnswers:
    def test_where(self):
        answer = ask(scene_with({"couch": 0.9}, box("couch", 0.8, 0.0)), "Where is the sofa?")
        assert answer.text == "I see a couch at 11 o'clock, at eye level, small in view."
        assert [(c.finding, c.basis) for c in answer.claims] == [
            ("couch", Basis.INFERRED),
            ("11 o'clock", Basis.MEASURED),
        ]

    def test_yes_no_and_in_between(self):
        question = "Is there a dog?"
        assert ask(scene_with({"dog": 0.9}, box("dog", 0.8)), question).text.startswith(
            "Yes. I see a dog at 12 o'clock"
        )
        assert "not sure" in ask(scene_with({"dog": 0.2}, box("dog", 0.2)), question).text
        assert ask(scene_with({}), question).text == "No, as far as I can tell. I don't see a dog here."

    def test_a_narrower_word_is_not_claimed(self):
        answer = ask(scene_with({"person": 0.9}, box("person", 0.8)), "Do you see a woman?")
        assert answer.text.startswith("I see a person")
        assert answer.text.endswith("Whether it is a woman, I cannot tell.")
        assert all("woman" not in claim.finding for claim in answer.claims)

    def test_a_wider_word_is_any_of_several(self):
        assert "a cup" in ask(scene_with({"cup": 0.8}, box("cup", 0.8)), "Where is my glass?").text
        assert "don't see a glass" in ask(scene_with({}), "Is there a glass?").text

    def test_counts_only_what_can_be_trusted(self):
        two = box("person", 0.9, 0.1), box("person", 0.8, 0.7)
        question = "How many people are there?"
        assert ask(scene_with({"person": 0.9}, *two), question).text.startswith("I see at least two people;")
        more = scene_with({"person": 0.9}, *two, box("person", 0.4, 0.4), amounts={"person": 2.7})
        assert ask(more, question).text.startswith("I see at least two people;")
        sighting = find(more, "people")
        assert sighting is not None
        assert count(sighting).number == 3
        assert ask(scene_with({"person": 0.9}), question).text.startswith("I see at least one person;")

    def test_every_number_has_a_claim(self):
        answer = ask(scene_with({"person": 0.9}, box("person", 0.9)), "How many people are there?")
        assert "at least one person" in [claim.finding for claim in answer.claims]

    def test_what_is_sought_and_unknown_is_said_to_be(self, instruments):
        scene = Scene(np.full((240, 320, 3), 120, np.uint8), instruments)
        assert ask(scene, "Where are my keys?").text == "I do not know what keys look like."
        assert ask(scene, "Find the inhaler.").text.endswith("an inhaler looks like, and I cannot read the word here.")
        assert ask(scene, "Which way is the exit?").text.startswith("I do not know what an exit looks like")
        assert ask(scene, "Find something to eat.") is None
        assert ask(scene, "Where is the sunset?") is None

    def test_words_that_mean_nothing_are_left_to_others(self):
        assert ask(scene_with({}), "Is there a reason?") is None
        assert ask(scene_with({}), "How many slices of bread are there?") is None


@pytest.fixture(scope="module")
def instruments():
    return open_instruments()


def photo(name, instruments):
    return Scene(read_photo(PICTURES / name), instruments)


class TestRealPhotos:
    def test_finds_a_banana(self, instruments):
        answer = ask(photo("banana.jpg", instruments), "Is there a banana?")
        assert answer.text.startswith("Yes. I see a banana at 12 o'clock")

    def test_does_not_find_an_elephant(self, instruments):
        answer = ask(photo("banana.jpg", instruments), "Is there an elephant here?")
        assert answer.text.startswith("No, as far as I can tell.")

    def test_finds_by_the_names_of_the_encoder(self, instruments, demo_photo):
        answer = ask(Scene(read_photo(demo_photo), instruments), "Where is the pineapple?")
        assert "a pineapple" in answer.text
        assert "o'clock" in answer.text

    def test_finds_what_is_written(self, instruments):
        import cv2

        page = np.full((360, 640, 3), 255, np.uint8)
        cv2.putText(page, "EXIT", (440, 90), cv2.FONT_HERSHEY_DUPLEX, 2.2, (20, 20, 20), 5)
        answer = ask(Scene(page, instruments), "Where is the exit?")
        assert answer.text.startswith("I read “EXIT” at 1 o'clock, high up")
        assert answer.claims[0].basis is Basis.VERBATIM

    @pytest.mark.parametrize("shape", [(1, 1), (3, 900), (2000, 30), (480, 640)])
    @pytest.mark.parametrize("shade", [0, 255])
    def test_nothing_is_found_in_nothing(self, instruments, shape, shade):
        scene = Scene(np.full((*shape, 3), shade, np.uint8), instruments)
        answer = ask(scene, "Where is the dog?")
        assert "I see a dog" not in answer.text


def run(*arguments):
    result = CliRunner().invoke(find_command, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output


class TestCommand:
    def test_one_thing(self, tmp_path):
        drawn = tmp_path / "out.png"
        record = json.loads(run("--image", PICTURES / "banana.jpg", "--name", "bananas", "--json", "--show", drawn))
        assert record["found"] is True
        assert record["boxes"][0]["name"] == "banana"
        assert record["count"] >= 1
        assert "banana" in record["where"]
        assert Image.open(drawn).size[0] >= 224

    def test_all_things(self):
        record = json.loads(run("--image", PICTURES / "banana.jpg", "--json"))
        assert "banana" in record["presence"]

    def test_an_unknown_word(self):
        record = json.loads(run("--image", PICTURES / "banana.jpg", "--name", "justice", "--json"))
        assert record["found"] is None
        assert record["boxes"] == []

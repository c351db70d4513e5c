"""What the glasses show: cards, and a light that says what is on."""

import numpy as np

from device.evidence import Basis, Claim
from device.face import LIGHTS, LONGEST, Face
from device.glasses import Frame, Light
from device.habits import State
from device.turn import Turn


class Seen:
    """Remembers what is shown."""

    def __init__(self):
        self.cards, self.lights = [], []

    def show(self, cards, picture=None):
        self.cards = [(card.title, card.text) for card in cards]
        self.shown, self.picture = cards, picture

    def light(self, light):
        self.lights.append(light)


def face():
    seen = Seen()
    return Face(seen, seen), seen


def test_a_light_for_every_state_and_dark_only_while_it_sleeps():
    assert set(LIGHTS) == {state.value for state in State}
    assert [state for state, light in LIGHTS.items() if light is Light.OFF] == ["asleep"]
    shown, seen = face()
    for state in ("listening", "thinking", "speaking", "asleep"):
        shown.event("state", state)
    assert seen.lights == [Light.GREEN, Light.YELLOW, Light.BLUE, Light.OFF]


def test_cards_of_a_turn_replace_each_other_and_go_with_it():
    shown, seen = face()
    shown.event("state", "listening")
    shown.event("partial", "What is")
    shown.event("transcript", "What is this?")
    shown.event("saying", "A pine")
    assert seen.cards == [("You", "What is this?"), ("Glint", "A pine")]
    shown.turn(Turn(answer="A pineapple."))
    assert seen.cards == [("You", "What is this?"), ("Glint", "A pineapple.")]
    shown.event("state", "asleep")
    assert seen.cards == []


def test_a_new_question_takes_the_place_of_the_answer_before():
    shown, seen = face()
    shown.turn(Turn(answer="A pineapple."))
    shown.event("partial", "And what")
    assert seen.cards == [("You", "And what")]


def test_once_a_turn_is_over_its_card_is_shown_with_the_picture_it_points_at():
    shown, seen = face()
    claim = Claim("text", "EXIT", 0.9, Basis.VERBATIM, (0.1, 0.1, 0.4, 0.3), "EXIT")
    frame = Frame(np.zeros((48, 64, 3), np.uint8), 1.0)
    shown.event("saying", "It says: EXIT.")
    assert not seen.shown[-1].is_rich
    shown.turn(Turn(answer="It says: EXIT.", answered_by="read", evidence=[claim], frame=frame))
    assert seen.shown[-1].is_rich
    assert seen.picture is frame.pixels
    assert seen.cards == [("Text", "It says: EXIT.")]
    shown.turn(Turn(answer="A dog.", answered_by="model", frame=frame))
    assert seen.picture is None
    shown.turn(Turn(answer="It says: EXIT.", answered_by="read", evidence=[claim], frame=frame))
    shown.event("state", "asleep")
    assert seen.cards == []
    assert seen.picture is None


def test_trouble_stays_until_the_wearer_asks_again():
    shown, seen = face()
    shown.event("note", "Battery low, 14 %.")
    shown.event("state", "asleep")
    assert seen.cards == [("Note", "Battery low, 14 %.")]
    shown.event("state", "listening")
    assert seen.cards == []


def test_no_card_is_longer_than_a_glance():
    shown, seen = face()
    shown.event("saying", "word " * 100 + "end.")
    ((_, text),) = seen.cards
    assert len(text) == LONGEST
    assert text.startswith("\u2026")
    assert text.endswith("end.")

"""What the glasses show: cards, and a light that says what is on."""

from device.face import LIGHTS, LONGEST, Face
from device.glasses import Light
from device.habits import State
from device.turn import Turn


class Seen:
    """Remembers what is shown."""

    def __init__(self):
        self.cards, self.lights = [], []

    def show(self, cards):
        self.cards = [(card.title, card.text) for card in cards]

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

import io

import pytest
from rich.console import Console

from device.cards.card import Card, Reading, Row, Rows, Shape, Text, Timer
from device.cards.terminal import panel
from device.evidence import Basis
from tests.device.cards.test_card_model import EVERYTHING


def printed(card, columns=80, colour=False, **options):
    out = io.StringIO()
    console = Console(file=out, width=columns, force_terminal=colour, color_system="truecolor" if colour else None)
    console.print(panel(card, **options))
    return out.getvalue()


def test_everything_but_the_picture_is_there_in_words():
    text = printed(EVERYTHING, now=1_800_000_000.5 - 245)
    for words in ("Comparison", "0 g", "per 100 g", "that", "4 g ?", "<b>&", "4:05", "tea", "read on the left"):
        assert words in text, text
    assert "\x1b" not in text


def test_bars_are_as_long_as_their_values():
    rows = tuple(Row(Basis.VERBATIM, name=f"r{n}", value=f"{n}", amount=n) for n in (6.0, 24.0, -12.0))
    text = printed(Card("", (Rows(rows, Shape.BARS),)))
    assert [line.count("\u2588") for line in text.splitlines() if "r" in line] == [6, 24, 12]


def test_markup_and_control_codes_in_what_was_read_are_only_words():
    odd = "[bold red]\x1b[2J\x1b]0;x\x07[/]"
    rows = Rows((Row(Basis.VERBATIM, name=odd, value=odd), Row(name="b")), Shape.LIST, odd)
    text = printed(Card(odd, (Text(text=odd), Reading(value=odd, unit=odd, caption=odd), rows), odd))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert text.count("[bold red]") == 9


def test_a_guess_is_marked_without_colours_too_and_a_colour_is_shown_in_its_own():
    guess = Card("Count", (Reading(Basis.INFERRED, value="3", unit="dogs"),))
    assert "3 ? dogs" in printed(guess)
    swatch = Card("Colour", (Rows((Row(Basis.MEASURED, name="red", colour="#ff2010"),), Shape.LIST),))
    assert "38;2;255;32;16" in printed(swatch, colour=True)


@pytest.mark.parametrize("columns", [10, 20, 40, 200])
def test_no_line_is_wider_than_the_terminal(columns):
    assert max(map(len, printed(EVERYTHING, columns).splitlines())) <= columns


def test_a_timer_that_is_over():
    assert "0:00  tea" in printed(Card("", (Timer("tea", 10.0, 5.0),)), now=99.0)

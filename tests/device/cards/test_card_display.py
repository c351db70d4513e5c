"""A card as 256 x 256 pixels: it can be read (by the real reader), nothing is lost without a count."""

import re
import time

import numpy as np
import pytest
from PIL import ImageColor

from device.cards.card import Card, Picture, Reading, Row, Rows, Shape, Text, Timer, text_card
from device.cards.display import MOST_PAGES, SIDE, pages, screen
from device.cards.ink import AMBER, FONTS, MINT, font_of, wrapped
from device.evidence import Basis
from models.reading import TextReader
from tests.device.cards.test_card_model import EVERYTHING

READ = Basis.VERBATIM


@pytest.fixture(scope="module")
def read():
    """All that stands on a page, enlarged as an eye sees it."""
    reader = TextReader(2)
    return lambda page: " ".join(line.text for line in reader.read(np.kron(page, np.ones((3, 3, 1), np.uint8))))


def has(page, colour):
    return bool((page == ImageColor.getrgb(colour)).all(-1).any())


def table(count):
    return Card("Table", (Rows(tuple(Row(READ, name=f"row {n}", value=f"{n}.5 g") for n in range(count))),))


@pytest.mark.parametrize("picture", [None, np.full((90, 160, 3), 120, np.uint8), np.zeros((1, 1, 3), np.uint8)])
def test_every_part_makes_pages_of_the_right_size(picture):
    for page in pages(EVERYTHING, picture):
        assert page.shape == (SIDE, SIDE, 3)
        assert page.dtype == np.uint8
        assert page.max() > 200


def test_a_reading_is_read_at_a_glance_and_says_where_from(read):
    (page,) = pages(
        Card(
            "Price",
            (Reading(READ, value="€2.49"), Rows((Row(READ, name="per kg", value="€4.98"),))),
            "read in the middle",
        )
    )
    seen = read(page)
    for words in ("2.49", "4.98", "per kg", "read in the middle", "Price"):
        assert words.replace(" ", "") in seen.replace(" ", ""), seen
    tall = [row for row in (page > 200).all(-1).any(1).nonzero()[0] if row < 150]
    assert max(tall) - min(tall) > 40


def test_what_does_not_fit_goes_on_and_the_pages_say_which(read):
    shown = pages(table(14))
    assert len(shown) == 3
    assert "1/3" in read(shown[0])
    seen = [re.findall(r"\b(\d+)\.5", read(page)) for page in shown]
    assert [len(some) for some in seen] == [6, 6, 2]
    assert [int(one) for some in seen for one in some] == list(range(14))


def test_what_is_left_out_is_counted(read):
    shown = pages(table(100))
    assert len(shown) == MOST_PAGES
    assert f"and {100 - 6 * MOST_PAGES + 1} more" in read(shown[-1])


def test_a_long_text_is_a_few_lines_a_page(read):
    text = " ".join(f"word{n}" for n in range(60))
    shown = pages(text_card("Glint", text))
    assert 2 < len(shown) <= MOST_PAGES
    together = " ".join(read(page) for page in shown).replace(" ", "")
    assert sum(f"word{n}" in together for n in range(60)) >= 58  # as the reader's own mistakes allow


def test_a_guess_looks_like_one_and_what_is_asked_for_stands_out():
    sure, guess = (Card("Count", (Reading(basis, value="3"),)) for basis in (READ, Basis.INFERRED))
    assert not has(pages(sure)[0], AMBER)
    assert has(pages(guess)[0], AMBER)
    plain, best = (Card("", (Rows((Row(READ, name="a", value="1", best=best),)),)) for best in (False, True))
    title = pages(plain)[0][40:232]
    assert not has(title, MINT)
    assert has(pages(best)[0][40:232], MINT)


def test_bars_are_as_long_as_their_values():
    rows = tuple(Row(READ, name=f"r{n}", value=f"{n}", amount=float(n), best=True) for n in (1, 2, 4))
    (page,) = pages(Card("", (Rows(rows, Shape.BARS),)))
    lengths = (page[40:] == ImageColor.getrgb(MINT)).all(-1).sum(1)
    bars = sorted({int(n) for n in lengths if n > 50})
    assert max(bars) == pytest.approx(237, abs=3)
    assert any(abs(n - 118) <= 3 for n in bars)
    assert any(abs(n - 59) <= 3 for n in bars)


def test_a_picture_is_cropped_and_its_places_are_boxed():
    picture = np.zeros((400, 400, 3), np.uint8)
    picture[200:, 200:] = (200, 0, 0)
    row = Row(READ, box=(0.6, 0.6, 0.9, 0.9), name="it", best=True)
    whole = pages(Card("", (Rows((row,), Shape.LIST), Picture())), picture)
    cropped = pages(Card("", (Rows((row,), Shape.LIST), Picture(crop=(0.5, 0.5, 1.0, 1.0)))), picture)
    red = [sum(int((page == (200, 0, 0)).all(-1).sum()) for page in shown) for shown in (whole, cropped)]
    assert red[1] > 2.5 * red[0]
    assert has(cropped[-1], MINT)
    unseen = pages(Card("", (Rows((row,), Shape.LIST), Picture())))
    assert len(unseen) == 1


def test_boxes_that_lie_outside_or_are_turned_round_are_no_trouble():
    picture = np.full((50, 80, 3), 99, np.uint8)
    for box in ((-1.0, -1.0, 5.0, 5.0), (0.9, 0.9, 0.1, 0.1), (0.5, 0.5, 0.5, 0.5), (2.0, 2.0, 3.0, 3.0)):
        assert pages(Card("", (Text(READ, box=box, text="x"), Picture(box))), picture)


def test_a_timer_runs_down_to_nothing(read):
    card = Card("Timer", (Timer("tea", 1000.0, 300.0),))
    assert "4:05" in read(pages(card, now=755.0)[0])
    (over,) = pages(card, now=2000.0)
    assert re.search(r"\b0\W?00\b", read(over))
    assert has(over, AMBER)


def test_several_cards_share_the_view(read):
    seen = read(screen([text_card("You", "What is this?"), text_card("Glint", "A pineapple.")]))
    assert "You: What is this" in seen
    assert "pineapple" in seen
    noted = read(screen([text_card("Note", "Battery low"), EVERYTHING]))
    assert "Battery low" in noted
    assert "sugar" in noted
    assert screen([]).max() == 0


def test_words_are_broken_only_where_they_must_be():
    font = font_of(20)
    assert wrapped("a bb ccc", font, 1000) == ["a bb ccc"]
    assert wrapped("", font, 100) == []
    broken = wrapped("x" * 200 + " end", font, 100)
    assert all(font.getlength(line) <= 100 for line in broken)
    assert "".join(broken).replace("end", "").strip() == "x" * 200


def test_letters_of_european_scripts_and_currencies_have_a_shape():
    missing = bytes(font_of(30).getmask("\uffff"))
    for letter in "éßÅñłšžİŞαβЖя€£¥₹≈…°½“":
        assert bytes(font_of(30).getmask(letter)) != missing, letter
    assert (FONTS / "LICENSE.txt").is_file()


def test_a_page_takes_a_few_milliseconds():
    pages(EVERYTHING)
    start = time.perf_counter()
    for _ in range(10):
        pages(table(6))
    assert (time.perf_counter() - start) / 10 < 0.1  # generous: it is 3 ms alone on two cores

"""From a real answer to its card: what is on it, and that nothing is that no claim holds."""

import re

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from device.cards.card import Picture, Reading, Rows, Shape, Text
from device.cards.ink import FONTS
from device.cards.of_answer import KINDS, by_row, card_of
from device.evidence import Basis, Claim
from device.experts.table import intents
from device.thinking.facts import legible, numbers_in
from device.turn import Turn
from sim.renderings.facts import written


def rows_of(card):
    return next(part for part in card.parts if isinstance(part, Rows))


def reading_of(card):
    return next(part for part in card.parts if isinstance(part, Reading))


def values(card):
    return {row.name: row.value for row in rows_of(card).rows}


def words(card):
    """All words of a card that are not the assistant's own titles."""
    for part in card.parts:
        if isinstance(part, Text):
            yield part.text
        elif isinstance(part, Reading):
            yield f"{part.value} {part.unit} {part.caption}"
        elif isinstance(part, Rows):
            yield part.heading
            yield from (f"{row.name}: {row.value}" for row in part.rows)


def assert_borne_out(asked):
    """Every number on the card was read in the picture, or said by a claim of the answer."""
    lines = " | ".join(line.text for line in asked.scene.lines)
    known = numbers_in(lines) | {n for c in asked.turn.evidence for n in numbers_in(f"{c.finding} | {c.line or ''}")}
    known |= {100}  # per 100 g
    for text in words(asked.card):
        if "\u2248" not in text:  # measured off a chart's axis
            assert numbers_in(text) <= known, text


def test_every_kind_is_a_row_that_an_expert_has_and_none_is_there_twice():
    names = [name for kind in KINDS for name in kind.rows]
    assert len(names) == len(set(names)) == len(by_row())
    assert set(names) - {row.name for row in intents()} == {"evidence"}


def test_a_nutrient_is_a_reading_and_the_whole_table_with_its_row_highlighted(ask, label):
    scene, fields = label
    asked = ask("How much sugar is in it?", scene)
    reading = reading_of(asked.card)
    assert (reading.value, reading.unit) == (written(fields["sugars"]), "g")
    assert reading.caption.startswith("sugar per 100 ")
    assert reading.basis is Basis.VERBATIM
    table = values(asked.card)
    assert table["energy"] == f"{written(fields['energy'])} kcal"
    assert table["protein"] == f"{written(fields['protein'])} g"
    assert [row.name for row in rows_of(asked.card).rows if row.best] == ["sugar"]
    assert asked.card.source.startswith("read ")
    assert_borne_out(asked)
    alone = asked.card_of_record
    assert reading_of(alone) == reading
    assert not any(isinstance(part, Rows) for part in alone.parts)


def test_nutrition_facts_are_a_table_with_and_without_the_picture(ask, label):
    scene, fields = label
    asked = ask("What are the nutrition facts?", scene)
    for card in (asked.card, asked.card_of_record):
        table = values(card)
        assert table["fat"] == f"{written(fields['fat'])} g"
        assert table["carbohydrate"] == f"{written(fields['carbohydrate'])} g"
        assert rows_of(card).heading.startswith("per 100 ")
    assert_borne_out(asked)


def test_two_labels_are_compared_as_bars(ask, look, label, other_label):
    (one, less), (other, more) = sorted((label, other_label), key=lambda side: side[1]["sugars"])
    asked = ask("Which has less sugar?", look(other.pixels, before=one))
    rows = rows_of(asked.card)
    assert rows.shape is Shape.BARS
    assert {row.name: row.amount for row in rows.rows} == {"this one": more["sugars"], "the one before": less["sugars"]}
    assert [row.name for row in rows.rows if row.best] == ["the one before"]
    assert [row.box is None for row in rows.rows if row.name == "the one before"] == [True]
    assert asked.card.parts[-1] == Picture(asked.card.parts[-1].crop)


def test_two_tags_are_compared_by_the_kilo_and_each_is_boxed_where_it_hangs(ask, two_tags):
    scene, _, per_kilo = two_tags
    asked = ask("Which is cheaper?", scene)
    rows = {row.name: row for row in rows_of(asked.card).rows}
    assert (rows["the left one"].amount, rows["the right one"].amount) == per_kilo
    assert rows["the right one"].best
    assert not rows["the left one"].best
    assert rows["the left one"].value == "£4.80"
    assert rows["the left one"].box[2] < 0.5 < rows["the right one"].box[0]
    assert rows_of(asked.card).heading == "price per kg"
    assert rows_of(asked.card_of_record).rows[0].box is None


def test_prices_of_two_tags_are_told_by_their_places(ask, two_tags):
    scene, prices, _ = two_tags
    asked = ask("How much do these cost?", scene)
    listed = [(row.name, row.value) for row in rows_of(asked.card).rows]
    for price, side in zip(prices, ("left", "right"), strict=True):
        assert any(name == f"£{price:.2f}" and side in place for name, place in listed), listed


def test_a_package_its_ingredients_size_and_date(ask, packet):
    scene, truth = packet
    listed = ask("What are the ingredients?", scene).card
    assert rows_of(listed).shape is Shape.LIST
    assert len(rows_of(listed).rows) >= 5
    assert bool(truth["allergens"]) == any(row.best for row in rows_of(listed).rows)
    size = reading_of(ask("How big is it?", scene).card)
    assert (size.value, size.unit) == (f"{truth['size']['value']:g}", truth["size"]["unit"])
    dated = ask("When does it expire?", scene)
    day = np.datetime64(truth["date"]["value"]).astype(object)
    assert reading_of(dated.card).value == f"{day.day} {day:%B} {day.year}"
    assert any(isinstance(part, Text) and "day" in part.text for part in dated.card.parts)
    for asked in (dated, ask("What allergens are in it?", scene)):
        assert_borne_out(asked)
        assert asked.card.answer == asked.turn.answer


def test_what_may_have_been_missed_is_said_on_the_card_too(ask, packet):
    card = ask("What allergens are in it?", packet[0]).card
    assert "may have missed" in " ".join(part.text for part in card.parts if isinstance(part, Text))


@pytest.fixture(scope="module")
def poster(look):
    picture = Image.new("RGB", (900, 560), "white")
    font = ImageFont.truetype(FONTS / "DejaVuSansCondensed-Bold.ttf", 60)
    for number, line in enumerate(("OPENING HOURS", "Mon 9:00 to 18:00", "<b>Closed</b> now", "info@example.org")):
        ImageDraw.Draw(picture).text((40, 30 + 120 * number), line, "black", font)
    return look(np.asarray(picture))


def test_several_lines_are_a_list_with_boxes_from_the_top_down(ask, poster):
    card = ask("Read this", poster).card
    rows = rows_of(card).rows
    assert [row.name for row in rows][:2] == ["OPENING HOURS", "Mon 9:00 to 18:00"]
    assert any("<b>" in row.name for row in rows)
    assert [row.box[1] for row in rows] == sorted(row.box[1] for row in rows)
    assert all(row.basis is Basis.VERBATIM for row in rows)


def test_one_line_a_spelling_and_an_address_are_large_text(ask, poster):
    line = ask("Read the first line", poster).card
    assert [part.text for part in line.parts if isinstance(part, Text)] == ["OPENING HOURS"]
    spelled = ask("Spell the first word", poster).card
    assert [part.text for part in spelled.parts if isinstance(part, Text)][-1] == "O P E N I N G"
    address = ask("What is the email address?", poster).card
    assert address.parts[0].text == "info@example.org"
    assert address.parts[0].box[1] > 0.5


def test_where_a_word_stands(ask, poster):
    card = ask("Find the word Closed", poster).card
    (row,) = rows_of(card).rows
    assert "Closed" in row.name
    assert 0.3 < row.box[1] < 0.7
    assert card.parts[-1].crop is not None


def test_a_colour_has_a_swatch_of_it(ask, look):
    picture = np.full((480, 640, 3), 235, np.uint8)
    picture[120:360, 160:480] = (30, 60, 190)
    (row,) = rows_of(ask("What colour is this?", look(picture)).card).rows
    assert "blue" in row.name
    red, green, blue = (int(row.colour[at : at + 2], 16) for at in (1, 3, 5))
    assert blue > red + 60
    assert blue > green + 60


def test_a_code_shows_the_host_and_no_guess(ask, look):
    from device.seeing.photo import read_photo
    from tests.conftest import ROOT

    card = ask("scan the code", look(read_photo(ROOT / "sim/scenarios/pictures/code.png"))).card
    assert (card.title, card.parts[0].text, card.parts[0].is_guess) == ("Code", "example.org", False)
    assert card.boxes


def test_found_things_are_guesses_with_a_place(ask, look):
    from device.seeing.photo import read_photo
    from tests.conftest import ROOT

    banana = look(read_photo(ROOT / "sim/scenarios/pictures/banana.jpg"))
    card = ask("Where is the banana?", banana).card
    (row,) = rows_of(card).rows
    assert row.name == "banana"
    assert row.is_guess
    assert re.match(r"\d+ o'clock, ", row.value)
    assert "my guess" in card.source
    assert rows_of(ask("What objects do you see?", banana).card).rows[0].name == "banana"
    assert reading_of(ask("How many bananas are there?", banana).card).value.endswith("+")


def test_the_values_of_a_chart_are_bars(ask, look, tmp_path):
    from tests.device.experts.test_charts import CITIES, bar_chart

    asked = ask("Which city is the highest?", look(np.asarray(bar_chart())))
    rows = rows_of(asked.card)
    assert rows.shape is Shape.BARS
    assert rows.heading == "Rainy days by city"
    assert {row.name for row in rows.rows} == set(CITIES)
    for row in rows.rows:
        assert row.amount == pytest.approx(CITIES[row.name], abs=2)
        assert row.value.startswith("\u2248 ")
        assert row.basis is Basis.MEASURED
    assert [row.name for row in rows.rows if row.best] == ["Delhi"]
    alone = asked.card_of_record
    assert reading_of(alone).caption == "Delhi"


def test_why_points_at_what_the_answer_before_rests_on(ask, poster):
    from device.thinking.explain import explained

    before = ask("Read this", poster).turn
    answer = explained("show me", before.evidence)
    card = card_of(Turn(answer=answer.text, answered_by="evidence", evidence=list(answer.claims)))
    assert len(rows_of(card).rows) == len(answer.claims)
    assert card.boxes == tuple(claim.box for claim in answer.claims)


def test_everything_else_is_shown_as_it_is_said():
    refused = card_of(Turn(answered_by="who is it", answer="I never say who somebody is."))
    assert not refused.is_rich
    assert refused.text == "I never say who somebody is."
    guess = card_of(Turn(answered_by="model", answer="I think it is a dog.", evidence=[Claim("names", "dog", 0.4)]))
    assert not guess.is_rich
    assert guess.parts[0].is_guess
    assert guess.source == "my guess"


def test_a_value_that_no_claim_holds_is_on_no_card():
    forged = Turn(
        answered_by="price", answer="It says 2.49 euros.", evidence=[Claim("labels", "It", 0.9, Basis.VERBATIM)]
    )
    assert not any("2.49" in legible(text) for text in words(card_of(forged)))
    unsure = Turn(
        answered_by="price", answer="It says 2.49 euros.", evidence=[Claim("labels", "2.49 euros", 0.1, Basis.VERBATIM)]
    )
    assert not any("2.49" in legible(text) for text in words(card_of(unsure)))
    borne_out = Turn(
        answered_by="price", answer="It says 2.49 euros.", evidence=[Claim("labels", "2.49 euros", 0.9, Basis.VERBATIM)]
    )
    assert reading_of(card_of(borne_out)).value == "€2.49"


@pytest.mark.parametrize("row", sorted(by_row()))
def test_claims_of_a_form_that_nobody_thought_of_become_words(row):
    """No answer, however odd its claims, keeps a turn from being shown."""
    odd = ("", "7", "a", "x: y", "5 kg against", "(((", "has less", "at least", "Per : 3 g")
    for basis in Basis:
        for finding in odd:
            claims = [Claim("labels", finding, 0.9, basis, (0.1, 0.1, 0.2, 0.2), None)]
            for evidence in (claims, claims * 3, [*claims, Claim("labels", "b", 0.9, basis)]):
                card = card_of(Turn(answered_by=row, answer="Something.", evidence=evidence))
                assert card.parts

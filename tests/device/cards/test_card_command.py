"""`glint card`: a turn that was written down, in the terminal, as a page and as pixels."""

import json

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from device.cards.files import card_of_record
from device.cli.card import card
from device.evidence import Basis, Claim
from device.turn import Turn
from models.errors import GlintError

TURN = Turn(
    transcript="How much is it?",
    answer="It says 2.49 euros.",
    answered_by="price",
    evidence=[Claim("labels", "2.49 euros", 0.95, Basis.VERBATIM, (0.2, 0.3, 0.6, 0.5), "2,49 €")],
)


@pytest.fixture
def glint_card(tmp_path):
    def run(record, *options):
        path = tmp_path / "turn.json"
        path.write_text(record if isinstance(record, str) else json.dumps(record), encoding="utf-8")
        return CliRunner().invoke(card, [str(path), *map(str, options)], env={"COLUMNS": "80"})

    return run


def test_the_terminal_shows_it(glint_card):
    done = glint_card(TURN.as_dict())
    assert done.exit_code == 0, done.output
    assert "€2.49" in done.output
    assert "Price" in done.output


def test_of_a_log_the_last_turn_is_taken(glint_card):
    lines = [json.dumps(Turn(answer="First.").as_dict()), json.dumps(TURN.as_dict())]
    assert "€2.49" in glint_card("\n".join(lines) + "\n").output


def test_a_page_with_the_picture_that_the_turn_names(glint_card, tmp_path):
    photo = tmp_path / "shelf.png"
    Image.fromarray(np.full((90, 160, 3), 90, np.uint8)).save(photo)
    record = TURN.as_dict() | {"picture": str(photo)}
    assert glint_card(record, "--out", tmp_path / "card.html").exit_code == 0
    assert "data:image/jpeg" in (tmp_path / "card.html").read_text()
    assert glint_card(TURN.as_dict(), "--out", tmp_path / "bare.html").exit_code == 0
    assert "data:image" not in (tmp_path / "bare.html").read_text()
    assert glint_card(TURN.as_dict(), "--image", photo, "--out", tmp_path / "given.html").exit_code == 0
    assert "data:image/jpeg" in (tmp_path / "given.html").read_text()


def test_the_pages_of_the_display_side_by_side(glint_card, tmp_path):
    assert glint_card(TURN.as_dict(), "--out", tmp_path / "card.png").exit_code == 0
    assert Image.open(tmp_path / "card.png").size == (256, 256)


@pytest.mark.parametrize("record", ["", "no json", "[1, 2]", "{}", '{"answer": 3}', '{"card": {"title": "x"}}'])
def test_what_is_no_turn_is_said_so(glint_card, record):
    done = glint_card(record)
    assert isinstance(done.exception, GlintError)


@pytest.mark.parametrize("name", ["card.xyz", "nowhere/card.png", "nowhere/card.html"])
def test_a_file_that_cannot_be_written(glint_card, tmp_path, name):
    done = glint_card(TURN.as_dict(), "--out", tmp_path / name)
    assert isinstance(done.exception, GlintError)
    assert "cannot be written" in str(done.exception)


def test_a_card_that_the_turn_carries_is_the_one_that_is_shown():
    record = TURN.as_dict() | {"card": {"title": "Mine", "parts": [{"part": "text", "text": "Hello"}]}}
    assert card_of_record(record).title == "Mine"


def test_help_says_how_to_get_a_turn():
    assert isinstance(card, click.Command)
    assert "glint ask" in CliRunner().invoke(card, ["--help"]).output

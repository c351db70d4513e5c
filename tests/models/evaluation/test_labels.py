import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from device.cli.evaluate_labels import labels
from models.evaluation.labels import evaluate_labels, numbers_in, same
from sim.renderings.labels import render


@pytest.mark.parametrize(
    ("value", "truth", "expected"),
    [
        (6.2, 6.2, True),
        (6.3, 6.2, False),
        (250.0, 251, False),
        (14.55, 14.545454, True),
        (0.16, {"value": 160, "unit": "mg"}, True),
        (97.75, {"value": 409, "unit": "kJ"}, True),
        (None, 0, False),
    ],
)
def test_when_a_value_is_the_printed_one(value, truth, expected):
    assert same(value, truth) is expected


def row(**truth):
    return {"file": "a.jpg", "path": "a.jpg", "fields": {}, **truth}


def test_wrong_and_missed_are_told_apart():
    rows = [row(fields={"fat": 5.0, "salt": 0.3, "protein": 8.0, "sugars": 1.0}, distortion="blur")]
    read = {"fields": {"fat": {"value": 5.0}, "salt": {"value": 3.0}, "protein": {"value": 8.0}}}
    report = evaluate_labels(rows, lambda path: read)
    assert report.figures["exact"] == 0.5
    assert report.figures["wrong"] == 0.25
    assert report.figures["missed"] == 0.25
    assert report.figures["exact_blur"] == 0.5
    assert report.answers[0]["judged"]["fields.salt"] == "wrong"


def test_prices_sizes_and_dates():
    rows = [
        row(
            price={"value": 2.49, "currency": "EUR"},
            unit_price={"value": 4.98, "per": 1, "unit": "kg"},
            size={"value": 0.5, "unit": "kg"},
            date={"value": "2026-03-12", "kind": "use by"},
        )
    ]
    read = {
        "price": {"value": 2.49, "unit": "EUR"},
        "unit_price": {"value": 0.498, "unit": "EUR", "per": 100, "per_unit": "g"},
        "size": {"value": 500.0, "unit": "g"},
        "dates": [{"value": "2026-03-12", "kind": "best before"}],
    }
    figures = evaluate_labels(rows, lambda path: read).figures
    assert (figures["exact_price"], figures["exact_unit_price"], figures["exact_size"]) == (1, 1, 1)
    assert (figures["exact_date"], figures["wrong_date"]) == (0, 1)


def test_the_language_model_is_scored_by_the_number_it_says():
    asked = [{"question": "How much fat is in it per 100 g?", "answer": 5.0}] * 4
    said = iter(["Per 100 g it has 5 g.", "There are 5,0 grams of fat.", "About 50 g.", "I don't know."])
    figures = evaluate_labels([row(questions=asked)], lambda path: {}, lambda path, question: next(said)).figures
    assert figures["exact_model_alone"] == 0.5
    assert figures["questions"] == 4


def test_numbers_with_a_comma_or_a_point():
    assert numbers_in("6,2 g or 12.5 g of 100") == [6.2, 12.5, 100]


def test_the_command_reads_a_drawn_set(tmp_path):
    render(tmp_path, seed=7, count=4)
    result = CliRunner().invoke(
        labels,
        ["--data", str(tmp_path / "data.jsonl"), "--no-model", "--json", "--answers", str(tmp_path / "a.jsonl")],
        catch_exceptions=False,
    )
    figures = json.loads(result.stdout)
    assert figures["exact"] > 0.8
    assert figures["wrong"] < 0.05
    assert figures["pictures"] == 4
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 4


def test_a_blank_picture_is_missed_not_wrong(tmp_path):
    Image.fromarray(np.zeros((72, 128, 3), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "data.jsonl").write_text(json.dumps({"file": "a.png", "fields": {"fat": 1.0}}) + "\n")
    result = CliRunner().invoke(labels, ["--data", str(tmp_path / "data.jsonl"), "--no-model", "--json"])
    assert json.loads(result.stdout)["missed"] == 1

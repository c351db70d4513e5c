"""The scores of a router, and the complaints about a file of phrasings."""

import json

import pytest
from click.testing import CliRunner

from device.cli.evaluate_routing import routing
from models.errors import GlintError
from models.evaluation.routing import confusions, evaluate_routing, read_phrasings

ROWS = [
    {"text": "how much is it", "intent": "price"},
    {"text": "what does it cost", "intent": "price"},
    {"text": "how heavy is it", "intent": "size"},
    {"text": "stop", "intent": "stop"},
]


def written(tmp_path, *lines):
    file = tmp_path / "phrasings.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return file


def test_shares_of_what_is_right():
    route = {"how much is it": "price", "what does it cost": "price", "how heavy is it": "price", "stop": "stop"}
    report = evaluate_routing(ROWS, route.__getitem__)
    assert report.figures == {
        "accuracy": 0.75,
        "phrasings": 4,
        "accuracy_price": 1.0,
        "accuracy_size": 0.0,
        "accuracy_stop": 1.0,
    }
    table = confusions(report.answers)
    assert "size   0/1    price 1" in table
    assert "price  2/2" in table


def test_the_model_is_asked_about_rows_spread_evenly():
    asked = []

    def alone(text):
        asked.append(text)
        return "price"

    figures = evaluate_routing(ROWS, lambda text: "price", alone, most=2).figures
    assert asked == ["how much is it", "how heavy is it"]
    assert figures["accuracy_model_alone"] == 0.5
    assert figures["phrasings_model_alone"] == 2


def test_a_name_that_there_is_not_is_answered_with_those_there_are(tmp_path):
    file = written(tmp_path, ROWS[0], {"text": "hello", "intent": "greeting"})
    with pytest.raises(GlintError, match=r"line 2: there is no intent 'greeting'; the intents are price, size"):
        read_phrasings(file, ["size", "price"])


@pytest.mark.parametrize("line", ["{", "[]", '{"text": "x"}', '{"text": 3, "intent": "price"}', '{"intent": "price"}'])
def test_a_line_that_is_none_is_named(tmp_path, line):
    with pytest.raises(GlintError, match="line 2: expected a JSON object with text and intent"):
        read_phrasings(written(tmp_path, ROWS[0], line), ["price"])


def test_no_lines_and_no_file(tmp_path):
    with pytest.raises(GlintError, match="no lines"):
        read_phrasings(written(tmp_path, ""), ["price"])
    with pytest.raises(GlintError, match="cannot be read"):
        read_phrasings(tmp_path / "none.jsonl", ["price"])


def test_the_command(tmp_path):
    told = CliRunner().invoke(routing, ["--data", str(written(tmp_path, *ROWS)), "--no-model", "--json"])
    assert told.exit_code == 0
    figures = json.loads(told.stdout)
    assert figures["accuracy"] == 1.0
    assert "price  2/2" in told.stderr


@pytest.mark.slow
def test_the_model_chooses_one_of_the_names(tmp_path):
    told = CliRunner().invoke(routing, ["--data", str(written(tmp_path, *ROWS)), "--json"])
    assert told.exit_code == 0
    figures = json.loads(told.stdout)
    assert 0 <= figures["accuracy_model_alone"] <= 1
    assert figures["phrasings_model_alone"] == 4

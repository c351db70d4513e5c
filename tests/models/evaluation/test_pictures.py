import json

import pytest

from models.errors import GlintError
from models.evaluation.calibration import calibration_error
from models.evaluation.pictures import Told, evaluate_captions, evaluate_names, evaluate_questions, is_dev, read_rows


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_captions_are_asked_for_and_scored(tmp_path):
    rows = [
        {"file": f"{i}.jpg", "captions": [text, text + " outside"]}
        for i, text in enumerate(["a dog runs on the grass", "two men play soccer on a field", "a red bus on a street"])
    ]
    data = read_rows(lines(tmp_path / "c.jsonl", rows), "captions")
    asked = []

    def answer(path, question):
        asked.append((path, question))
        return rows[int(path.stem)]["captions"][0]

    report = evaluate_captions(data, answer)
    assert asked[1] == (tmp_path / "1.jpg", "Describe what you see.")
    assert report.figures["bleu_4"] == 1
    assert report.figures["cider"] > 5
    assert evaluate_captions(data, lambda path, question: "a cat").figures["cider"] < 1


def test_names_count_synonyms_and_kinds(tmp_path):
    rows = [
        {"file": "a.jpg", "name": "Royal Gala", "kind": "Apple"},
        {"file": "b.jpg", "name": "couch", "synonyms": ["sofa"]},
    ]
    data = read_rows(lines(tmp_path / "n.jsonl", rows), "name")
    said = {"a.jpg": "A Pink Lady apple.", "b.jpg": "A sofa."}
    report = evaluate_names(data, lambda path, question: said[path.name])
    assert report.figures == {"exact": 0.5, "pictures": 2, "kind_exact": 1.0}


def test_questions_by_type_and_votes(tmp_path):
    rows = [
        {"file": "a.jpg", "question": "Is it?", "answer": "yes", "answers": {"yes": 10}, "type": "yes/no"},
        {"file": "a.jpg", "question": "How many?", "answer": "2", "answers": {"2": 8, "3": 2}, "type": "number"},
        {"file": "b.jpg", "question": "what?", "answers": ["lamp", "desk"]},
    ]
    data = read_rows(lines(tmp_path / "q.jsonl", rows), "question")
    said = {"Is it?": "Yes.", "How many?": "3", "what?": "Desk"}
    figures = evaluate_questions(data, lambda path, question: said[question]).figures
    assert figures["exact"] == 1
    assert figures["exact_yes_no"] == figures["exact_number"] == 1
    assert figures["vqa_accuracy"] == pytest.approx((1 + (2 / 3 * 8 + 1 / 3 * 2) / 10) / 2, abs=1e-3)


def test_how_far_chances_are_from_what_is_right(tmp_path):
    rows = [{"file": f"{i}.jpg", "name": "couch"} for i in range(10)]
    data = read_rows(lines(tmp_path / "n.jsonl", rows), "name")

    def answer(path, question):
        return Told("A couch." if int(path.stem) < 6 else "A lamp.", 0.9 if int(path.stem) < 5 else 0.25)

    report = evaluate_names(data, answer)
    assert report.figures["calibration_error"] == pytest.approx((0.1 * 5 + abs(0.25 - 1 / 5) * 5) / 10)
    assert report.answers[0]["chance"] == 0.9


def test_calibration_error_by_its_definition():
    assert calibration_error([1.0, 1.0, 0.0], [True, True, False]) == 0
    assert calibration_error([1.0] * 4, [True, False] * 2) == 0.5
    assert calibration_error([0.31, 0.39], [True, False]) == pytest.approx(0.15)  # together in one range
    with pytest.raises(ValueError, match="no answers"):
        calibration_error([], [])


def test_limit_and_dev_split(tmp_path):
    path = lines(tmp_path / "n.jsonl", [{"file": f"images/{i}.jpg", "name": "x"} for i in range(50)])
    assert len(read_rows(path, "name", limit=7)) == 7
    kept = read_rows(path, "name", dev_only=True)
    assert 0 < len(kept) < 25
    assert all(is_dev(row["file"]) for row in kept)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "no lines"),
        (b'{"file": "a.jpg"}\n', "line 1: expected"),
        (b'{"file": "a.jpg", "name": "x"}\nnot json\n', "line 2: expected"),
        (b"[1]\n", "line 1: expected"),
        (b"\xff\xfe", "not text"),
    ],
)
def test_bad_files_are_named(tmp_path, content, sentence):
    path = tmp_path / "data.jsonl"
    path.write_bytes(content)
    with pytest.raises(GlintError, match=sentence):
        read_rows(path, "name")
    with pytest.raises(GlintError, match="cannot be read"):
        read_rows(tmp_path / "missing.jsonl", "name")

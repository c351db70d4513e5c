"""`glint bench thinking` on a handful of questions about the demo's photo, by the real default model."""

import json
import shutil

import pytest
from click.testing import CliRunner

from device.cli.bench import bench
from models.errors import GlintError
from sim.benchmark.benches.thinking import BENCH
from sim.benchmark.thinking import figures_of, read_questions, whether


@pytest.fixture(scope="module")
def data(tmp_path_factory, demo_photo):
    folder = tmp_path_factory.mktemp("questions")
    shutil.copy(demo_photo, folder / "photo.jpg")
    lines = [
        {"file": "photo.jpg", "question": "What is this?", "answers": {"pineapple": 9, "fruit": 1}},
        {"file": "photo.jpg", "question": "Is there a dog in the picture?", "answer": "no"},
        {"file": "photo.jpg", "statement": "The dog is on the pineapple.", "true": 0},
        {"file": "photo.jpg", "question": "What is the airspeed of a swallow?", "answers": ["unknowable"]},
    ]
    (folder / "questions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder / "questions.jsonl"


def run(*words):
    done = CliRunner().invoke(bench, ["thinking", *map(str, words)])
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.slow
def test_a_row_for_each_number_of_paths(data, tmp_path):
    answers = tmp_path / "answers.jsonl"
    code, said, _ = run("--data", data, "--answers", answers, "--json", "--report", tmp_path / "report")
    assert code == 0
    found = json.loads(said)
    assert found["questions"] == 4
    assert [row["paths"] for row in found["rows"]] == [1, 2, 4, 8, 16]
    for row in found["rows"]:
        assert 0.25 <= row["accuracy"] <= 0.75  # nobody knows of the swallow
        assert row["vqa_accuracy"] == 1.0
        assert row["tokens_per_correct"] == pytest.approx(row["tokens"] / row["accuracy"], abs=0.01)
        for name in ("accuracy", "seconds", "cpu_seconds", "tokens", "tokens_per_correct"):
            assert found[f"{name}_{row['paths']}"] == row[name] > 0
    assert found["rows"][0]["won"] == found["rows"][0]["lost"] == 0
    assert found["read_1"] == 1 < found["read_2"] == 2 <= found["read_4"] <= found["read_16"] <= 16
    assert found["seconds_1"] < found["seconds_2"] <= found["seconds_8"]
    known = [name for name in found if name not in ("machine", "versions")]
    assert all(BENCH.find(name) for name in known)
    page = (tmp_path / "report/index.html").read_text()
    assert ">accuracy_8<" in page
    assert "{" not in page.split("<table")[-1]

    code, said, _ = run("--data", data, "--answers", answers)  # every answer is there: nothing is asked
    assert code == 0
    assert "tokens_per_correct" in said
    assert "{" not in said
    assert len(answers.read_text().splitlines()) == 4


def test_without_questions_it_says_what_to_give():
    with pytest.raises(GlintError, match="Give questions about photos with --data FILE"):
        bench.main(["thinking"], standalone_mode=False)


def test_questions_are_spread_over_the_file_and_held_out_ones_told_apart(tmp_path):
    lines = [{"file": f"{n}.jpg", "question": f"What is number {n}?", "answer": "it"} for n in range(100)]
    (tmp_path / "many.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    some = read_questions([tmp_path / "many.jsonl"], 4, dev=False)
    assert [row["file"] for row in some] == ["0.jpg", "25.jpg", "50.jpg", "75.jpg"]
    held_out = read_questions([tmp_path / "many.jsonl"] * 2, None, dev=True)
    assert 20 < len(held_out) < 80
    (tmp_path / "captions.jsonl").write_text(json.dumps({"file": "0.jpg", "captions": ["A thing."]}))
    with pytest.raises(GlintError, match="expected file, question and answer"):
        read_questions([tmp_path / "captions.jsonl"], None, dev=False)


def test_a_statement_becomes_a_question():
    assert whether("The laptop is below the person.") == "Is the laptop below the person?"
    assert whether("Two cats are sleeping.") == "Two cats are sleeping. Is that true?"


def test_figures_of_outcomes():
    def outcome(right, tokens):
        costs = {"seconds": 1.0, "cpu_seconds": 2.0, "steps": 3, "read": 1}
        return {"accuracy": right, "vqa_accuracy": None, "tokens": tokens, **costs}

    records = [
        {"paths": {"1": outcome(0.0, 2), "2": outcome(1.0, 4)}},
        {"paths": {"1": outcome(0.0, 2), "2": outcome(0.0, 6)}},
    ]
    found = figures_of(records, (1, 2))
    assert found["rows"][1]["tokens_per_correct"] == found["tokens_per_correct_2"] == 10
    assert found["rows"][0]["tokens_per_correct"] is None
    assert "tokens_per_correct_1" not in found
    assert (found["won_2"], found["lost_2"]) == (1, 0)

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from models.evaluation.text import evaluate_text, is_found, overlap, plain_words
from models.reading import Line, Word


def quad(left, top, width=40, height=10):
    right, bottom = left + width, top + height
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def line(text, left=0, top=0):
    words = tuple(Word(word, quad(left + 50 * i, top), 0.9) for i, word in enumerate(text.split()))
    return Line(text, quad(left, top, 50 * len(words)), 0.9, words)


def row(words, places):
    quads = [quad(*place).ravel().tolist() for place in places]
    return {"file": "a.jpg", "path": Path("a.jpg"), "words": words, "quads": quads}


def test_words_count_without_case_and_punctuation_and_from_three_letters_on():
    assert plain_words(["Don't go, EXIT-42!", "exit"]) == Counter({"dont": 1, "exit42": 1, "exit": 1})


def test_figures_of_words():
    rows = [row(["Exit", "Gate", "ab"], [(0, 0), (0, 50), (0, 90)])]
    figures = evaluate_text(rows, lambda picture: ([line("EXIT. now")], 0.25)).figures
    assert figures["recall"] == 0.5
    assert figures["precision"] == 0.5
    assert figures["f1"] == 0.5
    assert figures["seconds_per_image"] == 0.25
    assert "f1_model_alone" not in figures


def test_a_word_must_stand_in_its_place():
    rows = [row(["Exit"], [(0, 0)])]
    assert evaluate_text(rows, lambda picture: ([line("Exit", 5)], 0)).figures["f1_iou"] == 1
    assert evaluate_text(rows, lambda picture: ([line("Exit", 30)], 0)).figures["f1_iou"] == 0
    assert evaluate_text(rows, lambda picture: ([line("Exit")] * 2, 0)).figures["f1_iou"] == pytest.approx(0.6667)


def test_nothing_read_and_nothing_there():
    assert evaluate_text([row(["Exit"], [(0, 0)])], lambda picture: ([], 0)).figures["f1"] == 0
    assert evaluate_text([row([], [])], lambda picture: ([], 0)).figures["f1"] == 0


def test_the_model_alone_is_scored_in_the_same_way():
    rows = [row(["Exit", "here"], [(0, 0), (50, 0)])]
    report = evaluate_text(rows, lambda picture: ([line("Exit here")], 0), lambda picture, question: "An exit sign.")
    assert report.figures["f1"] == 1
    assert report.figures["recall_model_alone"] == 0.5
    assert report.figures["precision_model_alone"] == 0.5


def test_fields_of_a_receipt():
    rows = [
        {"file": "r.jpg", "path": Path("r.jpg"), "lines": ["TOTAL", "9.00"], "key": {"total": "9.00", "date": "1/2/20"}}
    ]
    figures = evaluate_text(rows, lambda picture: ([line("Total 9.00"), line("11/2/20")], 0)).figures
    assert figures["key_found_total"] == 1
    assert figures["key_found_date"] == 0
    assert figures["key_found"] == 0.5


def test_a_value_may_run_over_lines_but_not_stand_inside_a_number():
    assert is_found("12 High Street, Leeds", ["12 HIGH STREET,", "LEEDS"])
    assert is_found("9.00", ["RM9.00"])
    assert not is_found("9.00", ["19.00"])
    assert not is_found("9.00", ["9.005"])
    assert not is_found("", ["anything"])


def test_overlap():
    assert overlap(quad(0, 0), quad(0, 0)) == pytest.approx(1)
    assert overlap(quad(0, 0), quad(20, 0)) == pytest.approx(1 / 3)
    assert overlap(quad(0, 0), quad(100, 100)) == 0

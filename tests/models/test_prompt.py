import numpy as np

from models.prompt import HintRule, PromptTemplate, hint_text, named

RULES = [
    HintRule("names", 0, ["Granny Smith apple", "Lemon"], 0.3, 1, ", "),
    HintRule("words", 2, ["dog", "grass", "Lemon"], 0.25, 2, " "),
]


def test_hints_are_the_best_above_the_threshold_in_the_order_of_the_rules():
    assert hint_text(np.array([0.4, 0.9, 0.3, 0.8, 0.0]), RULES) == "Lemon; grass dog"
    assert named(np.array([0.4, 0.9, 0.3, 0.8, 0.0]), RULES[0]) == [("Lemon", 0.9)]


def test_a_name_is_never_said_twice_and_an_empty_block_leaves_no_mark():
    assert hint_text(np.array([0.1, 0.9, 0.1, 0.1, 0.9]), RULES) == "Lemon"
    assert hint_text(np.zeros(5), RULES) == ""


def test_template_without_hints():
    template = PromptTemplate("<u>", "\nHints: {hints}.", "", "\n{question}<e>", "<e>")
    assert template.after_image("") == ""
    assert template.after_image("dog {question}") == "\nHints: dog {question}."
    assert template.question("Why {hints}?") == "\nWhy {hints}?<e>"


def test_what_is_told_of_a_block_stands_in_its_place():
    scores = np.array([0.4, 0.9, 0.3, 0.8, 0.0])
    second = RULES[1].label
    assert hint_text(scores, RULES, {second: ["2 cat", "Lemon"]}) == "Lemon; 2 cat"
    assert hint_text(scores, RULES, {second: []}) == "Lemon"

"""What is read off charts that are drawn here, photographed askew, and what is no chart."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from device.evidence import Basis
from device.experts.charts import INTENTS, chart_of
from device.experts.charts.axis import find_axis
from device.experts.charts.items import Item, number
from device.experts.charts.straighten import straightened, straightening
from device.experts.instruments import open_instruments
from device.experts.scene import Scene

CITIES = {"Oslo": 34.0, "Lima": 61.0, "Cairo": 48.0, "Delhi": 82.0, "Quito": 27.0}
LEFT, RIGHT, BASE, TALL = 200, 1120, 600, 460


@pytest.fixture(scope="module")
def instruments():
    return open_instruments()


def font(size):
    return ImageFont.load_default(size)


def height(value, top=100.0):
    return BASE - TALL * value / top


def blank(title):
    image = Image.new("RGB", (1280, 720), "white")
    pen = ImageDraw.Draw(image)
    pen.text((640, 40), title, "black", font(44), anchor="mt")
    return image, pen


def scale(pen, texts, values):
    for text, value in zip(texts, values, strict=True):
        pen.line((LEFT, height(value), RIGHT, height(value)), "#cccccc", 2)
        pen.text((LEFT - 15, height(value)), text, "black", font(28), anchor="rm")


def names_below(pen, names):
    places = np.linspace(LEFT, RIGHT, 2 * len(names) + 1)[1::2]
    for place, name in zip(places, names, strict=True):
        pen.text((place, BASE + 14), name, "black", font(28), anchor="mt")
    return places


def bar_chart(values=CITIES, axis=True, printed=False, unit=""):
    image, pen = blank("Rainy days by city")
    if axis:
        scale(pen, [f"{tick}{unit}" for tick in range(0, 101, 20)], range(0, 101, 20))
    for place, value in zip(names_below(pen, values), values.values(), strict=True):
        pen.rectangle((place - 50, height(value), place + 50, BASE), "#1f77b4")
        if printed:
            pen.text((place, height(value) - 8), f"{value:g}", "black", font(28), anchor="mb")
    return np.asarray(image)


def line_chart(series):
    image, pen = blank("Visitors per year")
    scale(pen, [str(tick) for tick in range(0, 101, 20)], range(0, 101, 20))
    years = ["2019", "2020", "2021", "2022", "2023"]
    for number_, ((name, values), colour) in enumerate(zip(series.items(), ("#d62728", "#2ca02c"), strict=False)):
        points = [(x, height(value)) for x, value in zip(names_below(pen, years), values, strict=True)]
        pen.line(points, colour, 5)
        if name:
            pen.line((300 + 250 * number_, 112, 340 + 250 * number_, 112), colour, 6)
            pen.text((352 + 250 * number_, 112), name, "black", font(28), anchor="lm")
    return np.asarray(image)


def level_bars():
    image, pen = blank("Books lent")
    for tick in range(0, 501, 100):
        at = 260 + 1.8 * tick
        pen.text((at, 640), str(tick), "black", font(28), anchor="mt")
    for row, (name, value) in enumerate({"North": 410, "South": 150, "West": 295}.items()):
        top = 150 + 150 * row
        pen.rectangle((260, top, 260 + 1.8 * value, top + 90), "#e07b00")
        pen.text((245, top + 45), name, "black", font(28), anchor="rm")
    return np.asarray(image)


def askew(pixels):
    """As a camera held by hand sees it: turned, in perspective, with noise."""
    goal = np.float32([[70, 60], [1240, 20], [1200, 700], [40, 640]])
    source = np.float32([[0, 0], [1280, 0], [1280, 720], [0, 720]])
    seen = cv2.warpPerspective(pixels, cv2.getPerspectiveTransform(source, goal), (1280, 720), borderValue=(90, 80, 70))
    noise = np.random.default_rng(1).normal(0, 3, seen.shape)
    return np.clip(seen + noise, 0, 255).astype(np.uint8)


def ask(scene, question):
    """The answer of the first row that matches and answers."""
    for intent in INTENTS:
        words = intent.match(question)
        if words is not None and (answer := intent.answer(scene, words)) is not None:
            return answer
    return None


@pytest.mark.parametrize("seen", [lambda pixels: pixels, askew], ids=["flat", "askew"])
def test_bars_are_measured_and_said_to_be_about(instruments, seen):
    scene = Scene(seen(bar_chart()), instruments)
    assert ask(scene, "What is the title?").text == "The title is Rainy days by city."
    assert ask(scene, "What kind of chart is this?").text == "It is a bar chart."
    highest = ask(scene, "Which bar is the highest?")
    assert highest.text.startswith("The highest is Delhi, at about 8")
    assert ask(scene, "Which one is the smallest?").claims[0].finding == "Quito"
    for name, value in CITIES.items():
        answer = ask(scene, f"What is the value for {name}?")
        measured = answer.claims[0]
        assert measured.basis is Basis.MEASURED
        assert f"about {measured.finding}" in answer.text
        assert float(measured.finding) == pytest.approx(value, abs=2)


def test_printed_values_are_verbatim_with_an_axis_and_without(instruments):
    for axis in (True, False):
        scene = Scene(bar_chart(printed=True, axis=axis), instruments)
        answer = ask(scene, "How much is Cairo?")
        assert answer.text == "For Cairo it is 48."
        assert answer.claims[0].basis is Basis.VERBATIM
        assert answer.claims[0].line == "48"


def test_the_unit_of_the_axis_is_said(instruments):
    answer = ask(Scene(bar_chart(unit="%"), instruments), "What is the highest value?")
    assert answer.claims[0].finding.endswith("%")
    assert float(answer.claims[0].finding[:-1]) == pytest.approx(82, abs=2)


def test_level_bars(instruments):
    scene = Scene(level_bars(), instruments)
    assert ask(scene, "What kind of chart is this?").claims[0].finding == "horizontal bar chart"
    assert ask(scene, "Which is the lowest?").claims[0].finding == "South"
    assert float(ask(scene, "What is the value of West?").claims[0].finding) == pytest.approx(295, abs=10)
    assert "from 0 to 500" in ask(scene, "What does the x axis show?").text


def test_a_line_and_its_trend(instruments):
    scene = Scene(askew(line_chart({"": [20, 35, 50, 62, 90]})), instruments)
    assert ask(scene, "What kind of chart is this?").text == "It is a line chart."
    trend = ask(scene, "Does it go up or down?")
    assert trend.text.startswith("It goes up, from about ")
    assert float(ask(scene, "How much was it in 2021?").claims[0].finding) == pytest.approx(50, abs=2.5)


def test_two_lines_are_told_apart_by_the_legend(instruments):
    scene = Scene(line_chart({"Plan": [20, 40, 30, 60, 70], "Actual": [55, 80, 65, 20, 35]}), instruments)
    assert ask(scene, "Which is the highest for Actual?").claims[0].finding == "2020"
    assert float(ask(scene, "What is the value for Plan in 2022?").claims[0].finding) == pytest.approx(60, abs=2.5)
    both = ask(scene, "What is the value for 2022?")
    assert " in Plan" in both.text
    assert " in Actual" in both.text
    assert {"Plan", "Actual"} <= {claim.finding for claim in both.claims}


def test_every_number_that_is_said_is_in_a_claim(instruments):
    scene = Scene(bar_chart(), instruments)
    for question in ("Describe the chart.", "What does the y axis show?", "What is the trend?"):
        answer = ask(scene, question)
        for word in answer.text.replace(",", " ").rstrip(".").split():
            if word.strip(".").isdigit():
                assert any(word.strip(".") in claim.finding for claim in answer.claims), (word, answer)


def test_what_is_not_there_is_said_to_be_missing(instruments):
    scene = Scene(bar_chart(), instruments)
    assert ask(scene, "What is the value for Paris?").text.startswith("I do not see paris in this chart. It has Oslo,")
    assert ask(scene, "What does the y axis show?").text.startswith("The y axis has no label that I can read")
    assert ask(scene, "How much is the milk?") is None


def test_a_logarithmic_axis_is_refused_but_bars_are_compared(instruments):
    image, pen = blank("Bacteria")
    for power in range(5):
        pen.text((LEFT - 15, BASE - 100 * power), f"{10**power}", "black", font(28), anchor="rm")
    names = {"Milk": 120, "Soil": 400, "Water": 260}
    for place, tall in zip(names_below(pen, names), names.values(), strict=True):
        pen.rectangle((place - 60, BASE - tall, place + 60, BASE), "#7b4ea3")
    scene = Scene(np.asarray(image), instruments)
    assert ask(scene, "Which is the highest?").text == "The highest is Soil."
    assert "logarithmic" in ask(scene, "What is the value for Milk?").text


def test_text_that_is_no_chart_is_left_to_others(instruments):
    image, pen = blank("Opening hours")
    for row, text in enumerate(("Monday 9 to 5", "Tuesday 9 to 5", "Friday 10 to 4", "Call 555 0134")):
        pen.text((200, 150 + 90 * row), text, "black", font(40))
    scene = Scene(np.asarray(image), instruments)
    for question in ("What is the highest value?", "What is the title?", "Describe the chart.", "What is the trend?"):
        assert ask(scene, question) is None


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (720, 1280), (4000, 300)])
@pytest.mark.parametrize("grey", [0, 255])
def test_empty_pictures_are_no_charts(instruments, size, grey):
    scene = Scene(np.full((*size, 3), grey, np.uint8), instruments)
    assert chart_of(scene) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,200", 1200), ("-3.5", -3.5), ("40%", 40), ("$2.5k", 2500), ("O", 0), ("12,5", 12.5), ("500-", 500)],
)
def test_numbers_as_charts_write_them(text, value):
    assert number(text) == value


@pytest.mark.parametrize("text", ["Q1", "06:00", "", "1A", "2.5.3", "ten"])
def test_what_is_no_number(text):
    assert number(text) is None


def tick(text, y):
    return Item(text, 100, y - 10, 140, y + 10, 1.0, number(text), True, 20, 0)


def test_an_axis_is_found_though_a_label_is_missing_and_one_is_misread():
    axis = find_axis([tick("0", 500), tick("20", 400), tick("60", 200), tick("8", 100), tick("100", 0)])
    assert axis.value(300) == pytest.approx(40)
    assert not axis.whole
    assert [label.text for label in axis.ticks] == ["100", "60", "20", "0"]


def test_no_axis_without_a_rule():
    assert find_axis([tick("3", 0), tick("9", 100), tick("4", 200)]) is None
    assert find_axis([tick("1", 0), tick("2", 100), tick("3", 200)]) is None  # a numbered list, larger below


def test_perspective_is_undone():
    pixels = askew(bar_chart())
    picture, matrix = straightened(pixels, straightening(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)))
    goal = np.float32([[70, 60], [1240, 20], [1200, 700], [40, 640]])
    left_top, right_top, right_bottom, left_bottom = cv2.perspectiveTransform(goal[None].astype(np.float64), matrix)[0]
    assert abs(left_top[1] - right_top[1]) < 4
    assert abs(left_bottom[1] - right_bottom[1]) < 4
    assert abs(left_top[0] - left_bottom[0]) < 4
    assert abs(right_top[0] - right_bottom[0]) < 4
    assert picture.dtype == np.uint8

"""Drawings of claims and steps on a picture."""

import numpy as np
import pytest
from PIL import Image

from device.evidence import Claim
from device.seeing.drawing import LARGEST, MOST_ROWS, SMALLEST, Sheet, draw, draw_steps, write_steps
from device.steps import Act, Step
from models.errors import GlintError

GREY = np.full((480, 640, 3), 128, np.uint8)
LOOKED = Step(Act.LOOKED, "the whole picture", ms=212.0)
READ = Step(Act.READ, "EXIT", (0.1, 0.1, 0.3, 0.2))


def sheet_of(width=640, height=480):
    return Sheet(Image.new("RGB", (width, height)))


def apart(one, other):
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_steps_are_drawn_where_they_are_and_listed_below():
    drawn = draw_steps(GREY, [LOOKED, READ])
    assert drawn.shape[1] == 640
    assert drawn.shape[0] > 480
    above, strip = drawn[:480], drawn[480:]
    changed = (above != GREY).any(2)
    assert changed[48:97, 64:193].any()  # the frame
    assert not changed[200:].any()
    assert len(np.unique(strip.reshape(-1, 3), axis=0)) > 20  # words, not a bare strip
    one_more = draw_steps(GREY, [LOOKED, READ, READ])
    assert one_more.shape[0] > drawn.shape[0]


def test_steps_without_a_place_leave_the_picture_as_it_is():
    assert (draw_steps(GREY, [LOOKED])[:480] == GREY).all()
    assert (draw_steps(GREY, []) == GREY).all()


def test_what_a_step_says_and_took_is_in_the_strip():
    def strip(step):
        return draw_steps(GREY, [step])[480:]

    other = Step(Act.LOOKED, "the whole picture", ms=8412.0)
    assert (strip(LOOKED) != strip(other)).any()
    assert (strip(LOOKED) != strip(Step(Act.LOOKED, "the other picture", ms=212.0))).any()


@pytest.mark.parametrize("size", [(1, 1), (40, 200), (224, 224), (3000, 200), (200, 3000), (4000, 3000)])
def test_any_size_is_legible_and_bounded(size):
    many = [LOOKED, *(Step(Act.READ, f"line {n} " * 30, (0.1, n / 30, 0.6, n / 30 + 0.02)) for n in range(30))]
    drawn = draw_steps(np.zeros((*size, 3), np.uint8), many)
    assert max(drawn.shape[:2]) >= SMALLEST
    assert drawn.shape[1] <= LARGEST
    assert drawn.dtype == np.uint8


def test_a_long_list_is_cut():
    def high(count):
        return draw_steps(GREY, [READ] * count).shape[0]

    assert high(MOST_ROWS) > high(MOST_ROWS - 1)
    assert high(MOST_ROWS + 1) == high(40)


def test_labels_keep_out_of_each_others_way():
    sheet = sheet_of()
    spans = [sheet.frame((0.1, 0.3 + n * 0.04, 0.4, 0.33 + n * 0.04), n) for n in range(6)]
    for number, span in enumerate(spans):
        sheet.label(f"{number}  label", span, number)
    assert all(apart(a, b) for i, a in enumerate(sheet.labels) for b in sheet.labels[:i])


def test_a_caption_that_would_hide_other_text_is_left_out():
    lines = [(0.0, n / 20, 1.0, (n + 1) / 20) for n in range(20)]
    crowded, alone = sheet_of(), sheet_of()
    spans = [crowded.frame(box, n) for n, box in enumerate(lines)]
    crowded.label("5  a caption of some length", spans[5], 5, shorter="5")
    alone.label("5  a caption of some length", alone.frame(lines[5], 5), 5, shorter="5")
    (short,), (long,) = crowded.labels, alone.labels
    assert short[2] - short[0] < 30 < long[2] - long[0]


@pytest.mark.parametrize("box", [(0, 0, 0.1, 0.05), (0.9, 0.95, 1, 1), (0, 0, 1, 1), (0.9, 0, 1, 1)])
def test_labels_stay_inside(box):
    sheet = sheet_of()
    sheet.label("a caption of some length", sheet.frame(box, 0), 0)
    (left, top, right, bottom) = sheet.labels[0]
    assert left >= 0
    assert top >= 0
    assert right <= 640
    assert bottom <= 480


def test_what_is_too_long_is_cut_to_the_width():
    sheet = sheet_of(100, 100)
    cut = sheet.fitted("a caption that is much too long for so small a picture", 90)
    assert cut.endswith("…")
    assert sheet.font.getlength(cut) <= 90


def test_claims_are_drawn_without_a_strip():
    drawn = draw(GREY, [Claim("finder", "dog", 0.9, box=(0.2, 0.2, 0.6, 0.6)), Claim("names", "thing", 0.9)])
    assert drawn.shape == GREY.shape
    assert (drawn != GREY).any()


def test_a_name_that_cannot_be_written(tmp_path):
    with pytest.raises(GlintError, match=r"cannot be written .* \.png or \.jpg"):
        write_steps(tmp_path / "steps.docx", GREY, [LOOKED])
    write_steps(tmp_path / "steps.jpg", GREY, [LOOKED])
    assert Image.open(tmp_path / "steps.jpg").format == "JPEG"

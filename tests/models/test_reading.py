import shutil

import numpy as np
import pytest

from models import fetch, reading
from models.errors import GlintError
from models.reading import TextReader
from models.reading_order import reading_order
from tests.drawn_text import bent, beside, drawn

PANGRAM = "Pack my box with five dozen jugs"


@pytest.fixture(scope="module")
def reader():
    return TextReader(2)


def texts(lines):
    return [line.text for line in lines]


def test_reads_lines_with_places_and_confidence(reader):
    first, second = reader.read(drawn("Platform 9\nMind the gap"))
    assert (first.text, second.text) == ("Platform 9", "Mind the gap")
    assert first.confidence > 0.9
    left, top = first.quad.min(0)
    assert left == pytest.approx(24, abs=12)
    assert top == pytest.approx(28, abs=12)
    assert second.quad[:, 1].min() > first.quad[:, 1].mean()


def test_a_sparing_reader_reads_the_same_again_and_again(reader):
    sparing, sign = TextReader(1, sparing=True), drawn("EXIT")
    assert texts(sparing.read(sign)) == texts(sparing.read(sign)) == texts(reader.read(sign)) == ["EXIT"]


def test_words_of_a_line_stand_beside_each_other(reader):
    (line,) = reader.read(drawn("Mind the gap"))
    assert [word.text for word in line.words] == ["Mind", "the", "gap"]
    rights = [float(word.quad[:, 0].max()) for word in line.words]
    lefts = [float(word.quad[:, 0].min()) for word in line.words]
    assert all(right <= left for right, left in zip(rights, lefts[1:], strict=False))
    assert all(word.quad.shape == (4, 2) for word in line.words)


@pytest.mark.parametrize("turned", [0, 10, 40, 90, 180, 270])
def test_reads_text_whichever_way_up(reader, turned):
    lines = reader.read(drawn("Platform nine\nMind the gap", turned=turned))
    assert texts(lines) == ["Platform nine", "Mind the gap"]


def test_quads_begin_at_the_texts_own_top_left(reader):
    (line,) = reader.read(drawn("Mind the gap", turned=180))
    assert line.quad[0, 0] > line.quad[1, 0]
    assert line.quad[0, 1] > line.quad[3, 1]


@pytest.mark.parametrize("points", [14, 20, 60, 160])
def test_reads_small_and_large_print(reader, points):
    assert texts(reader.read(drawn("Exit here", (1280, 720), points))) == ["Exit here"]


def test_reads_bent_text(reader):
    lines = reader.read(bent(drawn(PANGRAM, (640, 200), at=(40, 80)), 30))
    assert " ".join(texts(lines)).split() == PANGRAM.split()


def test_reads_light_on_dark(reader):
    assert texts(reader.read(drawn("CLOSED", ink="#dddd00", paper="#202040"))) == ["CLOSED"]


def test_a_crop_that_is_hardly_larger_than_its_text(reader):
    assert texts(reader.read(drawn("EXIT", (84, 40), 32, (4, 2)))) == ["EXIT"]


def test_columns_of_running_text_are_read_one_after_the_other(reader):
    left = drawn("The cat sat on the\nmat and looked at\nthe bird outside", (420, 240), 28)
    right = drawn("Dogs are not let in\nhere unless they\nare very small", (420, 240), 28)
    said = texts(reader.read(beside(left, right)))
    assert said == [
        *("The cat sat on the", "mat and looked at", "the bird outside"),
        *("Dogs are not let in", "here unless they", "are very small"),
    ]


def test_a_table_is_read_row_by_row(reader):
    names, prices = (drawn(text, (300, 240), 28) for text in ("Apples\nBread\nMilk", "1.20\n2.35\n0.99"))
    assert texts(reader.read(beside(names, prices))) == ["Apples", "1.20", "Bread", "2.35", "Milk", "0.99"]


@pytest.mark.slow
def test_a_thousand_words(reader):
    words = PANGRAM.split()
    page = "\n".join(" ".join(words[(i + j) % 7] for j in range(20)) for i in range(50))
    lines = reader.read(drawn(page, (1280, 1240), 16, (10, 10)))
    read = " ".join(texts(lines)).split()
    assert 950 <= len(read) <= 1010
    assert sum(word in words for word in read) > 0.9 * len(read)


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (7, 13), (40, 40), (100, 3000), (720, 1280)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_nothing_is_read_where_there_is_nothing(reader, shape, level):
    assert reader.read(np.full((*shape, 3), level, np.uint8)) == ()


def test_noise_is_no_text(reader):
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
    assert reader.read(noise) == ()


def test_a_long_strip_is_read_in_windows(reader):
    strip = drawn("\n".join(f"Station {name}" for name in ("Alma", "Bree", "Calais", "Dover")), (300, 3000), 32)
    assert texts(reader.read(strip)) == ["Station Alma", "Station Bree", "Station Calais", "Station Dover"]


def test_50_megapixels(reader):
    huge = np.full((6144, 8192, 3), 255, np.uint8)
    huge[2000:2960, 3000:5560] = np.repeat(np.repeat(drawn("Mind the gap"), 4, 0), 4, 1)
    assert texts(reader.read(huge)) == ["Mind the gap"]


def test_a_square_block_of_rows_is_ordered_by_rows():
    quads = [np.array([[x, y], [x + 50, y], [x + 50, y + 20], [x, y + 20]], np.float32) for x, y in ((100, 3), (0, 0))]
    assert reading_order(quads, [5, 5]) == [[1, 0]]
    assert reading_order([], []) == []


def test_damaged_or_missing_networks_are_one_sentence(tmp_path, monkeypatch):
    shutil.copytree(fetch.ensure(reading.MODEL).parent, tmp_path / reading.MODEL)
    monkeypatch.setenv("GLINT_CACHE", str(tmp_path))
    network = next(tmp_path.rglob(reading.DETECTOR))
    content = bytearray(network.read_bytes())
    content[1000] ^= 1
    network.write_bytes(content)
    with pytest.raises(GlintError, match="is damaged"):
        TextReader(offline=True)
    network.unlink()
    with pytest.raises(GlintError):
        TextReader(offline=True)

"""The study on a model small enough for a test, and the pieces that judge."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from tiny_llama import SHAPE, write_adapter, write_gguf

from export.study import run as study_run
from export.study.calibration import text_sequences
from export.study.pareto import front, plot
from export.study.quality import captions_of, cider_figures, surprise_figures
from export.study.rows import ROWS, SHIPPED, Row
from export.study.run import run_study
from export.study.subject import Subject
from export.study.table import BEGIN, END, markdown, put_into
from export.study.variant import Variant
from models.adapted_weights import AdaptedWeights
from models.assemble import assemble
from models.decoder_matrices import DecoderWeights
from models.decoder_settings import DecoderSettings
from models.errors import GlintError
from models.gguf_weights import GgufWeights
from models.quantize import block_for, quantize_4bit


@pytest.fixture(scope="module")
def subject(tmp_path_factory) -> Subject:
    """A language model that reads no letter but t, and answers without pictures."""
    folder = tmp_path_factory.mktemp("tiny")
    gguf = write_gguf(folder / "base.gguf")
    weights = folder / "weights"
    weights.mkdir()
    write_adapter(weights / "adapter.safetensors")
    prompt = {"head": "", "hints": "", "no_hints": "", "ask": "", "alone": "{question}", "end": "t1"}
    (weights / "config.json").write_text(json.dumps({"name": "tiny", "version": "1", "prompt": prompt}))
    bundle = assemble(gguf, weights, folder / "bundle")
    adapted = AdaptedWeights(GgufWeights(gguf), weights / "adapter.safetensors")
    return Subject(adapted, bundle, sees=False, threads=1)


ASKED = ("float", "plain", "gptq", "head-int8", "level-1")


@pytest.fixture(scope="module")
def study(subject, tmp_path_factory) -> tuple[dict, Path]:
    work = tmp_path_factory.mktemp("study")
    return run_study(subject, work, rows=ASKED, sequences=8, runs=1), work


def row_of(study: dict, name: str) -> dict:
    return next(row for row in study["rows"] if row["name"] == name)


class TestTheWhole:
    def test_it_measures_what_was_asked_for_and_what_ships(self, study):
        rows = {row["name"]: row for row in study[0]["rows"]}
        assert set(rows) == {*ASKED, SHIPPED}
        assert study[0]["complete"]
        for row in rows.values():
            assert row["text_perplexity"] > 1
            assert row["decode_tokens_per_s"] > 0
            assert row["prefill_tokens_per_s"] > 0
        assert rows[SHIPPED]["text_ratio"] == 1
        assert rows[SHIPPED]["decode_speed_ratio"] == 1

    def test_sizes_are_in_the_order_of_the_bits(self, study):
        sizes = {name: (study[1] / name / "decoder.weights").stat().st_size for name in (*ASKED, SHIPPED)}
        assert sizes["float"] > sizes["head-int8"] > sizes["plain"] == sizes[SHIPPED] == sizes["gptq"]

    def test_the_shipped_row_is_the_bundle(self, subject, study):
        made, shipped = (folder / "decoder.weights" for folder in (study[1] / SHIPPED, subject.bundle.folder))
        assert made.read_bytes() == shipped.read_bytes()

    def test_rows_differ_in_what_they_name_and_nothing_else(self, study):
        def weights(name: str) -> bytes:
            return (study[1] / name / "decoder.weights").read_bytes()

        assert weights("level-1") == weights(SHIPPED)
        assert (study[1] / "level-1/decoder.onnx").read_bytes() != (study[1] / SHIPPED / "decoder.onnx").read_bytes()
        assert len(weights("gptq")) == len(weights("plain")) == len(weights(SHIPPED))
        assert len({weights("gptq"), weights("plain"), weights(SHIPPED)}) == 3

    def test_a_second_call_measures_nothing_again(self, subject, study, monkeypatch):
        def refuse(*_):
            raise AssertionError("measured again")

        for name in ("measure_text", "write_captions", "measure_captions"):
            monkeypatch.setattr(study_run, name, refuse)
        monkeypatch.setattr(Variant, "build", refuse)
        again = run_study(subject, study[1], rows=ASKED, stages=("perplexity", "captions"), sequences=8)
        assert again["rows"] == study[0]["rows"]

    def test_a_table_and_a_plot_come_of_it(self, study, tmp_path):
        table = markdown(study[0])
        assert len(table.splitlines()) == 2 + len(study[0]["rows"])
        assert len({line.count("|") for line in table.splitlines()}) == 1
        document = tmp_path / "d.md"
        document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
        put_into(document, table)
        put_into(document, table)
        assert document.read_text() == f"before\n{BEGIN}\n{table}{END}\nafter\n"
        plot(study[0]["rows"], SHIPPED, tmp_path / "p.svg")
        assert "<!-- shipped -->" in (tmp_path / "p.svg").read_text()


class TestInterruptions:
    def test_time_that_is_up_ends_before_the_next_step_and_the_next_call_goes_on(self, subject, tmp_path):
        first = run_study(subject, tmp_path, rows=["plain"], stages=["perplexity"], minutes=0)
        assert not first["complete"]
        assert "text_perplexity" not in row_of(first, "plain")
        second = run_study(subject, tmp_path, rows=["plain"], stages=["perplexity"])
        assert second["complete"]
        assert "text_perplexity" in row_of(second, "plain")
        assert "time is up" in (tmp_path / "study.log").read_text()

    def test_another_setting_or_source_starts_a_row_anew(self, tmp_path):
        row = Row("a", DecoderSettings(block=32))
        Variant(row, tmp_path / "a", {"x": "1"}).note({"cider": 1.0})
        assert Variant(row, tmp_path / "a", {"x": "1"}).figures == {"cider": 1.0}
        assert Variant(row, tmp_path / "a", {"x": "2"}).figures == {}
        Variant(row, tmp_path / "a", {"x": "2"}).note({"cider": 1.0})
        assert Variant(replace(row, rounding="plain"), tmp_path / "a", {"x": "2"}).figures == {}

    def test_a_caption_cut_off_in_the_middle_is_written_again(self, tmp_path):
        variant = Variant(Row("a"), tmp_path / "a", {})
        (tmp_path / "a/answers.jsonl").write_text('{"file": "1.jpg", "answer": "A dog."}\n{"file": "2.jpg", "ans')
        assert captions_of(variant) == {"1.jpg": "A dog."}

    def test_a_row_that_cannot_be_built_is_told(self, subject, tmp_path):
        broken = Subject(_Broken(subject.weights), subject.bundle, sees=False, threads=1)
        study = run_study(broken, tmp_path, rows=["int8"], stages=["perplexity"])
        assert not study["complete"]
        assert row_of(study, "int8")["error"] == "The disk cannot be read."
        assert "text_perplexity" in row_of(study, SHIPPED)

    def test_rows_that_there_are_not_are_refused(self, subject, tmp_path):
        with pytest.raises(GlintError, match="no row 'gtpq'"):
            run_study(subject, tmp_path, rows=["gtpq"])


class _Broken:
    """Weights that can be read once, for the shipped row, and then no more."""

    def __init__(self, weights: DecoderWeights):
        self._weights, self._reads = weights, 0

    def __getattr__(self, name: str):
        return getattr(self._weights, name)

    def projection(self, layer: int, name: str) -> np.ndarray:
        self._reads += 1
        if self._reads > 7 * SHAPE.layers:
            raise GlintError("The disk cannot be read.")
        return self._weights.projection(layer, name)


class TestFigures:
    PHOTOS = (
        {"file": "1.jpg", "captions": ["A black dog runs on the beach.", "A dog is running."]},
        {"file": "2.jpg", "captions": ["Two men sit at a table.", "Men at a small table."]},
        {"file": "3.jpg", "captions": ["A girl holds a red balloon.", "A child with a balloon."]},
    )
    GOOD: ClassVar = {
        "1.jpg": "A dog runs on the beach.",
        "2.jpg": "Two men sit at a table.",
        "3.jpg": "A girl with a balloon.",
    }
    BAD: ClassVar = {
        "1.jpg": "A dog runs on the beach.",
        "2.jpg": "A man is outside.",
        "3.jpg": "A girl with a balloon.",
    }

    def test_cider_counts_once_every_photo_is_captioned(self):
        assert cider_figures({"1.jpg": "A dog."}, self.BAD, self.PHOTOS) == {}
        figures = cider_figures(self.GOOD, self.BAD, self.PHOTOS)
        assert figures["cider_photos"] == 3
        assert figures["cider_gain"] > 0
        assert figures["cider_gain_error"] > 0
        assert cider_figures(self.BAD, self.GOOD, self.PHOTOS)["cider_gain"] == -figures["cider_gain"]

    def test_the_same_captions_gain_nothing_for_certain(self):
        figures = cider_figures(self.GOOD, self.GOOD, self.PHOTOS)
        assert (figures["cider_gain"], figures["cider_gain_error"]) == (0, 0)

    def test_perplexities_of_other_tokens_are_not_compared(self):
        assert "text_ratio" not in surprise_figures("text", np.ones(5), np.ones(4))


class TestTheFront:
    @staticmethod
    def rows(**values: tuple[float, float]) -> list[dict]:
        return [
            {"name": name, "text_perplexity": loss, "decode_tokens_per_s": speed}
            for name, (loss, speed) in values.items()
        ]

    def test_what_is_worse_and_slower_is_not_on_it(self):
        assert front(self.rows(a=(10, 100), b=(11, 90), c=(9, 50))) == ["a", "c"]

    def test_speeds_that_hardly_differ_are_the_same(self):
        assert front(self.rows(a=(10, 100), b=(11, 101))) == ["a"]
        assert front(self.rows(a=(10, 100), b=(11, 103))) == ["a", "b"]

    def test_equals_do_not_beat_one_another(self):
        assert front(self.rows(a=(10, 100), b=(10, 100))) == ["a", "b"]

    def test_before_speed_is_measured_small_is_cheap(self):
        rows = [{"name": n, "text_perplexity": p, "decoder_mb": mb} for n, p, mb in (("a", 10, 80), ("b", 11, 90))]
        assert front(rows) == ["a"]

    def test_another_encoder_is_no_other_decoder(self):
        rows = [*self.rows(a=(10, 100)), {**self.rows(b=(9, 100))[0], "vision": "fp32"}]
        assert front(rows) == ["a"]


def test_every_row_can_be_built_for_the_default_models_sizes():
    for row in ROWS:
        if row.settings.projections.startswith("int"):
            assert all(block_for(columns, row.settings.block or 64) >= 16 for columns in (576, 1536))
    assert next(row for row in ROWS if row.name == SHIPPED).settings == DecoderSettings()
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_calibration_text_is_spread_over_all_of_it(subject):
    class Letters:
        def encode(self, text: str, add_special_tokens: bool):
            return SimpleNamespace(ids=[ord(letter) % SHAPE.vocabulary for letter in text])

    pieces = text_sequences(subject.weights, Letters(), count=5, length=20)
    assert [piece.shape for piece in pieces] == [(20, SHAPE.hidden)] * 5
    assert len({piece.tobytes() for piece in pieces}) == 5


def test_search_is_what_ships_but_for_the_weighing(subject, tmp_path):
    variant = Variant(Row("search", rounding="search"), tmp_path / "s", {})
    variant.build(subject.weights, list)
    expected = quantize_4bit(subject.weights.projection(0, "down"), 32).values.tobytes()
    assert expected in (tmp_path / "s/decoder.weights").read_bytes()

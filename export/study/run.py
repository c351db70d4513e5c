"""The study itself: row by row, figure by figure, each kept as soon as it is known."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from export.study.calibration import calibration_photos, text_sequences, training_sequences
from export.study.pareto import front
from export.study.quality import (
    ANSWERS,
    SURPRISES,
    captions_of,
    cider_figures,
    is_done,
    measure_captions,
    measure_text,
    nats_of,
    surprise_figures,
    write_captions,
)
from export.study.rows import ROWS, SHIPPED, Row
from export.study.speed import measure_encoders, measure_speed
from export.study.subject import Subject
from export.study.variant import Variant
from models.bundle import VISION_FILE
from models.errors import GlintError
from models.evaluation.pictures import read_rows
from models.vision_language import VisionLanguageModel

STAGES = ("perplexity", "captions", "speed")


class _TimeIsUp(Exception):
    pass


def run_study(
    subject: Subject,
    work: Path,
    *,
    data: Path | None = None,
    rows: Sequence[str] = (),
    stages: Sequence[str] = STAGES,
    photos: int = 300,
    perplexity_photos: int = 40,
    sequences: int = 128,
    runs: int = 5,
    minutes: float | None = None,
    log: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Measures what is not yet known of `rows` (names of ROWS; default: all the subject has) and of the shipped one.

    work: keeps every decoder (100 MB a row) and every figure; a second call goes on where the first was stopped. Each
    line of the log also goes to work/study.log. data: the folder that export/recipe/README.md describes; without it
    there are no photos: no captions, and GPTQ is calibrated on text. photos, perplexity_photos: the first so many of
    flickr8k/dev that are captioned, and whose captions' perplexity is taken. sequences: of calibration. stages: some of
    STAGES, in that order; "speed" wants a machine that does nothing else. minutes: after which no other step begins.

    Returns model, shipped (the name of its row), photos, front (names; see export.study.pareto), complete (False after
    `minutes`, or when a row could not be built) and rows: a dict each of name, settings, what was measured of it and,
    where it could not be built, error. Raises GlintError for a row that there is not and for data that cannot be read.
    """
    if stray := sorted(set(rows) - {row.name for row in ROWS}):
        raise GlintError(f"There is no row {stray[0]!r}; there are {', '.join(row.name for row in ROWS)}.")
    chosen = [row for row in ROWS if row.name == SHIPPED or row.name in rows or not rows]
    if not (subject.sees and subject.vision_source and data):
        chosen = [row for row in chosen if not row.vision]
    study = _Study(subject, work, data if subject.sees else None, chosen, sequences, minutes, log)
    try:
        if "perplexity" in stages:
            study.perplexities(perplexity_photos)
        if "captions" in stages:
            study.captions(photos)
        if "speed" in stages:
            study.speeds(runs)
    except _TimeIsUp:
        study.log("time is up; the same command goes on")
        study.complete = False
    return study.result(photos, perplexity_photos)


class _Study:
    def __init__(
        self,
        subject: Subject,
        work: Path,
        data: Path | None,
        rows: Sequence[Row],
        sequences: int,
        minutes: float | None,
        log: Callable[[str], None],
    ):
        work.mkdir(parents=True, exist_ok=True)
        self.subject, self.work, self.data, self.count, self._log = subject, work, data, sequences, log
        first_shipped = sorted(rows, key=lambda row: row.name != SHIPPED)  # calibration and comparison need it
        self.variants = {row.name: Variant(row, work / row.name, dict(subject.bundle.sources)) for row in first_shipped}
        self._end = None if minutes is None else time.monotonic() + 60 * minutes
        self.complete = True
        self.errors: dict[str, str] = {}

    def log(self, line: str) -> None:
        self._log(line)
        with (self.work / "study.log").open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")

    def clock(self) -> None:
        if self._end is not None and time.monotonic() > self._end:
            raise _TimeIsUp

    def perplexities(self, photos: int) -> None:
        rows = self._photos(photos)
        for name, variant in self.variants.items():
            has_text = variant.kept("text") is not None
            if has_text and is_done(variant, SURPRISES, rows):
                continue
            self.clock()
            if (model := self._model(variant)) is None:
                continue
            if not has_text:
                measure_text(variant, model)
            measure_captions(variant, model, rows, self.clock)
            self.log(f"{name}: {self._surprises(variant, rows)}")

    def captions(self, photos: int) -> None:
        rows = self._photos(photos)
        for name, variant in self.variants.items():
            if is_done(variant, ANSWERS, rows):
                continue
            self.clock()
            if (model := self._model(variant)) is not None:
                write_captions(variant, model, rows, self.clock)
                self.log(f"{name}: {self._cider(variant, rows)}")

    def speeds(self, runs: int) -> None:
        if not self._build(self.variants[SHIPPED]):
            return
        threads = self.subject.threads
        built = {name: variant for name, variant in self.variants.items() if variant.is_built}
        decoders = {name: variant.decoder(threads) for name, variant in built.items() if not variant.row.vision}
        self.log(f"speed of {', '.join(decoders)}")
        for name, figures in measure_speed(decoders, SHIPPED, runs).items():
            self.variants[name].note({**figures, "threads": threads})
            self.log(f"{name}: {figures}")
        if self.subject.sees:
            seeing = [name for name, variant in built.items() if variant.row.vision or name == SHIPPED]
            models = {name: self.subject.model(decoders[SHIPPED], self._vision(built[name])) for name in seeing}
            for name, ms in measure_encoders({n: model.encoder for n, model in models.items()}, runs).items():
                self.variants[name].note({"encode_ms": ms})
                self.log(f"{name}: {ms} ms a picture")

    def result(self, photos: int, perplexity_photos: int) -> dict[str, Any]:
        rows = []
        for name, variant in self.variants.items():
            known = {"name": name, **variant.row.record, **variant.figures}
            known |= self._surprises(variant, self._photos(perplexity_photos))
            known |= self._cider(variant, self._photos(photos))
            if name in self.errors:
                known["error"] = self.errors[name]
            rows.append(known)
        in_order = [row.name for row in ROWS]
        rows.sort(key=lambda known: in_order.index(known["name"]))
        return {
            "model": self.subject.bundle.name,
            "sees": self.subject.sees,
            "shipped": SHIPPED,
            "photos": photos,
            "complete": self.complete and not self.errors,
            "front": front(rows),
            "rows": rows,
        }

    def _photos(self, count: int) -> list[dict[str, Any]]:
        return read_rows(self.data / "flickr8k/dev.jsonl", "captions", count) if self.data else []

    def _surprises(self, variant: Variant, photos: list[dict[str, Any]]) -> dict[str, float]:
        shipped = self.variants[SHIPPED]
        figures: dict[str, float] = {}
        if (own := variant.kept("text")) is not None:
            figures |= surprise_figures("text", own, shipped.kept("text"))
        if (own := nats_of(variant, photos)) is not None:
            figures |= surprise_figures("captions", own, nats_of(shipped, photos))
        return figures

    def _cider(self, variant: Variant, photos: list[dict[str, Any]]) -> dict[str, float]:
        return cider_figures(captions_of(variant), captions_of(self.variants[SHIPPED]), photos)

    def _build(self, variant: Variant) -> bool:
        if variant.is_built:
            return True
        start = time.monotonic()
        try:
            variant.build(self.subject.weights, self._sequences)
        except GlintError as error:
            self.errors[variant.row.name] = str(error)
            self.log(f"{variant.row.name}: {error}")
            return False
        variant.note({"build_s": round(time.monotonic() - start, 1)})
        if self.subject.sees:
            variant.note({"vision_mb": self.subject.vision_mb(self._vision(variant))})
        self.log(f"{variant.row.name}: built in {time.monotonic() - start:.0f} s")
        return True

    def _model(self, variant: Variant) -> VisionLanguageModel | None:
        if not self._build(variant):
            return None
        return self.subject.model(variant.decoder(self.subject.threads), self._vision(variant))

    def _vision(self, variant: Variant) -> Path | None:
        """The folder of its encoder, which is made when it is first wanted; None for the one that ships."""
        if not variant.row.vision:
            return None
        if not (variant.folder / VISION_FILE).exists():
            pictures = calibration_photos(self.data) if self.data and variant.row.vision == "int8" else []
            self.subject.write_vision(variant.folder, variant.row.vision, pictures)
        return variant.folder

    def _sequences(self) -> list[np.ndarray]:
        path = self.work / f"sequences-{self.count}.npz"
        if not path.exists():
            self.log("calibration: " + ("training photos" if self.data else "text"))
            if self.data:
                model = self._model(self.variants[SHIPPED])
                assert model is not None
                made = list(training_sequences(model, self.data, self.count))
            else:
                made = text_sequences(self.subject.weights, self.subject.tokenizer, self.count)
            np.savez(path, *made)
        with np.load(path) as stored:
            return [stored[name] for name in stored.files]

"""Compares a bundle with the checkpoint it was made from, part by part, and names the culprit of what is not right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from export.checkpoint import Checkpoint
from export.job import ExportJob
from export.perplexity import text_ids
from export.reference import load_reference
from export.verify.decoder import compare_decoder, compare_graph, decoder_stages
from export.verify.measure import (
    GRAPH_LIMIT,
    GREEDY_TOKENS,
    LIMITS,
    PERPLEXITY_LIMITS,
    Difference,
    Stage,
    culprit,
    stages_of,
)
from export.verify.original import Original
from export.verify.whole import QUESTION_WITHOUT, compare_whole
from export.vision.reference import VisionReference, exported_hidden_states, reference_vision
from models.bundle import VISION_FILE, Bundle
from models.onnx_session import open_session
from models.sources import Progress
from models.vision import TOKENS
from models.vision_language import VisionLanguageModel

_TILES = 4  # that the picture side is compared on
_TEXT_TOKENS = 1024  # that perplexities are taken over


@dataclass(frozen=True)
class Verification:
    """parts: figures by part and name. failures: sentences, the first the most telling. stages: by part, where wanted.

    `vision` compares visual tokens, `decoder` the logits after each token of a text, `whole` those after a prompt with
    a picture.
    """

    parts: dict[str, dict[str, Any]]
    failures: list[str]
    stages: dict[str, list[Stage]]
    culprits: dict[str, str | None]

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def record(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "failures": self.failures,
            "culprits": self.culprits,
            "parts": self.parts,
            "layers": {part: [stage.record for stage in stages] for part, stages in self.stages.items()},
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        }


def verify(
    bundle: Bundle, job: ExportJob, picture: np.ndarray, progress: Progress, with_layers: bool = False
) -> Verification:
    """job: the export that made it. picture: uint8 RGB [height, width, 3]. with_layers: also where nothing is wrong.

    Raises GlintError when the original cannot be loaded. Needs the memory of the decoder in float32, once at a time.
    """
    transformers.logging.set_verbosity_error()  # what it has to say about its image processors helps nobody here
    transformers.logging.disable_progress_bar()
    check = _Check(bundle, job, picture)
    steps: list[tuple[str, Callable[[], None]]] = [("the decoder", check.decoder), ("the whole", check.whole)]
    steps.append(("the decoder's graph", check.graph))
    if bundle.sees:
        steps.insert(0, ("the picture encoder", check.vision))
    for number, (what, step) in enumerate(steps):
        progress(f"verifying {what}", number, len(steps))
        step()
    check.judge()
    for part in check.parts if with_layers else list(check.failed):
        check.look_into(part)
    progress("verifying", len(steps), len(steps))
    return Verification(check.parts, check.failures(), check.stages, check.culprits)


class _Check:
    def __init__(self, bundle: Bundle, job: ExportJob, picture: np.ndarray):
        self.bundle, self.job, self.picture = bundle, job, picture
        self.checkpoint: Checkpoint = job.checkpoint
        self.parts: dict[str, dict[str, Any]] = {}
        self.failed: dict[str, list[str]] = {}
        self.stages: dict[str, list[Stage]] = {}
        self.culprits: dict[str, str | None] = {}
        self._model = VisionLanguageModel.load(bundle)
        self._ids = text_ids(self._model.tokenizer)[:_TEXT_TOKENS]
        self._kept: Original | None = None

    def vision(self) -> None:
        pixels = self._model.encoder.plan.cut(self.picture).pixels[:_TILES]
        expected = self._picture_side()(torch.from_numpy(pixels.copy())).numpy()
        found = open_session(self.bundle.path(VISION_FILE), 2).run([TOKENS], {"pixels": pixels})[0]
        self.parts["vision"] = Difference.of(found, expected).record

    def decoder(self) -> None:
        original = self._original()
        prompt = text_ids(self._model.tokenizer, QUESTION_WITHOUT)
        self.parts["decoder"] = compare_decoder(self._model.decoder, original, self._ids, prompt)

    def graph(self) -> None:
        self.parts["decoder"]["graph"] = compare_graph(self.bundle, self._rounded(), self._ids).record

    def whole(self) -> None:
        plan = self._model.encoder.plan if self._model.sees else None
        tokens, by_processor = None, False
        if plan is not None:
            seen = self._model.look(self.picture).seen
            cut = plan.cut(self.picture)
            fits = (seen.rows, seen.columns) == (cut.rows, cut.columns)  # the context may have no room for all
            by_processor = fits and self.job.settings.image_size is None and self._has_image_processor()
            if not by_processor:
                pixels = plan.cut(self.picture, most=seen.rows * seen.columns + 1).pixels
                given = self._picture_side()(torch.from_numpy(pixels.copy())).numpy()
                tokens = given.reshape(-1, given.shape[-1])
        original = self._original()
        self.parts["whole"] = compare_whole(self._model, self.checkpoint, original, self.picture, tokens, by_processor)

    def judge(self) -> None:
        """Fills `failed`, by part, with what is beyond its limit."""
        settings = self.job.settings
        decoder = min((settings.decoder.projections, settings.decoder.head), key=LIMITS.__getitem__)
        precisions = {"decoder": decoder, "vision": settings.vision}
        precisions["whole"] = min(precisions.values(), key=LIMITS.__getitem__) if self.bundle.sees else decoder
        for part, figures in self.parts.items():
            figures["least_cosine"] = LIMITS[precisions[part]]
            wrong = self._faults(figures, precisions[part])
            figures["passed"] = not wrong
            if wrong:
                self.failed[part] = wrong

    def _faults(self, figures: dict[str, Any], precision: str) -> list[str]:
        """In words. Comparisons are such that what is not a number is a fault."""
        wrong = []
        if not figures["cosine"] >= LIMITS[precision]:
            wrong.append(f"a cosine of {figures['cosine']:.5f} to the original where {LIMITS[precision]} is the least")
        equal = figures.get("greedy_equal_tokens", GREEDY_TOKENS)
        if precision == "fp32" and equal < GREEDY_TOKENS:
            wrong.append(f"{equal} of {GREEDY_TOKENS} greedy tokens equal, and float32 owes all")
        if "perplexity" in figures and self._knows_the_text(figures):
            ratio, most = figures["perplexity_ratio"], PERPLEXITY_LIMITS[precision]
            if not ratio <= most:
                wrong.append(f"{ratio:.3f} times the original's perplexity where {most} is the most")
        if figures.get("prompt_equal") is False:
            wrong.append("another prompt than the model's own processor makes")
        if not self._is_graph_right(figures):
            wrong.append(f"a graph that is off by {figures['graph']['relative']:.2g} even without rounding")
        return wrong

    def _is_graph_right(self, figures: dict[str, Any]) -> bool:
        return "graph" not in figures or figures["graph"]["relative"] <= GRAPH_LIMIT

    def _knows_the_text(self, figures: dict[str, Any]) -> bool:
        """Whether the original does better on the text than by guessing among all tokens."""
        return figures["perplexity_reference"] < self.bundle.decoder.vocabulary

    def look_into(self, part: str) -> None:
        if part == "vision":
            pixels = self._model.encoder.plan.cut(self.picture).pixels[:_TILES].copy()
            reference = self._picture_side().hidden_states(torch.from_numpy(pixels))
            exported = exported_hidden_states(self.bundle.path(VISION_FILE), pixels)
            self.stages[part] = stages_of(exported, {name: state.numpy() for name, state in reference.items()})
        elif part == "decoder":
            wrong_graph = not self._is_graph_right(self.parts[part])
            original = self._rounded() if wrong_graph else self._original()
            self.stages[part] = decoder_stages(self.bundle, self._model.decoder, original, self._ids, wrong_graph)
        if part in self.stages:
            self.culprits[part] = culprit(self.stages[part])

    def failures(self) -> list[str]:
        said = []
        for part, wrong in self.failed.items():
            where = f"; the error comes in at {self.culprits[part]}" if self.culprits.get(part) else ""
            said.append(f"The {part} part of {self.bundle.name} has {' and '.join(wrong)}{where}.")
        return said

    def _original(self) -> Original:
        """Kept until the rounded one is wanted, so that only one model in float32 is in memory."""
        folder = self.checkpoint.original
        if self._kept is None:
            self._kept = (
                Original(load_reference(self.job.weights))
                if folder is None
                else Original.open(folder, self.checkpoint.architecture.sees)
            )
        return self._kept

    def _rounded(self) -> Original:
        """The language model with the values that the bundle stores."""
        self._kept = None
        return Original(load_reference(self.job.weights, self.job.settings.decoder, self.job.quantizer))

    def _picture_side(self) -> VisionReference:
        folder, processor = self.checkpoint.picture_side, self.job.processor
        assert folder is not None
        return reference_vision(folder, self.job.settings.image_size, mean=processor.mean, std=processor.std)

    def _has_image_processor(self) -> bool:
        folder: Path | None = self.checkpoint.original
        return folder is not None and (folder / "preprocessor_config.json").exists()

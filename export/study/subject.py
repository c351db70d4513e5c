"""The model that a study is about: its full-precision weights, and what else a bundle holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from models.adapted_weights import AdaptedWeights
from models.bundle import ADAPTER_FILE, TOKENIZER_FILE, VISION_FILE, Bundle
from models.decoder import Decoder
from models.decoder_matrices import DecoderWeights
from models.gguf_weights import GgufWeights
from models.hub_files import read_tokenizer
from models.vision import VisionEncoder
from models.vision_language import VisionLanguageModel

DEFAULT, BASE = "glint-135m", "smollm2-135m-instruct-q4_1"
WEIGHTS = Path(__file__).parents[2] / "models/weights/glint-135m"


@dataclass(frozen=True)
class Subject:
    """weights: what is rounded. bundle: the model as it is used, whose decoder is not looked at.

    sees: whether it is shown photos. vision_source: a folder that export_vision can make other encoders of, if any.
    threads: of encoder and decoder.
    """

    weights: DecoderWeights
    bundle: Bundle
    sees: bool = True
    vision_source: Path | None = None
    threads: int = 2

    @property
    def tokenizer(self) -> Tokenizer:
        return read_tokenizer(self.bundle.path(TOKENIZER_FILE))

    def model(self, decoder: Decoder, vision: Path | None = None) -> VisionLanguageModel:
        """With another decoder than the bundle's, and perhaps the encoder vision.onnx of another folder."""
        seeing = replace(self.bundle, folder=vision) if vision else self.bundle
        encoder = VisionEncoder(seeing, self.threads) if self.sees else None
        return VisionLanguageModel(encoder, decoder, self.tokenizer, {**self.bundle.config, "name": self.bundle.name})

    def write_vision(self, folder: Path, precision: str, calibration: Sequence[np.ndarray] = ()) -> None:
        """An encoder of another precision than the bundle's. calibration: photos uint8 RGB [height, width, 3]."""
        from export.vision.part import export_vision

        assert self.vision_source is not None
        export_vision(self.vision_source, folder / VISION_FILE, precision, calibration=calibration)

    def vision_mb(self, vision: Path | None = None) -> float:
        path = vision / VISION_FILE if vision else self.bundle.path(VISION_FILE)
        return round(path.stat().st_size / 1e6, 1)


def default_model(threads: int = 2, with_updates: bool = True) -> Subject:
    """The default model; without its updates it is the base model as its makers left it, which sees nothing."""
    from models.fetch import ensure

    base = GgufWeights(next(ensure(BASE).rglob("*.gguf")))
    bundle = Bundle.open(ensure(DEFAULT))
    if not with_updates:
        return Subject(AdaptedWeights(base), bundle, sees=False, threads=threads)
    return Subject(AdaptedWeights(base, WEIGHTS / ADAPTER_FILE), bundle, vision_source=WEIGHTS, threads=threads)

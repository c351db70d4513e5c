"""What is compared: settings of the decoder, and the ways of rounding that fill them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from export.gptq import gptq_quantizer
from export.study.rounding import hqq_4bit, plain_4bit
from models.decoder_matrices import DecoderWeights, Quantizer
from models.decoder_settings import DecoderSettings
from models.quantize import quantize_4bit

SHIPPED = "shipped"
ROUNDINGS = ("importance", "search", "plain", "hqq", "gptq")


@dataclass(frozen=True)
class Row:
    """rounding, of the projections where they are int4; the head is always rounded as the default model's.

    importance: the runtime's search, columns weighed where the weights say how; search: the same, unweighed; plain: to
    the nearest over the full range; hqq, gptq: see hqq_4bit, gptq_4bit. vision: "" for the encoder
    that ships, else one of export.vision.part.PRECISIONS; int8 is then calibrated anew.
    """

    name: str
    settings: DecoderSettings = field(default_factory=DecoderSettings)
    rounding: str = "importance"
    vision: str = ""

    @property
    def record(self) -> dict[str, Any]:
        return {**asdict(self.settings), "rounding": self.rounding, "vision": self.vision}


def _row(name: str, rounding: str = "importance", **settings: Any) -> Row:
    return Row(name, DecoderSettings(**settings), rounding)


ROWS = (
    _row("float", projections="fp32", head="fp32"),
    _row("half", projections="fp16", head="fp16"),
    _row("int8", projections="int8", head="int8"),
    _row(SHIPPED),
    _row("plain", "plain"),
    _row("search", "search"),
    _row("hqq", "hqq"),
    _row("gptq", "gptq"),
    _row("block-16", block=16),
    _row("block-32", block=32),
    _row("block-128", block=128),
    _row("symmetric", symmetric=True),
    _row("symmetric-32", symmetric=True, block=32),
    _row("head-int8", head="int8"),
    _row("head-half", head="fp16"),
    _row("head-64", head_block=64),
    _row("gptq-32", "gptq", block=32),
    _row("gptq-128", "gptq", block=128),
    _row("gptq-symmetric", "gptq", symmetric=True),
    _row("gptq-head-int8", "gptq", head="int8"),
    *(_row(f"level-{level}", accuracy_level=level) for level in range(4)),
    *(Row(f"vision-{precision}", vision=precision) for precision in ("int8", "fp16", "fp32")),
)


def quantizer(
    row: Row, weights: DecoderWeights, sequences: Callable[[], Sequence[np.ndarray]], progress: Callable[[float], None]
) -> Quantizer | None:
    """For write_decoder; None where its own does it. sequences: what GPTQ is calibrated on, asked for when needed."""
    settings = row.settings
    if row.rounding == "importance" or settings.projections != "int4":
        return None
    if row.rounding == "gptq":
        return gptq_quantizer(weights, sequences(), settings, progress)

    if row.rounding == "search":
        return lambda weight, layer, name, block: quantize_4bit(weight, block, None, settings.symmetric)
    rounding = {"hqq": hqq_4bit, "plain": plain_4bit}[row.rounding]
    return lambda weight, layer, name, block: rounding(weight, block, settings.symmetric)

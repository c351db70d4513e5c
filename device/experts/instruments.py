"""Opens the experts' networks, each at its first use and once."""

from __future__ import annotations

from functools import lru_cache

from device.experts.scene import Instruments
from models import fetch
from models.bundle import Bundle
from models.reading import TextReader
from models.vision import VisionEncoder
from models.vision_language import VisionLanguageModel

BUNDLE = "glint-135m"


def open_instruments(threads: int = 2, offline: bool = False, loaded: VisionLanguageModel | None = None) -> Instruments:
    """Those of the default models; the encoder is that of a model that is loaded already, where one is.

    Beside a loaded model there is little memory left, so text is read sparingly.

    What they return raises GlintError when a model is missing or damaged.
    """

    @lru_cache(1)
    def reader() -> TextReader:
        return TextReader(threads, offline, sparing=loaded is not None)

    @lru_cache(1)
    def encoder() -> VisionEncoder:
        if loaded is not None:
            return loaded.encoder
        return VisionEncoder(Bundle.open(fetch.ensure(BUNDLE, offline=offline)), threads)

    return Instruments(reader, encoder)

"""Runs the picture encoder of a bundle: a photo in, visual tokens and hint probabilities out."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.bundle import VISION_FILE, Bundle
from models.errors import GlintError
from models.onnx_session import open_session


@dataclass(frozen=True)
class Seen:
    """What the encoder makes of one picture.

    tokens: float32 [n, hidden], one per cell of the view, row by row; scores: float32 [h], probabilities of the hints.
    """

    tokens: np.ndarray
    scores: np.ndarray


class VisionEncoder:
    """The encoder session. Raises GlintError when the bundle has none or onnxruntime cannot load it."""

    def __init__(self, bundle: Bundle, threads: int = 2):
        path = bundle.path(VISION_FILE)
        try:
            self._session = open_session(path, threads)
        except Exception as error:  # onnxruntime has one exception class for each status, without a common base
            raise GlintError(f"{path} cannot be loaded ({error}); fetch the model again.") from error
        _, self._height, self._width, _ = self._session.get_inputs()[0].shape

    def encode(self, picture: np.ndarray) -> Seen:
        """picture: uint8 RGB [height, width, 3] of any size; squashed to the encoder's square, as in training."""
        smaller = picture.shape[0] > self._height and picture.shape[1] > self._width
        size = (self._width, self._height)
        squashed = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
        tokens, scores = self._session.run(["visual_tokens", "hint_scores"], {"pixels": squashed[None]})
        return Seen(tokens[0], scores[0])

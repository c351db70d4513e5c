"""Runs the picture encoder of a bundle: a photo in; visual tokens, hint probabilities and objects out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import onnxruntime

from models.bundle import VISION_FILE, Bundle
from models.errors import GlintError
from models.objects import Detections, ObjectRule, read_objects
from models.onnx_session import open_session
from models.prompt import HintRule

TOKENS, HINTS = "visual_tokens", "hint_scores"
OBJECTS = ("object_presence", "object_scores", "object_boxes", "object_amounts")
HINT_CELLS, CLASS_CELLS = "hint_cells", "class_cells"  # logits by place, of the hints and of the encoder's own classes


@dataclass(frozen=True)
class Seen:
    """What the encoder makes of one picture.

    tokens: float32 [n, hidden], one per cell of the view, row by row; scores: float32 [h], probabilities of the hints.
    """

    tokens: np.ndarray
    scores: np.ndarray
    _raw: tuple[np.ndarray, ...] = ()
    _rule: ObjectRule | None = None

    @cached_property
    def objects(self) -> Detections:
        """The everyday objects in the picture; none when the bundle has no object head. Computed when first wanted."""
        return read_objects(self._rule, *self._raw) if self._rule else Detections({}, ())


@dataclass(frozen=True)
class Attention:
    """Where in the picture a hint shows. probability: 0..1, of the picture. cells: float32 [side, side], logits."""

    probability: float
    cells: np.ndarray


class VisionEncoder:
    """The encoder session. Raises GlintError when the bundle has none or onnxruntime cannot load it."""

    def __init__(self, bundle: Bundle, threads: int = 2):
        path = bundle.path(VISION_FILE)
        try:
            self._session = open_session(path, threads)
        except Exception as error:  # onnxruntime has one exception class for each status, without a common base
            raise GlintError(f"{path} cannot be loaded ({error}); fetch the model again.") from error
        _, self._height, self._width, _ = self._session.get_inputs()[0].shape
        outputs = {output.name for output in self._session.get_outputs()}
        self._rule = ObjectRule.read(bundle.config.get("objects", {})) if outputs.issuperset(OBJECTS) else None
        rules = [HintRule(**rule) for rule in bundle.config.get("hints", ())]
        self._hints = {  # the first block that has a name is the one that counts
            name.lower(): rule.start + place for rule in reversed(rules) for place, name in enumerate(rule.names)
        }
        self._only_needed = onnxruntime.RunOptions()
        self._only_needed.only_execute_path_to_fetches = True

    def _run(self, picture: np.ndarray, *outputs: str) -> list[np.ndarray]:
        """picture: uint8 RGB [height, width, 3] of any size; squashed to the encoder's square, as in training."""
        smaller = picture.shape[0] > self._height and picture.shape[1] > self._width
        size = (self._width, self._height)
        squashed = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
        return [out[0] for out in self._session.run(list(outputs), {"pixels": squashed[None]}, self._only_needed)]

    def encode(self, picture: np.ndarray) -> Seen:
        """picture: uint8 RGB [height, width, 3] of any size."""
        if self._rule is None:
            tokens, scores = self._run(picture, TOKENS, HINTS)
            return Seen(tokens, scores)
        tokens, scores, *raw = self._run(picture, TOKENS, HINTS, *OBJECTS)
        return Seen(tokens, scores, tuple(raw), self._rule)

    def detect(self, picture: np.ndarray) -> Detections:
        """The everyday objects in a picture, uint8 RGB [height, width, 3]; none when the bundle has no object head."""
        return read_objects(self._rule, *self._run(picture, *OBJECTS)) if self._rule else Detections({}, ())

    def attention(self, picture: np.ndarray, name: str) -> Attention | None:
        """Where a picture, uint8 RGB [height, width, 3], shows something by the name of a hint; None for other names.

        The class activation map (Zhou et al. 2016): what each cell adds to the name's score.
        """
        place = self._hints.get(name.lower())
        if place is None or self._rule is None:
            return None
        scores, hint_cells, class_cells = self._run(picture, HINTS, HINT_CELLS, CLASS_CELLS)
        words = hint_cells.shape[1]
        cells = class_cells[:, place - words] if place >= words else hint_cells[:-1, place]
        side = round(len(cells) ** 0.5)
        return Attention(float(scores[place]), cells.reshape(side, side))

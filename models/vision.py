"""Runs the picture encoder of a bundle: a photo in; visual tokens, hint probabilities and objects out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import onnxruntime

from models.bundle import VISION_FILE, Bundle
from models.errors import GlintError
from models.objects import Detections, ObjectRule, read_objects
from models.onnx_session import open_session
from models.picture_plan import PicturePlan
from models.prompt import HintRule

TOKENS, HINTS = "visual_tokens", "hint_scores"
OBJECTS = ("object_presence", "object_scores", "object_boxes", "object_amounts")
HINT_CELLS, CLASS_CELLS = "hint_cells", "class_cells"  # logits by place, of the hints and of the encoder's own classes
CAPTION_CELLS = "caption_cells"  # what models.captioner is given


@dataclass(frozen=True)
class Seen:
    """What the encoder makes of one picture.

    tokens: float32 [n, hidden], one per cell of the view, row by row, of one tile after the other where there are
    several; scores: float32 [h], probabilities of the hints. cells: uint8 [49, width], what models.captioner is given.
    rows, columns: of the grid of tiles that comes before the whole picture; 0 without one.
    """

    tokens: np.ndarray
    scores: np.ndarray
    cells: np.ndarray | None = None
    _raw: tuple[np.ndarray, ...] = ()
    _rule: ObjectRule | None = None
    rows: int = 0
    columns: int = 0

    @property
    def presence(self) -> np.ndarray:
        """float32 [names], chances of the object head; none where the bundle has no object head."""
        return self._raw[0] if self._raw else np.zeros(0, np.float32)

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
    """The encoder session. Raises GlintError when the bundle has none or onnxruntime cannot load it.

    plan: how pictures are prepared for it. tile_tokens: visual tokens of one tile, where the graph says so.
    """

    def __init__(self, bundle: Bundle, threads: int = 2):
        path = bundle.path(VISION_FILE)
        try:
            self._session = open_session(path, threads)
        except Exception as error:  # onnxruntime has one exception class for each status, without a common base
            raise GlintError(f"{path} cannot be loaded ({error}); fetch the model again.") from error
        _, height, width, _ = self._session.get_inputs()[0].shape
        self.plan = PicturePlan.read(bundle.config.get("picture", {}), height, width)
        outputs = {output.name: output.shape for output in self._session.get_outputs()}
        self.tile_tokens = tokens if isinstance(tokens := outputs[TOKENS][1], int) else None
        self._hinted, self._celled = HINTS in outputs, CAPTION_CELLS in outputs
        self._rule = ObjectRule.read(bundle.config.get("objects", {})) if outputs.keys() >= set(OBJECTS) else None
        rules = [HintRule(**rule) for rule in bundle.config.get("hints", ())]
        self._hints = {  # the first block that has a name is the one that counts
            name.lower(): rule.start + place for rule in reversed(rules) for place, name in enumerate(rule.names)
        }
        self._only_needed = onnxruntime.RunOptions()
        self._only_needed.only_execute_path_to_fetches = True

    def _run(self, pixels: np.ndarray, *outputs: str) -> list[np.ndarray]:
        """pixels: uint8 RGB [1, height, width, 3], of the encoder's size."""
        return [out[0] for out in self._session.run(list(outputs), {"pixels": pixels}, self._only_needed)]

    def _run_whole(self, picture: np.ndarray, *outputs: str) -> list[np.ndarray]:
        return self._run(self.plan.cut(picture, most=1).pixels, *outputs)

    def encode(self, picture: np.ndarray, most: int | None = None) -> Seen:
        """picture: uint8 RGB [height, width, 3] of any size. most: tiles that it is cut into."""
        if self._rule is not None:
            wanted = (TOKENS, HINTS, *OBJECTS, *([CAPTION_CELLS] if self._celled else []))
            tokens, scores, *raw = self._run_whole(picture, *wanted)
            cells = raw.pop() if self._celled else None
            return Seen(tokens, scores, cells, tuple(raw), self._rule)
        if self._hinted:
            tokens, scores = self._run_whole(picture, TOKENS, HINTS)
            return Seen(tokens, scores)
        cut = self.plan.cut(picture, most)
        # One by one: a batch takes as long and all its memory at once.
        tokens = np.concatenate([self._run(tile[None], TOKENS)[0] for tile in cut.pixels])
        return Seen(tokens, np.zeros(0, np.float32), rows=cut.rows, columns=cut.columns)

    def detect(self, picture: np.ndarray) -> Detections:
        """The everyday objects in a picture, uint8 RGB [height, width, 3]; none when the bundle has no object head."""
        return read_objects(self._rule, *self._run_whole(picture, *OBJECTS)) if self._rule else Detections({}, ())

    def attention(self, picture: np.ndarray, name: str) -> Attention | None:
        """Where a picture, uint8 RGB [height, width, 3], shows something by the name of a hint; None for other names.

        The class activation map (Zhou et al. 2016): what each cell adds to the name's score.
        """
        place = self._hints.get(name.lower())
        if place is None or self._rule is None:
            return None
        scores, hint_cells, class_cells = self._run_whole(picture, HINTS, HINT_CELLS, CLASS_CELLS)
        words = hint_cells.shape[1]
        cells = class_cells[:, place - words] if place >= words else hint_cells[:-1, place]
        side = round(len(cells) ** 0.5)
        return Attention(float(scores[place]), cells.reshape(side, side))

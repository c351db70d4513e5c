"""rapidocr with its own pipeline and settings, as it comes, to compare the reader with."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.reading import Line, Word


class RapidOcrReader:
    """The same networks as `models.reading.TextReader`, with rapidocr's direction classifier as well."""

    def __init__(self, threads: int = 2) -> None:
        from rapidocr import RapidOCR

        settings = {"Global.log_level": "critical", "EngineConfig.onnxruntime.intra_op_num_threads": threads}
        self._engine: Any = RapidOCR(params=settings)

    def read(self, picture: np.ndarray) -> tuple[Line, ...]:
        """picture: uint8 RGB [height, width, 3]."""
        result = self._engine(picture[..., ::-1], return_word_box=True)
        if result.txts is None or result.boxes is None or result.scores is None:
            return ()
        return tuple(
            Line(
                text, np.array(quad, np.float32), score, tuple(Word(t, np.array(q, np.float32), s) for t, s, q in words)
            )
            for text, quad, score, words in zip(
                result.txts, result.boxes, result.scores, result.word_results, strict=True
            )
        )

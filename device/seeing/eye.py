"""Keeps the camera's best recent picture at hand and has it read before a question about it ends.

Reading a picture is the most expensive thing there is, so a scene that has not changed is not read twice. Knows the
camera, not the model: what reads a picture is given.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TimedOut

import numpy as np

from device.glasses import Camera, Frame, Unplugged
from device.seeing.gaze import Gaze, Score
from models.vision_language import View

GONE = "I cannot see anything. The camera is gone."
TOO_DARK = "It is too dark to see."
SAME_SCENE = 4.0  # mean change of grey level below which two frames show the same
SHARPER = 1.5  # a frame whose score is better by this factor is worth reading although it shows the same
LONGEST_READ_S = 5.0
STALE_S = 20.0  # an old picture is read again in any case: a change of a few words on a page moves few grey levels


class Eye:
    """read: uint8 RGB [height, width, 3] -> its view, later; read_now: the same at once, on the thread that answers.

    on_trouble: told why there is no picture.
    """

    def __init__(
        self,
        camera: Camera,
        read: Callable[[np.ndarray], Future[View | None]],
        read_now: Callable[[np.ndarray], View],
        on_trouble: Callable[[str], None],
    ):
        self._camera, self._read, self._read_now, self._on_trouble = camera, read, read_now, on_trouble
        self._gaze = Gaze()
        self._looked_at: tuple[Frame, Score] | None = None
        self._looking: Future[View | None] | None = None
        self._next: Future[Frame] = Future()  # of a camera that has not shown anything yet
        self.trouble: str | None = None  # why there is no picture, a sentence for the wearer

    @property
    def frame(self) -> Frame | None:
        """The frame that is being read or has been."""
        return self._looked_at[0] if self._looked_at and self._looking is not None else None

    def promise(self, patience_s: float) -> Callable[[], View | None]:
        """What waits for the view of the picture at hand, or of the first one of a camera that is opening."""
        looking, coming, read_now = self._looking, self._next, self._read_now
        if self.trouble:
            return lambda: None
        if looking is not None:
            return lambda: looking.result(timeout=LONGEST_READ_S)

        def first() -> View | None:
            try:
                return read_now(coming.result(timeout=patience_s).pixels)
            except TimedOut:  # its own kind until Python 3.11
                return None

        return first

    def watch(self) -> bool:
        """Takes in the newest frame; whether there was one."""
        self.trouble = None
        try:
            frame = self._camera.latest()
        except Unplugged as gone:
            self._on_trouble(str(gone))
            self.trouble = GONE
            self._looking = None
            self._gaze.forget()
            return False
        if frame is None:
            return False
        self._gaze.see(frame)
        if not self._next.done():
            self._next.set_result(frame)
        return True

    def look(self) -> None:
        """Starts to read the best picture of the last moment, unless it is being read or has been."""
        self.watch()
        best = self._gaze.best()
        if best is None:
            self._looking, self._next = None, Future()
        elif best[1].black:
            self._looking, self.trouble = None, TOO_DARK
        elif not self._seen_already(*best):
            self._looked_at = best
            self._looking = self._read(best[0].pixels)

    def _seen_already(self, frame: Frame, score: Score) -> bool:
        if self._looked_at is None or self._looking is None or _failed(self._looking):
            return False
        before, its_score = self._looked_at
        if frame is before:
            return True
        return (
            frame.at - before.at <= STALE_S
            and score.difference(its_score) < SAME_SCENE
            and score.total < SHARPER * its_score.total
        )


def _failed(looking: Future) -> bool:
    return looking.done() and (looking.cancelled() or looking.exception() is not None)

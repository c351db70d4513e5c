"""Files as a pair of glasses, so that everything that happened, or could, can be played again.

The recording that plays the microphone is the clock of all of it: pictures change and the speaker's file grows by as
much as was heard. What is said lies in that file at the moment it was said, with silence in between, in real time and
as fast as the recording can be read.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import numpy as np

from device.glasses import CHUNK, RATE, Ended, Frame, Microphone
from device.playback import Playback
from device.seeing.photo import read_photo
from models.audio import open_wav, read_sound, to_int16
from models.errors import GlintError

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
VIDEOS = frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm"})
STILL_RATE = 30.0  # pictures a second of a single one


class FileMicrophone:
    """Implements device.glasses.Microphone from a sound file of any rate, which is read at once.

    In `realtime` a chunk comes when it would have been heard, counted from the first `read`; else at once. The last
    one is filled up with zeros. Raises GlintError for a file that cannot be read.
    """

    def __init__(self, path: Path, realtime: bool = True) -> None:
        samples = to_int16(read_sound(path).resampled(RATE).samples)  # an hour of it is 115 MB, not 230
        self._samples = np.pad(samples, (0, -len(samples) % CHUNK))
        self._realtime = realtime
        self._at = 0
        self._started: float | None = None
        self._closed = threading.Event()

    def read(self, timeout_s: float) -> np.ndarray | None:
        """As the protocol says. Raises Ended at the end and after `close`."""
        if self._closed.is_set() or self._at == len(self._samples):
            raise Ended
        if self._realtime:
            if self._started is None:
                self._started = time.monotonic()
            wait = self._started + (self._at + CHUNK) / RATE - time.monotonic()
            if wait > 0 and self._closed.wait(min(wait, timeout_s)):
                raise Ended
            if wait > timeout_s:
                return None
        self._at += CHUNK
        return self._samples[self._at - CHUNK : self._at] / np.float32(32767)

    def late_s(self) -> float:
        """0: the samples are the clock."""
        return 0.0

    def heard_s(self) -> float:
        """Seconds of the recording that were read."""
        return self._at / RATE

    def close(self, timeout_s: float = 0.0) -> None:
        """Ends the recording, for a `read` that waits too. May be called twice."""
        self._closed.set()


class Pictures(Protocol):
    """What a file camera shows: `rate` pictures a second."""

    rate: float

    def picture(self, number: int) -> np.ndarray:
        """Picture `number`, counted from 0, or the last if there are fewer: uint8 RGB [height, width, 3].

        Asked for in ascending order. Raises GlintError if it cannot be read.
        """
        ...

    def close(self) -> None: ...


class FileCamera:
    """Implements device.glasses.Camera from a picture, a folder of them in the order of their names, or a video.

    `clock` gives the seconds since the recording began; None counts from the first `latest`. `rate` is pictures a
    second of a folder. The last picture stays. Raises GlintError for a file that cannot be read; `latest` does so for
    a later picture of a folder.
    """

    def __init__(self, path: Path, rate: float = 1.0, clock: Callable[[], float] | None = None) -> None:
        self._pictures: Pictures = (
            Video(path) if path.suffix.lower() in VIDEOS and path.is_file() else Folder(path, rate)
        )
        self._clock = clock
        self._lock = threading.Lock()
        self._frame = Frame(self._pictures.picture(0), time.monotonic())
        self._number = -1  # none was asked for
        self._closed = False

    def latest(self) -> Frame:
        """As the protocol says; taken when it is first asked for. Raises GlintError after `close`."""
        with self._lock:
            if self._closed:
                raise GlintError("The camera has been closed; open the glasses again.")
            if self._clock is None:
                started = time.monotonic()
                self._clock = lambda: time.monotonic() - started
            number = int(self._clock() * self._pictures.rate)
            if number != self._number:
                self._frame, self._number = Frame(self._pictures.picture(number), time.monotonic()), number
            return self._frame

    def close(self, timeout_s: float = 0.0) -> None:
        """Closes the file. May be called twice."""
        with self._lock:
            self._closed = True
            self._pictures.close()


class Folder:
    """The pictures in a folder, or a single one. Implements Pictures."""

    def __init__(self, path: Path, rate: float) -> None:
        if path.is_dir():
            self._paths = sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURES)
            if not self._paths:
                raise GlintError(f"There are no pictures in {path}; give a folder with JPEG or PNG files.")
            self.rate = rate
        else:
            self._paths = [path]
            self.rate = STILL_RATE
        self._last: tuple[Path, np.ndarray] | None = None

    def picture(self, number: int) -> np.ndarray:
        path = self._paths[min(number, len(self._paths) - 1)]
        if self._last is None or self._last[0] != path:
            self._last = path, read_photo(path)
        return self._last[1]

    def close(self) -> None:
        pass


class Video:
    """The pictures of a video, through OpenCV. Implements Pictures."""

    def __init__(self, path: Path) -> None:
        import cv2

        self._capture = cv2.VideoCapture(str(path))
        self.rate = self._capture.get(cv2.CAP_PROP_FPS)
        if not (math.isfinite(self.rate) and self.rate > 0):
            self.rate = STILL_RATE
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._last = count - 1 if count > 0 else math.inf
        good, pixels = self._capture.read()
        if not good:
            self._capture.release()
            raise GlintError(f"{path} is not a video Glint can read; MP4, MOV, AVI, MKV and WebM work.")
        self._pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
        self._next = 1  # the number of the picture that comes when the next one is read

    def picture(self, number: int) -> np.ndarray:
        import cv2

        number = int(min(number, self._last))
        if number - self._next > 2 * self.rate:  # decoding everything in between would take long
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, number)
            self._next = number
        while self._next < number and self._capture.grab():
            self._next += 1
        if self._next == number:
            good, pixels = self._capture.read()
            if good:
                self._pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
                self._next += 1
        return self._pixels

    def close(self) -> None:
        self._capture.release()


class FileSpeaker:
    """Implements device.glasses.Speaker into a 16-bit mono WAV at RATE.

    Its clock is whoever calls `advance`, by as much as was heard meanwhile; where nothing plays, silence is written.
    After `let_run`, and at the end, what is queued is written at once. Raises GlintError where it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._playback = Playback(RATE)
        self._runs = False
        self._stack = ExitStack()
        self._file = self._stack.enter_context(open_wav(path, RATE))
        self._closed = False

    def play(self, samples: np.ndarray, rate: int) -> None:
        """As the protocol says. Raises GlintError after `close` and where the file cannot be written."""
        with self._lock:
            if self._closed:
                raise GlintError("The speaker has been closed; open the glasses again.")
            self._playback.play(samples, rate)
            if self._runs:
                self._write_queued()

    def stop(self) -> None:
        """As the protocol says."""
        self._playback.stop()

    def pending_s(self) -> float:
        """As the protocol says."""
        return self._playback.pending_s()

    def played(self, count: int, late_s: float = 0.0) -> np.ndarray:
        """As the protocol says, to the sample and however late; goes back 5 s and is zero beyond."""
        return self._playback.played(count)

    def advance(self, count: int) -> None:
        """Plays the next `count` samples at RATE into the file. Raises GlintError where it cannot be written."""
        with self._lock:
            self._write(count)

    def let_run(self) -> None:
        """What sets the clock is over: from now on whatever is played is written at once."""
        with self._lock:
            if not self._runs:
                self._runs = True
                self._write_queued()

    def close(self, timeout_s: float = 0.0) -> None:
        """Writes what is queued and completes the file. May be called twice."""
        with self._lock:
            if not self._closed:
                try:
                    self._write_queued()
                finally:
                    self._closed = True
                    self._stack.close()

    def _write_queued(self) -> None:
        while self._playback.pending_s() > 0:
            self._write(CHUNK)

    def _write(self, count: int) -> None:
        if self._closed:
            return
        try:
            self._file.writeframes(to_int16(self._playback.take(count)).tobytes())
        except OSError as error:
            raise GlintError(f"{self._path} cannot be written: {error.strerror or error}.") from error


class Pacing:
    """A microphone that is the clock of a FileSpeaker. Implements device.glasses.Microphone."""

    def __init__(self, microphone: Microphone, speaker: FileSpeaker) -> None:
        self._microphone, self._speaker = microphone, speaker

    def read(self, timeout_s: float) -> np.ndarray | None:
        """As the protocol says."""
        try:
            chunk = self._microphone.read(timeout_s)
        except Ended:
            self._speaker.let_run()
            raise
        if chunk is not None:
            self._speaker.advance(len(chunk))
        return chunk

    def late_s(self) -> float:
        """As the protocol says."""
        return self._microphone.late_s()


class NoButton:
    """Implements device.glasses.Button: never pressed."""

    def pressed(self) -> bool:
        """False."""
        return False

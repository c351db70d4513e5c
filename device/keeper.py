"""Keeps a device open on a thread of its own, and opens it again when it has been away.

Whatever a driver does to the thread, whoever uses the device is never kept waiting: a driver that does not come back
is reported like a device that is gone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from device.glasses import Unplugged
from models.errors import GlintError

RETRY_S = 1.0  # between two attempts to open
OPENING_S = 10.0  # what opening may take; some cameras need most of it
SILENT_S = 2.0  # what one step may take
CLOSING_S = 2.0  # what closing waits for


class Keeper:
    """The thread of one device, called `name` in messages ("microphone"). Starts at the first `start`.

    On the thread, `opens` raises Unplugged where there is no device for now and GlintError where there never will be
    one; `step` uses or watches the device for a moment, some 0.1 s, and raises Unplugged once it is gone; `release`
    closes what is open, if anything is.
    """

    def __init__(
        self, name: str, *, opens: Callable[[], None], step: Callable[[], None], release: Callable[[], None]
    ) -> None:
        self._name, self._opens, self._step, self._release = name, opens, step, release
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._tried = threading.Event()
        self._open = False
        self._beat = time.monotonic()
        self._problem: GlintError | None = None

    def start(self) -> None:
        """Starts the thread if it does not run yet. Raises GlintError after `close`."""
        with self._lock:
            if self._closing.is_set():
                raise GlintError(f"The {self._name} has been closed; open the glasses again.")
            if self._thread is None:
                self._beat = time.monotonic()
                self._thread = threading.Thread(target=self._run, name=f"glint {self._name}", daemon=True)
                self._thread.start()

    def check(self) -> None:
        """Raises Unplugged while the device is gone or its driver hangs, GlintError if it can never be opened."""
        if self._problem is not None:
            raise type(self._problem)(str(self._problem))
        if self._thread is not None and time.monotonic() - self._beat > (SILENT_S if self._open else OPENING_S):
            raise Unplugged(f"The {self._name} does not respond; unplug it and plug it in again.")

    def wait(self, timeout_s: float) -> None:
        """Waits until the device is open. Raises as `check` does, and Unplugged if it takes longer than `timeout_s`."""
        opened = self._tried.wait(timeout_s)
        self.check()
        if not opened:
            raise Unplugged(f"The {self._name} has not opened within {timeout_s:.0f} s; try again or choose another.")

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Ends the thread, which releases the device; leaves it to itself if the driver hangs. May be called twice."""
        with self._lock:
            self._closing.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._beat = time.monotonic()
            try:
                self._opens()
                self._open, self._problem = True, None
                self._tried.set()
                while not self._closing.is_set():
                    self._beat = time.monotonic()
                    self._step()
            except GlintError as error:
                self._problem = error
            except Exception as error:  # a driver's own kind, which would end the thread without a word
                self._problem = Unplugged(f"The {self._name} stopped working ({error}); plug it in again.")
            finally:
                # Told before releasing, which a driver may take forever for.
                self._open = False
                self._tried.set()
                self._release()
            if self._problem is not None and not isinstance(self._problem, Unplugged):
                return
            self._closing.wait(RETRY_S)

"""Time for emulated glasses: an event loop whose clock jumps to whatever happens next, and threads that share its time.

The Lua machine of the glasses needs a thread of its own (its code cannot be suspended otherwise). On a `FastLoop` only
one of loop and threads runs at a time and each says how long it wants to sleep; while all sleep, the clock is set
forward. So a minute of radio takes milliseconds, and the same seed gives the same run, packet by packet. On any other
loop the threads sleep in real time. What this does not know: processor time. A computation takes no time at all.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar
from unittest import mock

T = TypeVar("T")
_MOST_TURNS = 200_000  # of the loop without any time going by: something spins
_FOREVER = float("inf")


class Stuck(RuntimeError):
    """Nothing will ever happen again, or things happen without end while no time goes by."""


class Processor(Protocol):
    """A thread of the glasses. `now`, `sleep` and `post` are called on it, the others on the loop's thread."""

    def now(self) -> float:
        """Seconds on the loop's clock."""
        ...

    def sleep(self, seconds: float, wakes: bool = True) -> None:
        """Until `seconds` have gone by or, if `wakes`, somebody calls `wake`."""
        ...

    def post(self, delay: float, call: Callable[[], None]) -> None:
        """Has the loop call `call` in `delay` seconds."""
        ...

    def wake(self) -> None: ...

    def start(self, main: Callable[[], None]) -> None: ...

    def join(self) -> None:
        """Waits for the end of main, which must have been told to end."""
        ...


def processor(loop: asyncio.AbstractEventLoop) -> Processor:
    """A thread in the time of that loop."""
    return _FastProcessor(loop) if isinstance(loop, FastLoop) else _RealProcessor(loop)


class _RealProcessor:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._awake = threading.Event()
        self._thread: threading.Thread | None = None

    def now(self) -> float:
        return self._loop.time()

    def sleep(self, seconds: float, wakes: bool = True) -> None:
        if wakes:
            self._awake.wait(max(0.0, seconds))
            self._awake.clear()
        else:
            threading.Event().wait(max(0.0, seconds))

    def post(self, delay: float, call: Callable[[], None]) -> None:
        at = self._loop.time() + delay
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(lambda: self._loop.call_at(at, call))

    def wake(self) -> None:
        self._awake.set()

    def start(self, main: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=main, name="lua", daemon=True)
        self._thread.start()

    def join(self) -> None:
        if self._thread is not None:
            self._awake.set()
            self._thread.join(5)


class _FastProcessor:
    """Runs only between `resume` and its next sleep."""

    def __init__(self, loop: FastLoop) -> None:
        self._loop = loop
        self._go, self._back = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._back.acquire()
        self._thread: threading.Thread | None = None
        self._wakes = self._called = False
        self._failure: BaseException | None = None
        self.due = _FOREVER

    def now(self) -> float:
        return self._loop.time()

    def sleep(self, seconds: float, wakes: bool = True) -> None:
        now = self._loop.time()
        self.due = now + max(0.0, seconds)
        if wakes and self._called:
            self.due, self._called = now, False
        self._wakes = wakes
        if self.due < self._loop.next_due(self):  # nobody else has anything to do until then: spare the switches
            self._loop.forward(self.due)
            return
        self._back.release()
        self._go.acquire()

    def post(self, delay: float, call: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_at(self._loop.time() + delay, call)

    def wake(self) -> None:
        self._called = True
        if self._wakes and self.due < _FOREVER:
            self.due, self._called = min(self.due, self._loop.time()), False

    def resume(self) -> None:
        """On the loop's thread: until it sleeps again or ends. Raises what main raises."""
        self._go.release()
        try:
            self._back.acquire()
        except BaseException:  # Ctrl-C: the thread will stop at its next sleep, and is waited for no more
            self._loop.processors.remove(self)
            raise
        if self._failure is not None:
            raise self._failure

    def start(self, main: Callable[[], None]) -> None:
        def run() -> None:
            self._go.acquire()
            try:
                main()
            except BaseException as error:  # the loop's thread raises it
                self._failure = error
            finally:
                self.due = _FOREVER
                if self in self._loop.processors:
                    self._loop.processors.remove(self)
                self._back.release()

        self.due = self._loop.time()
        self._loop.processors.append(self)
        self._thread = threading.Thread(target=run, name="lua", daemon=True)
        self._thread.start()

    def join(self) -> None:
        while self in self._loop.processors:
            self.due = self._loop.time()
            self.resume()


class FastLoop(asyncio.SelectorEventLoop):
    """An event loop on a clock of its own, from 0, that never waits. No other thread may call it, and no sockets."""

    def __init__(self) -> None:
        self._now = 0.0
        self.processors: list[_FastProcessor] = []
        super().__init__(_Forward(self))

    def time(self) -> float:
        return self._now

    def forward(self, when: float) -> None:
        self._now = max(self._now, when)

    def next_due(self, but: _FastProcessor) -> float:
        """When the loop or another thread has something to do; cancelled timers count, which costs a switch only."""
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]
        if ready:
            return self._now
        due = scheduled[0]._when if scheduled else _FOREVER
        for each in self.processors:
            if each is not but and each.due < due:
                due = each.due
        return due

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """At once, on this thread: a computation takes no time."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def _check_thread(self) -> None:
        """The threads of this loop take turns with it."""

    def _write_to_self(self) -> None:
        """There is no select to wake."""


class _Forward(selectors.DefaultSelector):
    """Instead of waiting for sockets: sets the clock forward, lets threads run."""

    def __init__(self, loop: FastLoop) -> None:
        super().__init__()
        self._loop = loop
        self._turns, self._at = 0, -1.0

    def select(self, timeout: float | None = None) -> list[Any]:
        loop = self._loop
        now = loop.time()
        self._turns = self._turns + 1 if now == self._at else 0
        self._at = now
        if self._turns > _MOST_TURNS:
            raise Stuck(f"At {now:.3f} s things happen without end, and no time goes by.")
        if timeout is not None and timeout <= 0:
            return []
        until = _FOREVER if timeout is None else now + timeout
        first = min(loop.processors, key=lambda each: each.due, default=None)
        if first is not None and first.due <= until and first.due < _FOREVER:
            loop.forward(first.due)
            first.resume()
        elif timeout is None:
            raise Stuck(f"At {now:.3f} s everybody waits, and nothing will ever happen.")
        else:
            loop.forward(until)
        return []


def run_fast(main: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run, on a FastLoop; meanwhile time.monotonic() tells the loop's time.

    Raises Stuck where a real loop would wait or spin for ever.
    """
    loop = FastLoop()
    try:
        asyncio.set_event_loop(loop)
        with mock.patch.object(time, "monotonic", loop.time):
            try:
                return loop.run_until_complete(main)
            finally:
                left = asyncio.all_tasks(loop)
                for task in left:
                    task.cancel()
                loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    finally:
        asyncio.set_event_loop(None)
        loop.close()

"""Drives a session: does what its state says within its deadline, and tells the parts whether there is a link.

Runs on whatever event loop awaits `run`; the parts may be used from any thread. Time comes from `clock` and from the
loop alone.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from device.glasses import Condition
from firmware_bridge.halo import app_source, messages, trouble
from firmware_bridge.halo.attaching import Attaching
from firmware_bridge.halo.ear import Ear
from firmware_bridge.halo.eye import Eye
from firmware_bridge.halo.messages import Click, HelloBack, Status, ToGlasses
from firmware_bridge.halo.mouth import Mouth
from firmware_bridge.halo.quality import Quality
from firmware_bridge.halo.running import Running
from firmware_bridge.halo.screen import Screen
from firmware_bridge.halo.session import Outcome, Session, State, Timings
from firmware_bridge.halo.trouble import Trouble

Step = Callable[[], Awaitable[Outcome]]
DOUBLE_TAP = 2


class Driver:
    """One pair of glasses, from now until `stop`.

    name: None for the first pair that is found. chance: of the back-off. clock: seconds, as time.monotonic. on_note:
    told what the wearer should know; on_state: told of every state; both on the loop.
    """

    def __init__(
        self,
        name: str | None = None,
        timings: Timings | None = None,
        chance: random.Random | None = None,
        clock: Callable[[], float] = time.monotonic,
        on_note: Callable[[str], None] = lambda text: None,
        on_state: Callable[[State], None] = lambda state: None,
    ) -> None:
        timings = timings or Timings()
        self.clock, self._on_note, self._on_state = clock, on_note, on_state
        self.session = Session(timings, chance or random.Random())
        why_not = self.session.problem
        self.ear, self.eye, self.mouth = Ear(why_not, clock), Eye(why_not, clock), Mouth(why_not, clock)
        self.screen = Screen(self._screen_changed)
        self.quality = Quality()
        self.streams = itertools.cycle(range(1, 128))  # of the microphone, over all links
        self.redraw = asyncio.Event()
        self.outbox: asyncio.Queue[tuple[ToGlasses, bytes]] = asyncio.Queue()
        self._attaching = Attaching(name, self.session, self._heard, self._printed, self._dropped, self.note)
        self._running: Running | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task | None = None
        self._pressed = False
        self._clicks = 0  # that the glasses have counted, as far as is known
        self._battery = 1.0
        self._noted = ""
        self._ran = False

    @property
    def attached_to(self) -> tuple[str, str, str]:
        """Name, hardware and firmware of the glasses; empty before they are known."""
        return self._attaching.name, self._attaching.hardware, self._attaching.firmware

    def pressed(self) -> bool:
        """As the protocol of a button says: the button, or a double tap."""
        pressed, self._pressed = self._pressed, False
        return pressed

    def condition(self) -> Condition:
        """As the protocol of a gauge says; the glasses do not tell how warm they are."""
        return Condition(battery=self._battery)

    async def run(self) -> None:
        """Until `stop`; never raises for anything that radios or glasses do."""
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        try:
            while self.session.state is not State.CLOSED:
                await self._one_state()
        except asyncio.CancelledError:
            pass
        finally:
            self.session.close()
            self._down(self.session.problem)
            self._on_state(State.CLOSED)
            with suppress(asyncio.TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(self._attaching.leave(farewell=True), self.session.timings.closing)

    def stop(self) -> None:
        """Ends `run`, from the loop's own thread; others use call_soon_threadsafe."""
        self.session.close()
        if self._task is not None:
            self._task.cancel()

    async def _one_state(self) -> None:
        state = self.session.state
        self._on_state(state)
        why = ""
        try:
            if state is State.WAIT:
                await self._attaching.leave()
                await asyncio.sleep(self.session.wait_s)
                outcome = Outcome.DONE
            elif state is State.RUN:
                outcome, why = await self._run_app()
            else:
                outcome = await asyncio.wait_for(self._step_of(state)(), self.session.deadline_s)
        except asyncio.TimeoutError:
            outcome, why = Outcome.TOO_LATE, f"{self._attaching.name} takes too long while {state.value}; I try again."
        except Trouble as found:
            outcome, why = found.outcome, found.why
        except Exception as error:  # of the radio, its system, or the vendor's library, which raises Exception itself
            judged = trouble.talking(error, state.value, self._attaching.name)
            outcome, why = judged.outcome, judged.why
        if self.session.state is State.CLOSED:
            return
        self.session.step(outcome, why)
        if self.session.problem:
            self._down(self.session.problem)
            if self.session.ran or self.session.state in (State.WAIT, State.BOND):
                self.note(self.session.problem)

    def _step_of(self, state: State) -> Step:
        attaching = self._attaching
        return {
            State.SCAN: attaching.scan,
            State.CONNECT: attaching.connect,
            State.BOND: attaching.bond,
            State.GREET: attaching.greet,
            State.CHECK: attaching.check,
            State.UPLOAD: attaching.upload,
            State.ATTACH: attaching.attach,
            State.DEGRADE: attaching.degrade,
        }[state]

    async def _run_app(self) -> tuple[Outcome, str]:
        self._running = Running(self, self._attaching, self.quality, self.session.timings)
        while not self.outbox.empty():
            self.outbox.get_nowait()
        self.redraw.set()
        self.ear.up()
        self.eye.up()
        self.mouth.up()
        self.note(self._greeting())
        try:
            return await self._running.run()
        finally:
            self._running, self._ran = None, True

    def _greeting(self) -> str:
        name, hardware, firmware = self.attached_to
        back = "is back" if self._ran else f"is there (firmware {firmware})"
        mute = " It has no speaker: answers are shown, not heard." if hardware == "Frame" else ""
        return f"{name} {back}.{mute}"

    # What the glasses say; on the loop.

    def _heard(self, data: bytes) -> None:
        message = messages.parse(data)
        if isinstance(message, HelloBack):
            self._clicks = message.clicks
        elif isinstance(message, Click):
            self._click(message)
        elif isinstance(message, Status):
            self._status(message)
        if self._running is not None and message is not None:
            self._running.heard(message)

    def _printed(self, text: str) -> None:
        """Our app prints nothing while it runs: whatever comes is the firmware's word that it has ended."""
        if self._running is not None and text.strip() != app_source.READY:
            self._running.ended.set()

    def _dropped(self) -> None:
        """At once: whatever is done about it comes later, but nothing is heard any more from now on."""
        self._down(trouble.lost(self._attaching.name))
        if self._running is not None:
            self._running.dropped.set()

    def _click(self, click: Click) -> None:
        """A click counts once, however often it comes. Halo is tapped by accident, so a single tap is none there."""
        if click.count is None:
            self._pressed = self._pressed or self._attaching.is_frame or click.kind == DOUBLE_TAP
        else:
            self._count(click.count)

    def _status(self, status: Status) -> None:
        """A click whose message was lost is noticed by the number of clicks."""
        if status.battery is not None:
            self._battery = status.battery
        self._count(status.clicks)

    def _count(self, clicks: int) -> None:
        if 0 < (clicks - self._clicks) % 256 < 128:  # else it is known, or was overtaken on its way
            self._clicks, self._pressed = clicks, True

    # What the parts are told.

    def _down(self, why: str) -> None:
        self.ear.end(why)
        self.eye.end(why)
        self.mouth.end(why)
        self._pressed = False

    def note(self, text: str) -> None:
        """Tells the wearer, but nothing twice in a row."""
        if text != self._noted:
            self._noted = text
            self._on_note(text)

    def _screen_changed(self) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self.redraw.set)

"""One life of a pair of glasses under faults: it is put on, asked a few things, and everything that can go wrong may.

Real: the bridge, the vendor's library, our app on the vendor's emulator, the codec. The assistant is a short one
(short_assistant.py). All is drawn from the seed, so that `live(seed)` is the same life every time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from device.glasses import RATE, Camera, Display, Microphone, Speaker
from sim.radio.bluetooth import Air, fake_bluetooth
from sim.radio.clock import Stuck, run_fast
from sim.radio.faults import Fault, draw
from sim.radio.glasses import EmulatedHalo
from sim.radio.link import Link
from sim.radio.short_assistant import ANSWER_HZ, ANSWER_S, ANSWER_TITLE, SORRY_HZ, Assistant, tone_s

PATIENCE_S = 45.0  # of the wearer, for an answer or a word
RECOVERY_S = 60.0  # after the last fault, until it runs
SETTLED_S = 8.0  # after the last fault, until everything must work as ever
MARGIN_S = 3.0  # beyond the deadline of a state
CLOSING_S = 10.0
OLD_FIRMWARE = "0.8.3"
_FIRMWARES = ("0.8.12", "0.8.12", "0.8.9", "0.8.8")
_INSTALLED = 0.7  # of the lives begin with our app on the glasses already
_STRANGERS = 0.04  # of the lives begin with glasses that have not met this host
_TURNS = (1, 1, 2, 3)
_CALMS_S = 8.0  # a wearer who was told that something is wrong waits so long, or until it runs again
TURN = "turn"  # begins when the wearer presses
STATES = {  # in which faults strike, and how often: a state that is rarely entered needs more of them
    "SCAN": 1.0,
    "CONNECT": 1.0,
    "GREET": 1.0,
    "CHECK": 1.0,
    "UPLOAD": 1.5,
    "ATTACH": 1.0,
    "RUN": 2.0,
    "DEGRADE": 1.5,
    "WAIT": 1.0,
    "BOND": 0.2,
    TURN: 8.0,
}
NOTICES = ("No Glint", "No answer")  # what the app shows by itself


@dataclass
class Turn:
    """at: when the wearer pressed. ended: how, "" if the wearer never learnt; after_s: how long that took."""

    at: float
    ended: str = ""
    after_s: float = 0.0


@dataclass
class Life:
    """What came of it. hang: what made no progress, "" for nothing. lost: turns that nobody said a word of."""

    seed: int
    firmware: str
    mtu: int
    faults: list[Fault]
    seconds: float = 0.0
    hang: str = ""
    turns: list[Turn] = field(default_factory=list)
    states: list[tuple[float, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    connections: int = 0
    struck: int = 0  # faults that did
    photos_taken: int = 0
    photos_whole: int = 0  # that the bridge got
    away_s: list[float] = field(default_factory=list)  # how long it took each time to run again
    unattended_s: float = 0.0  # the longest that the microphone was on without a word from the host
    packets: dict[str, int] = field(default_factory=dict)

    @property
    def lost(self) -> int:
        return sum(not turn.ended for turn in self.turns)


class Bridge:
    """The bridge under test, as the life uses it; tests replace it by one that does not work."""

    def __init__(self, chance: random.Random, on_note: Callable[[str], None], on_state: Callable[[Any], None]) -> None:
        from firmware_bridge.halo.driver import Driver

        loop = asyncio.get_running_loop()
        self.driver = Driver(chance=chance, clock=loop.time, on_note=on_note, on_state=on_state)
        self.microphone: Microphone = self.driver.ear
        self.camera: Camera = self.driver.eye
        self.speaker: Speaker = self.driver.mouth
        self.display: Display = self.driver.screen
        self.photos = 0
        saw = self.driver.eye.saw

        def counted(pixels: np.ndarray, at: float) -> None:
            self.photos += 1
            saw(pixels, at)

        self.driver.eye.saw = counted  # type: ignore[method-assign]

    def install(self, folder: Path) -> None:
        """Our app is on the glasses, as an earlier life has left it."""
        from firmware_bridge.halo import app_source

        (folder / app_source.FILE).write_text(app_source.source())
        (folder / app_source.VERSION_FILE).write_text(app_source.version() + "\n")

    async def run(self) -> None:
        await self.driver.run()

    def stop(self) -> None:
        self.driver.stop()

    def pressed(self) -> bool:
        return self.driver.pressed()

    @property
    def state(self) -> str:
        return self.driver.session.state.name

    def overdue_s(self) -> float | None:
        """How long the present state may last at most."""
        session = self.driver.session
        return session.wait_s if self.state == "WAIT" else session.deadline_s


def live(seed: int, bridge: Callable[..., Bridge] = Bridge, faults: list[Fault] | None = None) -> Life:
    """The life with that seed. faults: these, and not those that the seed draws."""
    chance = random.Random(seed)
    firmware = OLD_FIRMWARE if chance.random() < 0.02 else chance.choice(_FIRMWARES)
    mtu, drawn = chance.choice((185, 247, 512)), draw(chance, STATES, until=20.0)
    life = Life(seed, firmware, mtu, drawn if faults is None else faults)
    try:
        run_fast(_Day(life, chance, bridge).pass_by())
    except Stuck as stuck:
        life.hang = life.hang or str(stuck)
    return life


class _Day:
    def __init__(self, life: Life, chance: random.Random, bridge: Callable[..., Bridge]) -> None:
        self._life, self._chance, self._make = life, chance, bridge
        link = Link(bytes_per_s=chance.choice((15_000.0, 40_000.0, 90_000.0)), latency_s=chance.uniform(0.008, 0.04))
        link.random = random.Random(life.seed + 1)
        picture = np.random.default_rng(7).integers(0, 255, (6, 8, 3), np.uint8)
        self._halo = EmulatedHalo(mtu=life.mtu, firmware=life.firmware, picture=picture, link=link)
        self._halo.bonded = chance.random() >= _STRANGERS
        self._halo.machine.display.paints = False
        self._waiting = [fault for fault in life.faults if fault.state]  # for their state
        self._over_at = 0.0  # when the last fault will be over
        self._down_since: float | None = None
        self._entered = 0.0
        self._ran = self._peace = False

    async def pass_by(self) -> None:
        loop, life = asyncio.get_running_loop(), self._life
        self._now = loop.time
        with fake_bluetooth([self._halo]) as air:
            self._air: Air = air
            self._bridge = self._make(random.Random(life.seed + 2), life.notes.append, self._entered_state)
            if self._chance.random() < _INSTALLED:
                self._bridge.install(self._halo.machine.files)
            for fault in life.faults:
                if not fault.state:
                    loop.call_later(fault.at, self._strike, fault)
            running = loop.create_task(self._bridge.run())
            self._assistant = Assistant(self._bridge, self._now, always=self._chance.random() < 0.15)
            answering = loop.create_task(self._assistant.run())
            watching = loop.create_task(self._watch(running, answering))
            try:
                await self._wear()
                if not life.hang:
                    await self._close(running)
            finally:
                life.seconds = loop.time()
                life.hang = life.hang or self._assistant.hang
                self._count()
                for task in (running, watching, answering):
                    task.cancel()
                await asyncio.gather(running, watching, answering, return_exceptions=True)

    async def _wear(self) -> None:
        """What the wearer does, until it is over or hangs."""
        life, chance = self._life, self._chance
        if not self._halo.bonded:
            await self._pair()
        if life.firmware == OLD_FIRMWARE:
            await asyncio.sleep(40.0)
            if not any("too old" in note for note in life.notes):
                life.hang = "It did not say that the firmware is too old."
            return
        await self._until_running()
        for _ in range(chance.choice(_TURNS)):
            await asyncio.sleep(chance.uniform(0.3, 4.0))
            if life.hang:
                return
            turn = await self._ask()
            if "answer" not in turn.ended and chance.random() < 0.7:
                await self._until_running(_CALMS_S)
        while not life.hang and (self._now() < self._over_at or self._down_since is not None):
            await asyncio.sleep(0.1)
        if life.struck and not life.hang:
            self._peace = True
            await asyncio.sleep(SETTLED_S)
            while self._assistant.busy and not life.hang:
                await asyncio.sleep(0.1)
            turn = await self._ask()
            if "answer" not in turn.ended and not life.hang:
                life.hang = f"Long after the last fault a turn ends with: {turn.ended or 'nothing'}."

    async def _ask(self) -> Turn:
        """One turn, until the wearer knows what became of it."""
        turn = Turn(self._now())
        self._life.turns.append(turn)
        self._halo.press()
        self._begun(TURN)
        self._halo.later(0.3, self._say)
        await self._learn(turn)
        return turn

    async def _pair(self) -> None:
        """Holds the button once told to, and again as long as nothing comes of it."""
        while not self._life.hang and not self._halo.bonded:
            await asyncio.sleep(self._chance.uniform(5.0, 10.0))
            if any("button" in note for note in self._life.notes):
                self._halo.pair()

    async def _until_running(self, most_s: float = float("inf")) -> None:
        until = self._now() + most_s
        while not self._life.hang and self._bridge.state != "RUN" and self._now() < until:
            await asyncio.sleep(0.1)

    def _say(self) -> None:
        said = np.sin(np.arange(int(RATE * self._chance.uniform(0.5, 1.2))) * 0.3).astype(np.float32) * 0.4
        self._halo.hear(said)

    async def _learn(self, turn: Turn) -> None:
        """Until the wearer knows what became of it."""
        halo = self._halo
        while not self._life.hang and self._now() < turn.at + PATIENCE_S:
            await asyncio.sleep(0.1)
            heard = halo.spoken(turn.at)
            if tone_s(heard, ANSWER_HZ) > 0.5 * ANSWER_S:
                turn.ended = "answer heard"
            elif any(when > turn.at and ANSWER_TITLE in text for when, text in halo.texts):
                turn.ended = "answer seen"
            elif tone_s(heard, SORRY_HZ) > 0.1:
                turn.ended = "sorry heard"
            elif any(when > turn.at for when, _ in halo.sounds):
                turn.ended = "effect heard"
            elif any(notice in text for text in halo.showing for notice in NOTICES):
                turn.ended = "notice seen"
            if turn.ended:
                turn.after_s = self._now() - turn.at
                return
        if self._assistant.shown_at > turn.at:  # a card that came as a picture, and what was said did not come
            drawn = [when for when in halo.machine.display.drawn if when >= self._assistant.shown_at]
            if drawn:
                turn.ended, turn.after_s = "answer seen", drawn[0] - turn.at

    async def _close(self, running: asyncio.Task[None]) -> None:
        self._bridge.stop()
        await asyncio.wait({running}, timeout=CLOSING_S)
        if not running.done():
            self._life.hang = f"It did not close within {CLOSING_S:.0f} s."

    def _entered_state(self, state: Any) -> None:
        now, name = self._now(), state.name
        self._life.states.append((now, name))
        self._entered = now
        if name == "RUN":
            if self._down_since is not None and self._ran:
                self._life.away_s.append(now - self._down_since)
            self._down_since, self._ran = None, True
        elif self._down_since is None:
            self._down_since = now
        self._begun(name)

    def _begun(self, name: str) -> None:
        for fault in [each for each in self._waiting if each.state == name]:
            self._waiting.remove(fault)
            asyncio.get_running_loop().call_later(fault.at, self._strike, fault)

    def _strike(self, fault: Fault) -> None:
        if self._peace:
            return
        self._life.struck += 1
        self._over_at = max(self._over_at, self._now() + fault.lasts_s)
        fault.strike(self._halo, self._air)

    async def _watch(self, running: asyncio.Task[None], answering: asyncio.Task[None]) -> None:
        """Calls the life hung where something makes no progress past its deadline."""
        life, halo = self._life, self._halo
        while not life.hang:
            await asyncio.sleep(0.25)
            now = self._now()
            for what, task in (("bridge", running), ("assistant", answering)):
                if task.done() and self._bridge.state != "CLOSED":
                    error = None if task.cancelled() else task.exception()
                    life.hang = f"The {what} ended: {type(error).__name__}: {error}"
                    return
            most = self._bridge.overdue_s()
            if most is not None and now - self._entered > most + MARGIN_S:
                life.hang = f"{self._bridge.state} has lasted {now - self._entered:.1f} s and may last {most:.1f} s."
            too_old = life.firmware == OLD_FIRMWARE
            if self._down_since is not None and not too_old:
                since = max(self._over_at, self._down_since)
                if now - since > RECOVERY_S:
                    life.hang = f"It does not run {now - since:.0f} s after the last fault ({self._bridge.state})."
            if halo.listening and now > halo.machine.stalled_until + 1.0:
                life.unattended_s = max(life.unattended_s, now - max(halo.heard_from_host_at, 0.0))

    def _count(self) -> None:
        life, halo = self._life, self._halo
        life.connections = halo.connections
        life.photos_taken = len(halo.machine.camera.taken)
        life.photos_whole = self._bridge.photos
        life.packets = dict(halo.link.counts)

"""Keeps the glasses connected: opens the line, begins a session, keeps it alive, and tries again when it is gone.

One thread reads and writes the line. The parts (ear, eye, mouth, view, ...) are told what comes and asked what to send;
they wait for nothing there.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from device.glasses import Unplugged
from firmware_bridge.stream.framing import Counts, Decoder, Encoder
from firmware_bridge.stream.line import Address, Line
from firmware_bridge.stream.messages import (
    VERSION,
    Abilities,
    Control,
    Hello,
    Malformed,
    Message,
    Status,
    Trouble,
    unpacked,
)
from models.errors import GlintError

HELLO_S = 0.5  # between two hellos
ANSWER_S = 5.0  # to the first of them
ALIVE_S = 0.5  # between two Controls
AGAIN_S = 0.1  # until a Control that changes something is sent again
SILENT_S = 2.0  # without a frame the link is down, here as there
FIRST_BACK_OFF_S, LAST_BACK_OFF_S = 0.25, 5.0
_CLOSING_S = 0.3  # for the answer to the last Control


class Part(Protocol):
    """A part of the glasses. All three are called on the link's thread."""

    def begin(self, abilities: Abilities) -> None:
        """A session begins, or, with Abilities that have none, has ended."""
        ...

    def take(self, message: Message) -> None: ...

    def due(self, now: float) -> Iterable[Message]:
        """What to send now, little at once; called each 10 ms or sooner."""
        ...


class _Restarted(Exception):
    """The glasses have started anew and know nothing of the session."""


class Link:
    """wants: what the Control is to say now, with token 0. Starts at the first `check`."""

    def __init__(self, address: Address, parts: Sequence[Part], wants: Callable[[float], Control]) -> None:
        self.counts = Counts()  # of frames from the glasses
        self.malformed = 0  # of undamaged frames
        self.sessions = 0
        self.troubles: list[str] = []  # the last sentences that the glasses have said about themselves
        self._address, self._parts, self._wants = address, parts, wants
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._tried = threading.Event()  # it is known whether the glasses are there
        self._problem: GlintError | None = None
        self._line: Line | None = None
        self._encoder = Encoder()
        self._wanted = Control(token=0)
        self._wanted_at = self._sent_at = self._heard_at = 0.0
        self._status: Status | None = None

    def check(self) -> None:
        """Raises Unplugged while the glasses are away, GlintError after `close` and where a package is missing."""
        with self._lock:
            if self._closing.is_set():
                raise GlintError("The glasses have been closed; open them again.")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="glint stream", daemon=True)
                self._thread.start()
        if (problem := self._problem) is not None:
            raise type(problem)(str(problem))

    def wait(self, timeout_s: float) -> None:
        """Until the glasses are there. Raises as `check`, and Unplugged if it takes longer than `timeout_s`."""
        self.check()
        tried = self._tried.wait(timeout_s)
        self.check()
        if not tried:
            raise Unplugged(f"The glasses at {self._address} have not answered within {timeout_s:.0f} s; try again.")

    def followed(self, control: Control) -> bool:
        """Whether the glasses have confirmed the newest Control and it was this one (but for its token)."""
        status = self._status
        return (
            status is not None
            and replace(self._wanted, token=0) == control
            and (status.token - self._wanted.token) & 0xFFFF < 0x8000
        )

    def close(self, timeout_s: float = 2.0) -> None:
        """Everything off at the glasses, and the line closed. May be called twice."""
        with self._lock:
            self._closing.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        back_off_s = FIRST_BACK_OFF_S
        while not self._closing.is_set():
            sessions = self.sessions
            try:
                self._line = self._address.open()
                self._connected()
            except GlintError as error:
                self._problem = error
            except Exception as error:  # a driver's own kind, which would end the thread without a word
                self._problem = Unplugged(f"The glasses at {self._address} stopped working ({error}); trying again.")
            finally:
                if self._line is not None:
                    self._line.close()
                    self._line = None
            self._end()
            if not isinstance(self._problem, Unplugged):
                return
            back_off_s = FIRST_BACK_OFF_S if self.sessions > sessions else min(2 * back_off_s, LAST_BACK_OFF_S)
            self._closing.wait(back_off_s)

    def _connected(self) -> None:
        while True:
            try:
                self._session()
                return
            except _Restarted:
                self._end()

    def _end(self) -> None:
        self._status = None
        for part in self._parts:
            part.begin(Abilities(session=0, payload=0))
        self._tried.set()

    def _session(self) -> None:
        """From a hello until `close`. Raises Unplugged when the link is down."""
        decoder = Decoder(self.counts)
        self._greet(decoder)
        self._wanted, self._wanted_at, self._sent_at = Control(token=0), 0.0, 0.0
        while not self._closing.is_set():
            self._read(decoder, self._taken)
            now = time.monotonic()
            if now - self._heard_at > SILENT_S:
                raise Unplugged(f"The glasses at {self._address} have fallen silent; come nearer or switch them on.")
            self._steer(now, self._wants(now))
            for part in self._parts:
                for message in part.due(now):
                    self._send(message)
        self._switch_off(decoder)

    def _greet(self, decoder: Decoder) -> None:
        session = secrets.randbelow(2**32 - 1) + 1
        deadline, hello_at, answers = time.monotonic() + ANSWER_S, 0.0, []

        def answered(message: Message) -> None:
            if isinstance(message, Abilities) and (message.session == session or message.version != VERSION):
                answers.append(message)

        while not answers:
            now = time.monotonic()
            if self._closing.is_set():
                raise Unplugged("The glasses have been closed.")
            if now > deadline:
                raise Unplugged(
                    f"Nothing at {self._address} answers as glasses do; switch them on or check the address."
                )
            if now - hello_at > HELLO_S:
                hello_at = now
                self._send(Hello(session=session))
            self._read(decoder, answered)
        abilities = answers[-1]
        _check(abilities, str(self._address))
        self._heard_at = time.monotonic()
        self.sessions += 1
        for part in self._parts:
            part.begin(abilities)
        self._problem = None
        self._tried.set()

    def _read(self, decoder: Decoder, take: Callable[[Message], None]) -> None:
        assert self._line is not None
        for frame in decoder.feed(self._line.read()):
            self._heard_at = time.monotonic()
            try:
                message = unpacked(*frame)
            except Malformed:
                self.malformed += 1
                continue
            if message is not None:
                take(message)

    def _taken(self, message: Message) -> None:
        if isinstance(message, Abilities) and message.session == 0:
            raise _Restarted
        if isinstance(message, Status):
            self._status = message
        if isinstance(message, Trouble):
            self.troubles = [*self.troubles[-9:], message.text]
        for part in self._parts:
            part.take(message)

    def _steer(self, now: float, wanted: Control) -> None:
        if replace(wanted, token=self._wanted.token) != self._wanted or self._wanted_at == 0.0:
            self._wanted, self._wanted_at = replace(wanted, token=(self._wanted.token + 1) & 0xFFFF), now
        elif now - self._sent_at < (ALIVE_S if self.followed(wanted) else AGAIN_S):
            return
        self._sent_at = now
        self._send(self._wanted)

    def _switch_off(self, decoder: Decoder) -> None:
        off = replace(self._wants(time.monotonic()), microphone=0, light=0)
        deadline = time.monotonic() + _CLOSING_S
        while not self.followed(off) and time.monotonic() < deadline:
            self._steer(time.monotonic(), off)
            self._read(decoder, self._taken)

    def _send(self, message: Message) -> None:
        assert self._line is not None
        self._line.write(self._encoder.frame(message.kind, message.packed()))


def _check(abilities: Abilities, address: str) -> None:
    """Raises Unplugged for glasses that nothing can be done with."""
    if abilities.version != VERSION:
        raise Unplugged(
            f"The glasses at {address} speak version {abilities.version} of the wire format, Glint version {VERSION}; "
            f"update the {'glasses' if abilities.version < VERSION else 'assistant'}."
        )
    rates = {abilities.microphone_rate} if abilities.microphone else set()
    rates |= {abilities.speaker_rate} if abilities.speaker else set()
    sides = (abilities.width, abilities.height) if abilities.display else (1, 1)
    if (
        abilities.payload < 64
        or not all(8_000 <= rate <= 48_000 for rate in rates)
        or not all(1 <= side <= 2048 for side in sides)
        or (abilities.speaker and abilities.speaker_buffer < abilities.speaker_rate // 20)
    ):
        raise Unplugged(
            f"The glasses at {address} say of themselves what cannot be ({abilities}); mend their firmware."
        )

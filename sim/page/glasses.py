"""The page as a pair of glasses. The loop above runs whichever tab is worn; without one, sensors are unplugged.

The browser cancels the echo of what it plays itself, so nothing is known here of what has left its speaker.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence

import cv2
import numpy as np
import soxr

from device.cards.card import Card
from device.cards.display import as_png, screen
from device.cards.html import fragment
from device.glasses import (
    CHUNK,
    RATE,
    Button,
    Camera,
    Frame,
    Light,
    Microphone,
    Speaker,
    Unplugged,
)
from device.heard_chunks import HeardChunks
from sim.page.messages import Picture, Sound
from sim.page.tab import Tab

REMEMBERED = 64  # frames whose numbers are known
OLD_S = 10.0  # a frame that was taken so long ago is not given to who looks now
_SOON_S = 1.0  # a frame that was asked for and has not come in that time is asked for again
_AFTER_TALK_S = 1.5  # of silence heard after push to talk is let go
_ON_THE_WAY_S = 0.05  # from here to the loudspeaker


class PageGlasses:
    """Implements device.glasses.Glasses, Display and Led. `wear` says which tab it is, None for none."""

    def __init__(self) -> None:
        self.ear, self.eye = _Ear(self), _Eye(self)
        self.microphone: Microphone = self.ear
        self.camera: Camera = self.eye
        self.speaker: Speaker = _Mouth(self)
        self.button: Button = self
        self.tab: Tab | None = None
        self.radio_down = False
        self._pressed = False
        self._cards: Sequence[Card] = ()
        self._picture: np.ndarray | None = None  # what the cards point at
        self._carded: Card | None = None  # the one that the page shows beside the display
        self._light = Light.OFF

    def wear(self, tab: Tab | None) -> None:
        """From now on this tab is the glasses, with everything as it shows."""
        self.tab = tab
        self.radio_down = self._pressed = False
        self.ear.begin()
        self.eye.begin()
        self.speaker.stop()
        self._carded = None
        self.show(self._cards, self._picture)
        self.light(self._light)

    def reach(self, up: bool) -> None:
        """The radio link to the page is up or down; when it comes back, the page shows what is so by now."""
        self.radio_down = not up
        if not up:
            self.speaker.stop()
        self._carded = None
        self.show(self._cards, self._picture)
        self.light(self._light)

    @property
    def link(self) -> Tab:
        """The tab that is worn and can be reached. Raises Unplugged."""
        tab = self.tab
        if tab is None:
            raise Unplugged("No page is open; open the simulator's page in a browser.")
        if self.radio_down:
            raise Unplugged("The radio link to the glasses is down.")
        return tab

    def tell(self, kind: str, **fields: object) -> None:
        """The page, if there is one that can be reached."""
        if self.tab is not None and not self.radio_down:
            self.tab.send(kind, **fields)

    def press(self) -> None:
        self._pressed = not self.radio_down

    def pressed(self) -> bool:
        """As the protocol of a button says."""
        pressed, self._pressed = self._pressed, False
        return pressed

    def show(self, cards: Sequence[Card], picture: np.ndarray | None = None) -> None:
        """As the protocol of a display says: the words, the pixels of the display, and a rich card as HTML, once."""
        self._cards, self._picture = cards, picture
        if self.tab is None or self.radio_down:
            return
        words = [{"title": card.title, "text": card.text} for card in cards]
        self.tell("cards", cards=words, screen=as_png(screen(cards, picture)))
        rich = next((card for card in cards if card.is_rich), None)
        if rich is not None and rich is not self._carded:
            self._carded = rich
            self.tell("card", html=fragment(rich, picture))

    def light(self, light: Light) -> None:
        """As the protocol of a light says."""
        self._light = light
        self.tell("light", colour=light.value)

    def close(self) -> None:
        self.tab = None


class _Ear:
    """Implements device.glasses.Microphone."""

    def __init__(self, glasses: PageGlasses) -> None:
        self._glasses = glasses
        self._news = threading.Condition()
        self.begin()

    def begin(self) -> None:
        """Nothing has been heard of this tab yet."""
        with self._news:
            self._chunks = HeardChunks()
            self._resampler: soxr.ResampleStream | None = None
            self._rate = 0
            self._held: float | None = None  # push to talk has been let go: until when only silence is heard
            self._prompted = False  # somebody else speaks into this ear
            self.why_not = ""

    def switch(self, on: bool, why: str) -> None:
        """There is a microphone, or there is none because of `why`."""
        with self._news:
            self.why_not = "" if on else why or "The microphone is off."
            self._chunks.clear()
            self._news.notify()

    def hold(self, on: bool) -> None:
        self._held = None if on else time.monotonic() + _AFTER_TALK_S

    def heard(self, sound: Sound) -> None:
        """From the page, as it comes."""
        samples = sound.samples.astype(np.float32) / 32768
        with self._news:
            if self._glasses.radio_down or self.why_not or self._prompted:
                return
            if sound.rate != self._rate:
                self._rate = sound.rate
                self._resampler = None if sound.rate == RATE else soxr.ResampleStream(sound.rate, RATE, 1, "float32")
            if self._resampler is not None:
                samples = self._resampler.resample_chunk(samples)
            if self._held is not None:
                if time.monotonic() < self._held:
                    samples = np.zeros_like(samples)
                else:
                    self._held = None
            self._add(samples)

    def prompt(self, samples: np.ndarray) -> None:
        """Hears float32 [n] at RATE instead of the microphone, in real time; returns when it is over."""
        with self._news:
            self._prompted = True
        try:
            due = time.monotonic()
            for at in range(0, len(samples), CHUNK):
                due += CHUNK / RATE
                time.sleep(max(0.0, due - time.monotonic()))
                with self._news:
                    self._add(samples[at : at + CHUNK])
        finally:
            with self._news:
                self._prompted = False

    def _add(self, samples: np.ndarray) -> None:
        self._chunks.add(samples, time.monotonic())
        self._news.notify()

    def read(self, timeout_s: float) -> np.ndarray | None:
        """As the protocol says."""
        self._glasses.link  # noqa: B018  raises where there is none
        with self._news:
            if self.why_not and not self._prompted:
                raise Unplugged(self.why_not)
            self._news.wait_for(lambda: bool(self._chunks or (self.why_not and not self._prompted)), timeout_s)
            if not self._chunks:
                return None
            return self._chunks.take()

    def late_s(self) -> float:
        """As the protocol says."""
        return self._chunks.late_s(time.monotonic())


class _Eye:
    """Implements device.glasses.Camera. A frame is sent when it is asked for, so nobody looks while it sleeps."""

    def __init__(self, glasses: PageGlasses) -> None:
        self._glasses = glasses
        self._lock = threading.Lock()
        self.begin()

    def begin(self) -> None:
        """Nothing has been seen of this tab yet."""
        with self._lock:
            self._frame: Frame | None = None
            self._numbers: OrderedDict[float, int] = OrderedDict()
            self._asked_at = 0.0
            self.why_not = ""

    def switch(self, on: bool, why: str) -> None:
        """There is a camera, or there is none because of `why`."""
        self.why_not = "" if on else why or "The camera is off."

    def saw(self, picture: Picture) -> str | None:
        """From the page. What is wrong with it, if anything."""
        self._asked_at = 0.0
        if self._glasses.radio_down or self.why_not:
            return None
        try:
            pixels = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)
        except cv2.error:
            pixels = None
        if pixels is None:
            return "A frame is a broken JPEG picture and was left out."
        frame = Frame(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), time.monotonic())
        with self._lock:
            self._frame = frame
            self._numbers[frame.at] = picture.number
            while len(self._numbers) > REMEMBERED:
                self._numbers.popitem(last=False)
        return None

    def number(self, frame: Frame | None) -> int | None:
        """The page's number of a frame."""
        with self._lock:
            return self._numbers.get(frame.at) if frame else None

    def latest(self) -> Frame | None:
        """As the protocol says."""
        tab = self._glasses.link
        if self.why_not:
            with self._lock:
                self._frame = None
            raise Unplugged(self.why_not)
        now = time.monotonic()
        if now - self._asked_at > _SOON_S:
            self._asked_at = now
            tab.send("look")
        with self._lock:
            if self._frame is not None and now - self._frame.at > OLD_S:
                self._frame = None  # of the last time it was awake
            return self._frame


class _Mouth:
    """Implements device.glasses.Speaker: the page is sent everything at once and plays it in order."""

    def __init__(self, glasses: PageGlasses) -> None:
        self._glasses = glasses
        self._ends = 0.0  # on time.monotonic's clock, as far as can be known from here

    def play(self, samples: np.ndarray, rate: int) -> None:
        """As the protocol says."""
        self._glasses.link.speech(np.clip(samples, -1, 1), rate)
        self._ends = max(self._ends, time.monotonic() + _ON_THE_WAY_S) + len(samples) / rate

    def stop(self) -> None:
        """As the protocol says."""
        self._ends = 0.0
        if self._glasses.tab is not None:
            self._glasses.tab.silence()

    def pending_s(self) -> float:
        """As the protocol says."""
        return max(0.0, self._ends - time.monotonic())

    def played(self, count: int, late_s: float = 0.0) -> np.ndarray:
        """Zeros: the browser has taken out of the microphone what it played itself."""
        return np.zeros(count, np.float32)

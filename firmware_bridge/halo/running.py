"""What goes on side by side while our app runs on the glasses: pings, microphone, photos, speech and the display.

Each duty is a loop of its own; the first one that ends, ends them all, and says how the session goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from firmware_bridge.halo import messages
from firmware_bridge.halo.attaching import Attaching
from firmware_bridge.halo.messages import (
    Audio,
    Click,
    Codec,
    Failed,
    Message,
    PhotoEnd,
    PhotoPart,
    Spoken,
    Status,
    ToGlasses,
)
from firmware_bridge.halo.photo import BrokenPhoto, LatePhoto, Photo, decoded
from firmware_bridge.halo.quality import Quality, microphone_codec
from firmware_bridge.halo.session import Outcome, Timings
from firmware_bridge.halo.trouble import Trouble

if TYPE_CHECKING:
    from firmware_bridge.halo.driver import Driver

TRIES = 3  # to send a message that is not acknowledged
VOLUME = 70
_IDLE_S = 0.02  # between two looks at whether there is something to do
_LINGER_S = 1.0  # the speaker stays open after what was said
_SILENT_S = 5.0  # a microphone that is on brings something in that time
_LATE_S = 0.3  # parts of a photo that come behind its end
_REDRAW_S = 0.25  # between two pictures
_SETTLED_S = 1.0  # after which the glasses' status has taken in what they were told
_JUDGED_S, _MOST_LOST = 2.0, 50  # frames of sound that may be lost in that time
_SLOWEST_BYTES_S = 500  # bytes a second, of a link on which a message is not given up
_SLOWEST = 5  # times as long as a photo may stand still, it may take
_AFTER_FAILURE_S = 1.0  # a photo is taken again
_PHOTO_FAILURES = 3  # one after the other, until the camera counts as gone


class Running:
    """The duties of one link."""

    def __init__(self, driver: Driver, attaching: Attaching, quality: Quality, timings: Timings) -> None:
        self._driver, self._attaching, self._quality, self._timings = driver, attaching, quality, timings
        self._clock = driver.clock
        self._ble = attaching.link()
        self._sending = asyncio.Lock()
        self._status_at = self._clock()
        self._photo: Photo | None = None
        self._photo_news = asyncio.Event()
        self._photo_trouble = ""  # the glasses' words
        self._photo_began_at = 0.0
        self._spoken = asyncio.Event()
        self._microphone_failed = False
        self._microphone_at = self._clock()  # when it was switched last
        self.dropped, self.ended = asyncio.Event(), asyncio.Event()  # the link is down; our app has ended

    async def run(self) -> tuple[Outcome, str]:
        """Until one duty ends. Raises what radios raise."""
        duties: list[Callable] = [self._ping, self._watch, self._listen, self._look, self._speak, self._draw]
        tasks = [asyncio.ensure_future(duty()) for duty in duties]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def heard(self, message: Message) -> None:
        """What our app on the glasses tells."""
        if isinstance(message, Audio):
            self._driver.ear.heard(message)
        elif isinstance(message, PhotoPart | PhotoEnd):
            if self._photo is not None:
                if not self._photo.size:
                    self._photo_began_at = self._clock()
                if self._photo.take(message) or isinstance(message, PhotoEnd):
                    self._photo_news.set()
        elif isinstance(message, Status):
            self._status_at = self._clock()
            self._check_microphone(message)
        elif isinstance(message, Spoken):
            self._spoken.set()
        elif isinstance(message, Click):
            if message.count is not None:
                self._later(ToGlasses.CLICKED, bytes([message.count]))
        elif isinstance(message, Failed):
            self._failed(message)

    def _check_microphone(self, status: Status) -> None:
        """What the glasses do with it must be what they were told, now that they had the time for it."""
        ear = self._driver.ear
        if self._clock() - self._microphone_at < _SETTLED_S:
            return
        if ear.on:
            self._microphone_failed = not status.microphone or status.stream != ear.stream
        elif status.microphone:
            self._later(ToGlasses.MICROPHONE, messages.microphone(0, Codec.OFF, 0))

    def _failed(self, message: Failed) -> None:
        if message.what == ToGlasses.CAPTURE:
            self._photo_trouble = message.why
            self._photo_news.set()
        elif message.what == ToGlasses.MICROPHONE:
            self._microphone_failed = True
            self._driver.note(f"The microphone of {self._attaching.name} does not work ({message.why}).")
        elif message.what == ToGlasses.SPEAKER:
            self._driver.note(f"The speaker of {self._attaching.name} does not work ({message.why}).")
        elif message.what in (ToGlasses.PICTURE, ToGlasses.TEXT):
            self._driver.screen.forget()
            self._driver.redraw.set()
        elif message.what == ToGlasses.CLEAR:  # the app shows a notice of its own, until there is something new
            self._driver.screen.forget()

    # Sending: one message after the other, each acknowledged, sent again where it is not.

    async def _send(self, code: ToGlasses, data: bytes = b"") -> None:
        async with self._sending:
            for _ in range(TRIES):
                try:
                    await asyncio.wait_for(self._acknowledged(code, data), self._patience_s(data))
                    return
                except ConnectionError:
                    raise
                except asyncio.TimeoutError:
                    with suppress(Exception):  # else the vendor's library would go on waiting for what was lost
                        await self._ble.wait_for_acks(timeout=_IDLE_S)
                except Exception as error:
                    if "payload length" in str(error):
                        raise
                if len(data) > 100:  # half of it may be there: another message makes the glasses forget that
                    await self._ble.send_data(bytearray(messages.framed(ToGlasses.PING, b"")))
            raise Trouble(Outcome.SILENT, f"{self._attaching.name} does not answer; I start our app there again.")

    async def _acknowledged(self, code: ToGlasses, data: bytes) -> None:
        await self._ble.send_message(code, data)
        await self._ble.wait_for_acks(timeout=self._timings.sending / TRIES / 2)

    def _patience_s(self, data: bytes) -> float:
        """For one try: the library itself waits 5 s for every packet, in which the glasses would count as gone."""
        return self._timings.sending / TRIES + len(data) / _SLOWEST_BYTES_S

    def _later(self, code: ToGlasses, data: bytes) -> None:
        self._driver.outbox.put_nowait((code, data))

    async def _ping(self) -> tuple[Outcome, str]:
        """Tells the app that somebody is there, and sends what is sent by the way."""
        due = self._clock()
        while True:
            try:
                wait = max(0.0, due - self._clock())
                code, data = await asyncio.wait_for(self._driver.outbox.get(), wait)
            except asyncio.TimeoutError:
                code, data = ToGlasses.PING, b""
                due = self._clock() + self._timings.ping
            await self._send(code, data)

    async def _watch(self) -> tuple[Outcome, str]:
        """Whether the link is there and our app at its other end.

        What is left of one that has failed still acknowledges packets, so that only a status counts.
        """
        while True:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.dropped.wait(), _IDLE_S * 10)
            if self.dropped.is_set() or not self._ble.is_connected():
                raise ConnectionError("the link is down")
            if self.ended.is_set():
                return Outcome.OTHER_APP, f"Our app on {self._attaching.name} has ended; I start it again."
            if self._clock() - self._status_at > self._timings.silence:
                return Outcome.SILENT, f"{self._attaching.name} does not answer; I start our app there again."

    async def _listen(self) -> tuple[Outcome, str]:
        """The microphone is on while somebody listens, in the codec that suits the link.

        Another codec costs a moment of sound, so it waits until nobody looks, as then nobody asks either; unless so
        much gets lost that less would be more.
        """
        ear, codec = self._driver.ear, microphone_codec(self._attaching.hardware)
        kbps, lost, judged_at = 0, ear.lost_frames, self._clock()
        while True:
            now = self._clock()
            if now - judged_at > _JUDGED_S:
                lacking = ear.lost_frames - lost > _MOST_LOST
                lost, judged_at = ear.lost_frames, now
                if lacking:
                    self._quality.lacking()
            else:
                lacking = False
            if ear.wanted:
                silent = ear.on and now - ear.heard_at > _SILENT_S
                failed = self._microphone_failed and now - self._microphone_at > _SETTLED_S
                other = kbps != self._quality.level.kbps and (lacking or not self._driver.eye.wanted)
                if not ear.on or silent or failed or other:
                    self._microphone_failed = False
                    stream, kbps = next(self._driver.streams), self._quality.level.kbps
                    ear.begin(stream, codec, kbps)
                    self._microphone_at = now
                    await self._send(ToGlasses.MICROPHONE, messages.microphone(stream, codec, kbps))
            elif ear.on:
                ear.pause()
                self._microphone_at = now
                await self._send(ToGlasses.MICROPHONE, messages.microphone(0, Codec.OFF, 0))
            await asyncio.sleep(5 * _IDLE_S)

    async def _look(self) -> tuple[Outcome, str]:
        """A photo whenever somebody looks, one at a time, the next one not too soon."""
        number = failures = 0
        while True:
            if not self._driver.eye.wanted:
                await asyncio.sleep(_IDLE_S)
                continue
            began_at, level = self._clock(), self._quality.level
            number = number % 255 + 1
            # What failed once is tried smaller.
            quality = level.quality if not failures else max(0, level.quality - 1)
            try:
                await self._take_photo(number, quality, level.resolution)
                failures = 0
            except BrokenPhoto as broken:
                failures += 1
                self._quality.lacking()
                if failures >= _PHOTO_FAILURES:
                    why = f"The camera of {self._attaching.name} brings no picture: {broken}."
                    self._driver.eye.end(why)
                    if isinstance(broken, LatePhoto) and failures % (2 * _PHOTO_FAILURES) == 0:
                        return Outcome.SILENT, why
            pause = min(level.photo_every_s, _AFTER_FAILURE_S) if failures else level.photo_every_s
            await asyncio.sleep(max(0.05, began_at + pause - self._clock()))

    async def _take_photo(self, number: int, quality: int, resolution: int) -> None:
        """Raises BrokenPhoto. A new number makes whatever is left of an earlier photo count for nothing."""
        self._photo, self._photo_trouble = Photo(number), ""
        self._photo_news.clear()
        asked_at = self._clock()
        try:
            await self._send(ToGlasses.CAPTURE, messages.capture(number, quality, resolution))
            await self._wait_for_end(self._photo)
            if not self._photo_trouble and not self._photo.whole:
                self._photo_news.clear()
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._photo_news.wait(), _LATE_S)
            if self._photo_trouble:
                raise BrokenPhoto(f"the glasses say {self._photo_trouble}")
            ended_at, jpeg = self._clock(), self._photo.jpeg()
            turns = -1 if self._attaching.is_frame else 0
            pixels = await asyncio.to_thread(decoded, jpeg, turns)
            self._quality.measured(len(jpeg), ended_at - self._photo_began_at)
            self._driver.eye.saw(pixels, max(asked_at, self._photo_began_at - 0.05))
        finally:
            self._photo = None

    async def _wait_for_end(self, photo: Photo) -> None:
        """A slow link takes its time; glasses that send nothing for a while will not. Raises LatePhoto."""
        latest = self._clock() + _SLOWEST * self._timings.photo
        while not self._photo_news.is_set():
            size = photo.size
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._photo_news.wait(), self._timings.photo)
            if not self._photo_news.is_set() and (photo.size == size or self._clock() > latest):
                raise LatePhoto("it did not come in time")

    async def _speak(self) -> tuple[Outcome, str]:
        """Sound to the speaker, never further ahead than the glasses can hold."""
        mouth, codec, is_open, kbps, quiet_at = self._driver.mouth, Codec.LC3, False, 0, 0.0
        if self._attaching.is_frame:
            return await self._pretend_to_speak()
        while True:
            now = self._clock()
            if mouth.stopped:
                mouth.stopped, is_open = False, False
                await self._send(ToGlasses.SPEAKER, messages.speaker(Codec.OFF, 0, 0))
            elif mouth.queued:
                if not is_open:
                    kbps = self._quality.level.kbps
                    await self._open_speaker(codec, kbps)
                    is_open = True
                room = min(512, self._mtu()) - 3
                if packet := mouth.packet(self._clock(), room, codec, kbps):
                    await self._ble.send_audio(bytearray(packet))
                    quiet_at = self._clock() + mouth.pending_s()
                await asyncio.sleep(max(0.002, min(_IDLE_S, mouth.due_s(self._clock()))))
            elif is_open and now > quiet_at + _LINGER_S:
                is_open = False
                await self._send(ToGlasses.SPEAKER, messages.speaker(Codec.OFF, 0, 0))
            else:
                await asyncio.sleep(_IDLE_S)

    async def _open_speaker(self, codec: Codec, kbps: int) -> None:
        """The glasses may lose what comes before they are ready, so they are waited for, but not for long."""
        self._spoken.clear()
        await self._send(ToGlasses.SPEAKER, messages.speaker(codec, kbps, VOLUME))
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._spoken.wait(), self._timings.spoken)

    async def _pretend_to_speak(self) -> tuple[Outcome, str]:
        """Frame has no speaker: time goes by as if it had, while the display shows what is said."""
        while True:
            self._driver.mouth.packet(self._clock(), 512, Codec.PCM16, 0)
            await asyncio.sleep(_IDLE_S)

    async def _draw(self) -> tuple[Outcome, str]:
        """What is shown, the newest alone."""
        screen, hardware = self._driver.screen, self._attaching.hardware
        screen.forget()
        while True:
            await self._driver.redraw.wait()
            self._driver.redraw.clear()
            edition, forgotten = screen.edition, screen.forgotten
            for message in await asyncio.to_thread(screen.missing, hardware, self._quality.level.pictures):
                await self._send(*message)
                if screen.forgotten != forgotten:  # whether this came before what cleared it, nobody knows
                    self._driver.redraw.set()
                    break
                screen.sent(message)
                if screen.edition != edition:  # `redraw` is set again
                    break
            await asyncio.sleep(_REDRAW_S)

    def _mtu(self) -> int:
        return self._ble._connected_client().mtu_size

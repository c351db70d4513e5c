"""From nothing to our app running on the glasses: what is done in each state of the session before RUN.

Every method does one state's work and returns its outcome, or raises Trouble or what radios raise; whoever calls it
keeps the deadline. The vendor's client is made anew for every link, as it keeps what the last one left behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from firmware_bridge.halo import app_source, messages, trouble
from firmware_bridge.halo.messages import FromGlasses, HelloBack, ToGlasses
from firmware_bridge.halo.session import Outcome, Session
from firmware_bridge.halo.trouble import Trouble

if TYPE_CHECKING:
    from bleak.backends.device import BLEDevice
    from brilliant_ble import BrilliantBle

_ASK_FIRMWARE = "print(frame.HARDWARE_VERSION..'|'..tostring(frame.FIRMWARE_VERSION))"
_ASK_VERSION = (
    f"local o,f=pcall(frame.file.open,'{app_source.VERSION_FILE}','r') "
    "if o and f then print(f:read() or '-') f:close() else print('-') end"
)
_FORGET_VERSION = f"pcall(frame.file.remove,'{app_source.VERSION_FILE}') print(1)"


class Attaching:
    """One pair of glasses on its way. `ble` is the vendor's client of the present link, if there is one.

    name: None for the first pair that is found. heard: told of every notification, without its marker. printed: told
    what the glasses print. dropped: told when the link goes down. note: told what the wearer must do.
    """

    def __init__(
        self,
        name: str | None,
        session: Session,
        heard: Callable[[bytes], None],
        printed: Callable[[str], None],
        dropped: Callable[[], None],
        note: Callable[[str], None],
    ) -> None:
        self._wanted, self._session = name, session
        self._heard, self._printed, self._dropped, self._note = heard, printed, dropped, note
        self._device: BLEDevice | None = None
        self._hello: asyncio.Future[HelloBack] | None = None
        self.ble: BrilliantBle | None = None
        self.hardware = self.firmware = ""

    @property
    def name(self) -> str:
        """Of the glasses, for sentences."""
        return (self._device.name if self._device else self._wanted) or "the glasses"

    @property
    def is_frame(self) -> bool:
        return self.hardware == "Frame"

    def link(self) -> BrilliantBle:
        """The client. Raises ConnectionError without a link."""
        if self.ble is None or not self.ble.is_connected():
            raise ConnectionError("the link is down")
        return self.ble

    async def scan(self) -> Outcome:
        import bleak
        from brilliant_ble import BrilliantBle

        others: set[str] = set()
        # Once worn, no other pair is taken for it, though the first one had been good enough.
        name = self.name if self._session.ran else self._wanted

        def wanted(device: BLEDevice, _advertisement: object) -> bool:
            if device.name and name not in (None, device.name):
                others.add(device.name)
            return bool(device.name) and name in (None, device.name)

        try:
            device = await bleak.BleakScanner.find_device_by_filter(
                wanted, timeout=0.9 * self._session.timings.scan, service_uuids=[BrilliantBle._SERVICE_UUID]
            )
        except Exception as error:
            raise trouble.scanning(error) from error
        if device is None:
            raise trouble.not_found(name, others)
        self._device = device
        return Outcome.DONE

    async def connect(self) -> Outcome:
        from brilliant_ble import BrilliantBle

        await self.leave()
        ble = BrilliantBle()

        def down() -> None:
            if self.ble is ble:
                self._dropped()

        try:
            await ble.connect(
                name=self.name,
                timeout=0.4 * self._session.timings.connect,
                connect_timeout=0.4 * self._session.timings.connect,
                data_response_handler=lambda data: self._take(bytes(data)),
                print_response_handler=self._printed,
                disconnect_handler=down,
            )
        except Exception as error:
            raise trouble.connecting(error, self.name, self._session.ran) from error
        except asyncio.CancelledError:
            with suppress(Exception):  # a link that came up behind the deadline would be nobody's
                await asyncio.wait_for(ble._abort_connect(), self._session.timings.closing)
            raise
        self.ble = ble
        return Outcome.DONE

    async def bond(self) -> Outcome:
        """As far as the system lets a program: macOS pairs by itself, and asks the wearer."""
        import bleak

        self._note(f"Hold the button of {self.name} for 5 seconds, until it chimes, so that it takes this computer.")
        assert self._device is not None
        client = bleak.BleakClient(self._device, pair=True, timeout=0.8 * self._session.timings.bond)
        try:
            await client.connect()
        except Exception as error:
            raise Trouble(Outcome.FAILED, f"{self.name} does not pair ({error}); hold its button again.") from error
        await client.disconnect()
        return Outcome.DONE

    async def greet(self) -> Outcome:
        """Whether our app runs there already, in this version: then nothing must be interrupted."""
        back = await self._say_hello(0.5 * self._session.timings.greet)
        if back is None:
            return Outcome.SILENT
        return Outcome.DONE if back.version == app_source.version() else Outcome.OTHER_APP

    async def check(self) -> Outcome:
        """Ends whatever runs, as the vendor's library begins; then asks who they are and what they have."""
        ble = self.link()
        await ble.send_break_signal()
        await ble.send_reset_signal()
        await ble.send_break_signal()
        await ble.drain_print_channel()
        told = await ble.send_lua(_ASK_FIRMWARE, await_print=True)
        hardware, _, firmware = told.strip().partition("|")
        self._meet(hardware, firmware)
        installed = await ble.send_lua(_ASK_VERSION, await_print=True)
        same = installed.strip() == app_source.version() and not self._session.upload_anyway
        return Outcome.SAME_APP if same else Outcome.OTHER_APP

    async def upload(self) -> Outcome:
        """The version last, and no version meanwhile: half an app is never taken for a whole one."""
        ble = self.link()
        await ble.send_lua(_FORGET_VERSION, await_print=True)
        await ble.upload_file_from_string(app_source.source(), app_source.FILE)
        await ble.upload_file_from_string(app_source.version() + "\n", app_source.VERSION_FILE)
        return Outcome.DONE

    async def attach(self) -> Outcome:
        timings = self._session.timings
        told = await self.link().send_lua(
            f"require('{app_source.APP}')", await_print=True, timeout=round(0.5 * timings.attach, 3)
        )
        if told.strip() != app_source.READY:
            raise Trouble(Outcome.FAILED, f"Our app does not start on {self.name} ({told.strip()[:100]}).")
        back = await self._say_hello(0.4 * timings.attach)
        if back is None or back.version != app_source.version():
            raise Trouble(Outcome.SILENT, f"Our app on {self.name} does not answer; I start it again.")
        return Outcome.DONE

    async def degrade(self) -> Outcome:
        """Nothing to do but to see whether the link is there: greeting and checking do the rest."""
        self.link()
        return Outcome.DONE

    async def leave(self, farewell: bool = False) -> None:
        """Drops the link. farewell: ends our app, so that the wearer does not hear that the host is gone."""
        ble, self.ble = self.ble, None
        if ble is not None:
            # A link that is down already cannot be left in order, and some systems never say so.
            with suppress(Exception):
                await asyncio.wait_for(_part(ble, farewell), self._session.timings.closing)

    async def _say_hello(self, timeout_s: float) -> HelloBack | None:
        ble = self.link()
        self._hello = asyncio.get_running_loop().create_future()
        try:
            # Not send_message, which would count on being acknowledged by an app that may not be there.
            await ble.send_data(
                bytearray(messages.framed(ToGlasses.HELLO, messages.hello(self._session.ran))), await_bt_response=True
            )
            back = await asyncio.wait_for(self._hello, timeout_s)
        except asyncio.TimeoutError:
            return None
        finally:
            self._hello = None
        self._meet(back.hardware, back.firmware)
        return back

    def _meet(self, hardware: str, firmware: str) -> None:
        self.hardware, self.firmware = hardware, firmware
        trouble.check_firmware(hardware, firmware)
        version = trouble.numbers(firmware)
        if not self.is_frame and (version is None or version < trouble.WHOLE_PACKETS):
            self.link().receive_buffer_size = 1  # one packet at a time: those that wait there run into each other

    def _take(self, data: bytes) -> None:
        if data and data[0] == FromGlasses.HELLO_BACK:
            back = messages.parse(data)
            if isinstance(back, HelloBack) and self._hello is not None and not self._hello.done():
                self._hello.set_result(back)
        self._heard(data)


async def _part(ble: BrilliantBle, farewell: bool) -> None:
    if farewell and ble.is_connected():
        await ble.send_break_signal()
    await ble.disconnect()

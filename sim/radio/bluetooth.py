"""A Bluetooth in which there are only the glasses that it is given: takes the place of bleak beneath the vendor's code.

`brilliant_ble` and `brilliant_msg` run unmodified; only the two names that they use of bleak, BleakScanner and
BleakClient, are others within `fake_bluetooth`.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

import bleak
from bleak import BleakError
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from sim.radio.glasses import NOTIFY, EmulatedHalo, read, services

_BEACON_S = 0.1  # how often a pair says that it is there
_CONNECT_S = 0.3
_QUEUE_S = 0.05  # a write without response waits while more than this is queued


class Air:
    """The radio of the host and whoever it can hear."""

    def __init__(self, halos: Sequence[EmulatedHalo]) -> None:
        self.halos = halos
        self.off_until = 0.0  # until then the host has no Bluetooth

    def check(self) -> None:
        loop = asyncio.get_running_loop()
        for halo in self.halos:
            halo.turn_on(loop)
        if loop.time() < self.off_until:
            raise BleakError("No Bluetooth adapters found.")


@contextmanager
def fake_bluetooth(halos: Sequence[EmulatedHalo]) -> Iterator[Air]:
    """Within it the machine's Bluetooth is not used, and these glasses can be found. They are off at its end."""
    import brilliant_ble.brilliant_ble as vendor

    air = Air(halos)
    scanner, client = type("Scanner", (_Scanner,), {"air": air}), type("Client", (_Client,), {"air": air})
    with (
        mock.patch.object(vendor, "BleakScanner", scanner),
        mock.patch.object(vendor, "BleakClient", client),
        mock.patch.object(bleak, "BleakScanner", scanner),
        mock.patch.object(bleak, "BleakClient", client),
    ):
        try:
            yield air
        finally:
            for halo in halos:
                halo.turn_off()


class _Scanner:
    air: Air

    @classmethod
    async def find_device_by_filter(
        cls,
        filterfunc: Callable[[BLEDevice, AdvertisementData], bool],
        timeout: float = 10.0,
        service_uuids: Sequence[str] | None = None,
        **options: Any,
    ) -> BLEDevice | None:
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        while loop.time() < until:
            await asyncio.sleep(min(_BEACON_S, max(0.0, until - loop.time())))
            for device, heard in cls._heard(service_uuids):
                if filterfunc(device, heard):
                    return device
        return None

    @classmethod
    async def discover(
        cls,
        timeout: float = 5.0,
        *,
        return_adv: bool = False,
        service_uuids: Sequence[str] | None = None,
        **options: Any,
    ) -> Any:
        await asyncio.sleep(timeout)
        heard = cls._heard(service_uuids)
        if return_adv:
            return {device.address: (device, said) for device, said in heard}
        return [device for device, _ in heard]

    @classmethod
    def _heard(cls, wanted: Sequence[str] | None) -> list[tuple[BLEDevice, AdvertisementData]]:
        cls.air.check()
        heard = []
        for halo in cls.air.halos:
            offered = list(services(halo))
            if halo.advertises() and (not wanted or set(offered) & {each.lower() for each in wanted}):
                said = AdvertisementData(halo.name, {}, {}, offered, None, -50, ())
                heard.append((BLEDevice(halo.address, halo.name, halo), said))
        return heard


class _Characteristic:
    def __init__(self, uuid: str) -> None:
        self.uuid = uuid


class _Service:
    def __init__(self, uuid: str, characteristics: Sequence[str]) -> None:
        self.uuid = uuid
        self.characteristics = [_Characteristic(each) for each in characteristics]

    def get_characteristic(self, uuid: str) -> _Characteristic | None:
        return next((each for each in self.characteristics if each.uuid == uuid), None)


class _Services:
    def __init__(self, halo: EmulatedHalo) -> None:
        self._all = [_Service(uuid, characteristics) for uuid, characteristics in services(halo).items()]

    def __iter__(self) -> Iterator[_Service]:
        return iter(self._all)

    def get_service(self, uuid: str) -> _Service | None:
        return next((each for each in self._all if each.uuid == uuid), None)


class _Client:
    """As much of bleak.BleakClient as is needed; a Host of the glasses."""

    air: Air

    def __init__(
        self,
        device: BLEDevice | str,
        disconnected_callback: Callable[[Any], None] | None = None,
        services: Sequence[str] | None = None,
        *,
        timeout: float = 10.0,
        pair: bool = False,
        **options: Any,
    ) -> None:
        self._address = device if isinstance(device, str) else device.address
        self._told = disconnected_callback
        self._timeout, self._pair = timeout, pair
        self._halo: EmulatedHalo | None = None
        self._lost: asyncio.Future[Any] | None = None
        self._handlers: dict[str, Callable[[Any, bytearray], Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._backend = self

    @property
    def address(self) -> str:
        return self._address

    @property
    def is_connected(self) -> bool:
        return self._halo is not None

    @property
    def mtu_size(self) -> int:
        return self._connected().mtu

    @property
    def services(self) -> _Services:
        return _Services(self._connected())

    async def connect(self, **options: Any) -> None:
        """Raises TimeoutError if the pair lets nobody in, BleakError if it is not there or refuses."""
        self.air.check()
        halo = next((each for each in self.air.halos if each.address == self._address), None)
        if halo is None or not halo.advertises():
            await asyncio.sleep(min(self._timeout, 2.0))
            raise BleakError(f"Device with address {self._address} was not found.")
        loop = asyncio.get_running_loop()
        until = loop.time() + self._timeout
        await asyncio.sleep(_CONNECT_S)
        self.air.check()
        while not halo.admits(self._pair):  # it hangs up at once, and the host tries again
            if loop.time() >= until:
                raise asyncio.TimeoutError
            await asyncio.sleep(_CONNECT_S)
        if halo.refusals:
            halo.refusals -= 1
            raise BleakError("failed to discover services, device disconnected")
        if not halo.accept(self):
            raise BleakError("le-connection-abort-by-local")
        self._halo, self._lost = halo, asyncio.get_running_loop().create_future()

    async def disconnect(self) -> None:
        if self._halo is not None:
            self._halo.leave(self)
            self.gone()
        await asyncio.sleep(0.05)

    async def pair(self, *args: Any, **options: Any) -> None:
        if not self._connected().admits(True):
            raise BleakError("Insufficient authentication")

    async def unpair(self) -> None:
        self._connected().bonded = False

    async def start_notify(
        self, characteristic: Any, callback: Callable[[Any, bytearray], Any], **options: Any
    ) -> None:
        await self._round_trip(self._connected())
        self._handlers[_uuid(characteristic)] = callback

    async def stop_notify(self, characteristic: Any) -> None:
        await self._round_trip(self._connected())
        self._handlers.pop(_uuid(characteristic), None)

    async def read_gatt_char(self, characteristic: Any, **options: Any) -> bytearray:
        halo = self._connected()
        await self._round_trip(halo)
        return read(halo, _uuid(characteristic))

    async def write_gatt_char(self, characteristic: Any, data: Any, response: bool | None = None) -> None:
        """Raises BleakError if it is not connected, is cut off meanwhile, or, with response, if the pair objects."""
        halo, lost = self._connected(), self._lost
        assert lost is not None
        raw = bytes(data)
        if len(raw) > halo.mtu - 3:
            raise BleakError("Invalid Length")
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        queued = halo.transmit(
            self, _uuid(characteristic), raw, lambda said: None if answered.done() else answered.set_result(said)
        )
        if not response:
            if queued > _QUEUE_S:
                await asyncio.wait({lost}, timeout=queued - _QUEUE_S)
            return
        await asyncio.wait({answered, lost}, return_when=asyncio.FIRST_COMPLETED)
        if not answered.done():
            answered.cancel()
            raise BleakError("disconnected")
        if answered.result():
            raise BleakError(f"Could not write value to characteristic: {answered.result()}")
        await asyncio.wait({lost}, timeout=halo.link.latency_s)

    def notified(self, data: bytes) -> None:
        callback = self._handlers.get(NOTIFY)
        if callback is None:
            return
        if inspect.iscoroutinefunction(callback):
            task = asyncio.get_running_loop().create_task(callback(_Characteristic(NOTIFY), bytearray(data)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            callback(_Characteristic(NOTIFY), bytearray(data))

    def gone(self) -> None:
        if self._halo is None:
            return
        self._halo = None
        self._handlers.clear()
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(None)
        if self._told is not None:
            self._told(self)

    def _connected(self) -> EmulatedHalo:
        if self._halo is None:
            raise BleakError("Not connected")
        return self._halo

    async def _round_trip(self, halo: EmulatedHalo) -> None:
        assert self._lost is not None
        await asyncio.wait({self._lost}, timeout=2 * halo.link.latency_s)
        self._connected()


def _uuid(characteristic: Any) -> str:
    return characteristic if isinstance(characteristic, str) else characteristic.uuid

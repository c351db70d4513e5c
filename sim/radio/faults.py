"""What can happen to glasses and their radio, as plans drawn by chance, which can be drawn again by their seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sim.radio.bluetooth import Air
from sim.radio.glasses import EmulatedHalo
from sim.radio.link import DOWN, UP, Storm


@dataclass(frozen=True)
class Fault:
    """kind: one of KINDS. at: seconds after the life's begin or, with `state`, after that has begun.

    seconds: how long it lasts. size: how bad it is, 0..1.
    """

    kind: str
    at: float
    state: str = ""
    seconds: float = 0.0
    size: float = 0.5

    @property
    def lasts_s(self) -> float:
        """Until everything is as it was, once it has struck."""
        return max(self.seconds, 4.0) if self.kind in ("walk", "reboot") else self.seconds

    def strike(self, halo: EmulatedHalo, air: Air) -> None:
        KINDS[self.kind](self, halo, air)


def _drop(fault: Fault, halo: EmulatedHalo, air: Air) -> None:
    """The link goes, and both ends know it."""
    halo.drop()


def _walk(fault: Fault, halo: EmulatedHalo, air: Air) -> None:
    """The wearer is out of reach for a while; the host learns so after the radio's own timeout."""
    halo.hide(fault.seconds)
    halo.drop(host_knows_s=1.0 + 3.0 * fault.size)


def _deafen(fault: Fault, halo: EmulatedHalo, air: Air) -> None:
    """The link seems to be up, and nothing comes through."""
    halo.deafen(fault.seconds)


def _stall(fault: Fault, halo: EmulatedHalo, air: Air) -> None:
    """The app stops answering."""
    halo.stall(fault.seconds)


def _crash(fault: Fault, halo: EmulatedHalo, air: Air) -> None:
    """The app ends with an error."""
    halo.crash()


def _reboot(fault: Fault, halo: EmulatedHalo, air: Air) -> None:
    """The glasses start anew."""
    halo.reboot()


def _hide(fault: Fault, halo: EmulatedHalo, air: Air) -> None:
    """No scan finds them for a while."""
    halo.hide(fault.seconds)


def _refuse(fault: Fault, halo: EmulatedHalo, air: Air) -> None:
    """The next connections fail."""
    halo.refusals += 1 + round(2 * fault.size)


def _off(fault: Fault, halo: EmulatedHalo, air: Air) -> None:
    """The host's Bluetooth is switched off for a while."""
    air.off_until = max(air.off_until, halo.now() + fault.seconds)
    halo.drop()


def _slow(fault: Fault, halo: EmulatedHalo, air: Air) -> None:
    """The air is busy: down to a twentieth of the throughput."""
    usual = halo.link.bytes_per_s
    halo.link.bytes_per_s = usual / (2 + 18 * fault.size)

    def recover() -> None:
        halo.link.bytes_per_s = usual

    halo.later(fault.seconds, recover)


def _photo(fault: Fault, halo: EmulatedHalo, air: Air) -> None:
    """The next photos are cut off, garbled, or fail."""
    how: list[Callable[[bytes], bytes | None]] = [
        lambda jpeg: jpeg[: len(jpeg) // 3],
        lambda jpeg: jpeg[:600] + bytes(len(jpeg) - 600),
        lambda jpeg: None,
        lambda jpeg: b"",
    ]
    for _ in range(1 + round(2 * fault.size)):
        halo.spoil_photo(how[int(fault.size * 1000) % len(how)])


def _battery(fault: Fault, halo: EmulatedHalo, air: Air) -> None:
    """Nearly empty."""
    halo.battery = 0.01 + 0.12 * fault.size


def _storm(**chances: float) -> Callable[[Fault, EmulatedHalo, Air], None]:
    def strike(fault: Fault, halo: EmulatedHalo, air: Air) -> None:
        now = halo.now()
        way = ((UP,), (DOWN,), (UP, DOWN))[int(fault.size * 1000) % 3]
        each = {name: chance * (0.3 + fault.size) for name, chance in chances.items()}
        halo.link.storms.append(Storm(now, now + fault.seconds, ways=way, **each))

    return strike


KINDS: dict[str, Callable[[Fault, EmulatedHalo, Air], None]] = {
    "drop": _drop,
    "walk": _walk,
    "deafen": _deafen,
    "stall": _stall,
    "crash": _crash,
    "reboot": _reboot,
    "hide": _hide,
    "refuse": _refuse,
    "off": _off,
    "slow": _slow,
    "photo": _photo,
    "battery": _battery,
    "packets dropped": _storm(drop=0.2),
    "packets doubled": _storm(double=0.3),
    "packets merged": _storm(merge=0.3),
    "packets swapped": _storm(swap=0.3),
    "packets mixed": _storm(drop=0.05, double=0.1, merge=0.1, swap=0.1),
}


def draw(chance: random.Random, states: Mapping[str, float], until: float, most: int = 4) -> list[Fault]:
    """Some faults, up to `most`: at any time before `until`, or soon after one of these states begins.

    states: names, and how often each is chosen.
    """
    faults = []
    for _ in range(chance.choices(range(most + 1), [1, 4, 4, 3, 2][: most + 1])[0]):
        fault = Fault(
            chance.choice(list(KINDS)),
            at=chance.uniform(0.0, until),
            seconds=chance.choice((0.5, 2.0, 5.0, 12.0)) * chance.uniform(0.5, 1.5),
            size=chance.random(),
        )
        if chance.random() < 0.7:
            state = chance.choices(list(states), list(states.values()))[0]
            fault = replace(fault, state=state, at=chance.choice((0.0, 0.05, 0.3, 1.0, 2.0, 3.0)))
        faults.append(fault)
    return faults

"""What is between two radios: so many bytes a second, so late, and whatever is to go wrong.

A real link repeats what the air has lost, so packets do not go missing in it; they do at either end, where a full queue
drops what comes and a ring may forget where a packet ends. `Storm` does that to packets, whoever's fault it would be.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

UP, DOWN = "up", "down"  # to the glasses, from the glasses
_HELD_S = 0.06  # for so long a packet waits for the one that it is to be merged or swapped with


@dataclass(frozen=True)
class Storm:
    """Between `start` and `end` (seconds of the loop's clock) each packet of these ways fares so with that chance."""

    start: float = 0.0
    end: float = float("inf")
    drop: float = 0.0
    double: float = 0.0
    merge: float = 0.0
    swap: float = 0.0
    ways: tuple[str, ...] = (UP, DOWN)


class Link:
    """One way in or out of a pair of glasses: `book` says when, `fares` what arrives."""

    def __init__(self, bytes_per_s: float = 40_000.0, latency_s: float = 0.02) -> None:
        self.bytes_per_s, self.latency_s = bytes_per_s, latency_s
        self.storms: list[Storm] = []
        self.deaf_until = 0.0  # until then everything is lost, and neither end knows
        self.random = random.Random(0)
        self.counts = {"packets": 0, "dropped": 0, "doubled": 0, "merged": 0, "swapped": 0}
        self._free = {UP: 0.0, DOWN: 0.0}
        self._held: dict[str, tuple[str, bytes, Callable[[bytes], None]]] = {}
        self._expected: dict[str, float] = {UP: 0.0, DOWN: 0.0}

    def ahead(self, way: str, now: float) -> float:
        """Seconds until it has sent what it was given."""
        return max(0.0, self._free[way] - now)

    def book(self, way: str, size: int, now: float) -> float:
        """Seconds from now until so many bytes have arrived behind what is under way."""
        self._free[way] = max(self._free[way], now) + (size + 11) / self.bytes_per_s
        return self._free[way] - now + self.latency_s

    def forget(self) -> None:
        self._held.clear()
        self._free = {UP: 0.0, DOWN: 0.0}

    def arrive(
        self,
        way: str,
        data: bytes,
        now: float,
        give: Callable[[bytes], None],
        later: Callable[[float, Callable[[], None]], None],
        joins: bool = True,
    ) -> None:
        """Calls `give` with what becomes of a packet: at once, several times, later or never. joins: may be merged."""
        self.counts["packets"] += 1
        if now < self.deaf_until:
            self.counts["dropped"] += 1
            return
        fate = self._fate(way, now, joins)
        held = self._held.pop(way, None)
        if held is not None:
            how, before, give_before = held
            if how == "merge" and joins:
                give(_merged(way, before, data))
                return
            if how == "swap":
                give(data)
                give_before(before)
                return
            give_before(before)
        if fate == "drop":
            self.counts["dropped"] += 1
        elif fate == "double":
            self.counts["doubled"] += 1
            give(data)
            give(data)
        elif fate in ("merge", "swap"):
            self.counts["merged" if fate == "merge" else "swapped"] += 1
            mine = (fate, data, give)
            self._held[way] = mine
            later(_HELD_S, lambda: self._waited_in_vain(way, mine))
        else:
            give(data)

    def _waited_in_vain(self, way: str, mine: tuple[str, bytes, Callable[[bytes], None]]) -> None:
        if self._held.get(way) is mine:
            del self._held[way]
            mine[2](mine[1])

    def _fate(self, way: str, now: float, joins: bool) -> str:
        for storm in self.storms:
            if way in storm.ways and storm.start <= now < storm.end:
                drawn = self.random.random()
                for fate in ("drop", "double", "merge", "swap"):
                    drawn -= getattr(storm, fate)
                    if drawn < 0:
                        return "" if fate == "merge" and not joins else fate
        return ""


def _merged(way: str, first: bytes, second: bytes) -> bytes:
    """To the glasses the ring forgets the boundary, and the mark of the second is not in it."""
    if way == UP and first[:1] == second[:1] == b"\x01":
        return first + second[1:]
    return first + second

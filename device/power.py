"""What the glasses do without when the battery runs low or they get hot.

Looking and the transcript that is shown as it forms are what costs most and is missed least. Knows neither battery nor
thermometer: a Gauge (device.glasses) tells.
"""

from __future__ import annotations

from enum import Enum

from device.glasses import Condition

LOW, EMPTY = 0.15, 0.03  # of the battery
WARM, HOT = 43.0, 60.0  # degrees Celsius of what touches the skin, as IEC 62368-1 has it, and of what must not go on
_BACK = 0.02, 2.0  # how much better it must have got: readings that hover must not switch all the time


class Thrift(Enum):
    """How much is spared."""

    NONE = "none"
    SOME = "some"  # fewer looks, no transcript while it forms
    ALL = "all"  # nothing is answered any more; it sleeps until it has cooled down or been charged


class Power:
    """Follows the gauge. `thrift` is what to spare now."""

    def __init__(self) -> None:
        self.thrift = Thrift.NONE
        self._last: Condition | None = None

    def update(self, condition: Condition) -> str | None:
        """A sentence for the wearer where what must be spared has changed, else None."""
        if condition == self._last:
            return None
        self._last = condition
        new = _needed(condition)
        if _ORDER[new] < _ORDER[self.thrift]:
            battery, celsius = _BACK
            new = _needed(Condition(max(0.0, condition.battery - battery), condition.celsius + celsius))
        if new is self.thrift:
            return None
        self.thrift = new
        return _sentence(new, condition)


_ORDER = {Thrift.NONE: 0, Thrift.SOME: 1, Thrift.ALL: 2}


def _needed(condition: Condition) -> Thrift:
    if condition.battery <= EMPTY or condition.celsius >= HOT:
        return Thrift.ALL
    if condition.battery <= LOW or condition.celsius >= WARM:
        return Thrift.SOME
    return Thrift.NONE


def _sentence(thrift: Thrift, condition: Condition) -> str:
    battery = f"{100 * condition.battery:.0f} %"
    if thrift is Thrift.NONE:
        return "Back to full power."
    if thrift is Thrift.SOME:
        return f"Battery low, {battery}." if condition.battery <= LOW else f"Warm, {condition.celsius:.0f} degrees."
    if condition.battery <= EMPTY:
        return f"Battery empty, {battery}: charge me."
    return f"Too hot, {condition.celsius:.0f} degrees: I rest until I have cooled down."

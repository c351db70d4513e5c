"""What can go wrong with glasses over Bluetooth, in a sentence each that says what to do."""

from __future__ import annotations

import asyncio
import re

from firmware_bridge.halo.session import Outcome

OLDEST_HALO = 0, 8, 7  # the first that takes its own speech out of its microphone
WHOLE_PACKETS = 0, 8, 12  # since then packets that wait stay apart in the glasses

_REFUSED = re.compile(r"pair|auth|encrypt|insufficient|bond|not accept", re.IGNORECASE)
_OFF = re.compile(r"turned off|powered off|no bluetooth|not available|no powered|adapter", re.IGNORECASE)


class Trouble(Exception):
    """Ends a state of the session: how, and why in a sentence for the wearer."""

    def __init__(self, outcome: Outcome, why: str) -> None:
        super().__init__(why)
        self.outcome, self.why = outcome, why


def numbers(firmware: str) -> tuple[int, ...] | None:
    """ "0.8.12-emulator" -> (0, 8, 12); None for what is no such version."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", firmware)
    return tuple(map(int, found.groups())) if found else None


def check_firmware(hardware: str, firmware: str) -> None:
    """Raises Trouble for firmware that our app cannot run on. Frame numbers its versions otherwise: all are taken."""
    version = numbers(firmware)
    if hardware != "Frame" and version is not None and version < OLDEST_HALO:
        oldest = ".".join(map(str, OLDEST_HALO))
        raise Trouble(
            Outcome.NEVER,
            f"The glasses' firmware is too old ({firmware}; {oldest} is needed): update it by the vendor's app.",
        )


def scanning(error: Exception) -> Trouble:
    """Why nothing can be looked for."""
    if isinstance(error, OSError) or _OFF.search(str(error)):
        return Trouble(Outcome.FAILED, "Bluetooth is off on this computer, or it has none; switch it on.")
    return Trouble(Outcome.FAILED, f"Bluetooth cannot look for the glasses ({_short(error)}); switch it off and on.")


def not_found(name: str | None, others: set[str]) -> Trouble:
    """others: names of glasses that are there, and are not those that were asked for."""
    if name and others:
        return Trouble(Outcome.FAILED, f"{name} was not found, but {', '.join(sorted(others))}; choose one of them.")
    return Trouble(
        Outcome.FAILED, f"{name or 'A Halo or Frame'} was not found; switch the glasses on and keep them near."
    )


def connecting(error: Exception, name: str, ran: bool) -> Trouble:
    """Glasses that never come up have most likely refused this computer, unless they have taken it before."""
    refused = _REFUSED.search(str(error)) or (isinstance(error, asyncio.TimeoutError) and not ran)
    if refused:
        return Trouble(Outcome.NOT_BONDED, f"{name} refuses this computer; hold its button for 5 seconds to pair.")
    return Trouble(Outcome.FAILED, f"{name} cannot be connected ({_short(error)}); keep the glasses near.")


def talking(error: BaseException, doing: str, name: str) -> Trouble:
    """Whatever else a radio or its library raises, while in a state."""
    if isinstance(error, ConnectionError):
        return Trouble(Outcome.LOST, lost(name))
    if "didn't respond" in str(error):
        return Trouble(Outcome.SILENT, f"{name} does not answer; I start our app there again.")
    return Trouble(Outcome.FAILED, f"{name} failed while {doing} ({_short(error)}); I try again.")


def lost(name: str) -> str:
    return f"The link to {name} is lost; I am looking for it."


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__

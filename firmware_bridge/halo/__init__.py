"""Brilliant Labs Halo (and Frame) over Bluetooth as a pair of glasses. See docs/halo.md.

Costs nothing to import: the vendor's library and the codec are loaded when glasses are opened.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from models.errors import GlintError

if TYPE_CHECKING:
    from firmware_bridge.halo.glasses import HaloGlasses
    from firmware_bridge.halo.session import State, Timings

NEEDED = "bleak", "brilliant_ble", "lc3", "lz4"


def open_halo(
    name: str | None = None,
    on_note: Callable[[str], None] = lambda text: None,
    on_state: Callable[[State], None] = lambda state: None,
    timings: Timings | None = None,
) -> HaloGlasses:
    """Glasses that look for themselves as soon as any part of them is used.

    name: as they show it, "Halo 4F"; None takes the first Halo or Frame that is found. on_note: told, on the radio's
    thread, what the wearer should know (found, lost, back, battery low). on_state: told of every state of the session.

    Raises GlintError where what it needs is not installed.
    """
    if missing := [package for package in NEEDED if find_spec(package) is None]:
        raise GlintError(f"Glasses over Bluetooth need {', '.join(missing)}; install with: pip install 'glint[halo]'")
    from firmware_bridge.halo.glasses import HaloGlasses
    from firmware_bridge.halo.session import Timings

    return HaloGlasses(name, on_note, on_state, timings or Timings())

"""Which pair of glasses `--glasses` means: this machine's own devices, real glasses over a radio, or a stream.

Each kind is imported when it is asked for; a new one is one row.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from models.errors import GlintError

if TYPE_CHECKING:
    from device.glasses import Glasses

LAPTOP = "laptop"
RADIO = {"halo": ("firmware_bridge.halo", "open_halo")}  # name: what opens it
STREAM = ("firmware_bridge.stream", "open_stream")
SCHEMES = ("tcp://", "serial://")


def open_worn(
    glasses: str = LAPTOP,
    camera: str | None = None,
    mic: str | None = None,
    speaker: str | None = None,
    on_note: Callable[[str], None] = lambda text: None,
) -> Glasses:
    """The pair that is meant. camera, mic, speaker: as device.open_glasses, for the laptop alone.

    on_note is told, in a sentence and from any thread, what the wearer should know of a radio: how to pair, that it is
    back.

    Raises GlintError for a name that there is not and for what those who open it say.
    """
    if glasses == LAPTOP:
        from device.open_glasses import open_glasses

        return open_glasses(camera, mic, speaker)
    if not (glasses in RADIO or glasses.startswith(SCHEMES)):
        known = ", ".join((LAPTOP, *RADIO, "tcp://HOST:PORT", "serial:///dev/ttyACM0?baud=921600"))
        raise GlintError(f"There are no glasses {glasses!r}; choose from {known}.")
    if any(part is not None for part in (camera, mic, speaker)):
        raise GlintError(f"--camera, --mic and --speaker belong to --glasses {LAPTOP}; {glasses} has its own.")
    if glasses in RADIO:
        return _opener(*RADIO[glasses])(on_note=on_note)
    return _opener(*STREAM)(glasses)


def _opener(module: str, name: str) -> Callable[..., Glasses]:
    return getattr(importlib.import_module(module), name)

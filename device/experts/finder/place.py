"""Where a box is, in words for somebody who cannot see the picture: direction, height, and how large it looks."""

from __future__ import annotations

import math

from device.evidence import Box

FIELD_OF_VIEW = 70.0  # degrees along the longer side of the picture: a common camera, not a measured one
HIGH, LOW = 0.33, 0.67  # of the picture's height
LARGE, SMALL = 0.3, 0.02  # of the picture's area


def angle(box: Box, size: tuple[int, int]) -> float:
    """Degrees to the right of straight ahead (left: negative) of a box's centre, in a picture of that size."""
    width, height = size
    half = math.tan(math.radians(FIELD_OF_VIEW / 2)) * width / max(width, height)
    return math.degrees(math.atan((box[0] + box[2] - 1) * half))


def direction(box: Box, size: tuple[int, int]) -> str:
    """The hour on a clock that lies flat before the wearer, 12 being ahead: "11 o'clock"."""
    hour = round(angle(box, size) / 30) % 12 or 12
    return f"{hour} o'clock"


def height(box: Box) -> str:
    """ "high up", "low down" or "at eye level" (of a camera that looks straight ahead)."""
    middle = (box[1] + box[3]) / 2
    return "high up" if middle < HIGH else "low down" if middle > LOW else "at eye level"


def side(box: Box, size: tuple[int, int]) -> str:
    """What the hour leaves out: "a little to the left", or nothing."""
    beside = angle(box, size)
    if direction(box, size) != "12 o'clock" or abs(beside) < 5:
        return ""
    return "a little to the left" if beside < 0 else "a little to the right"


def reach(box: Box) -> str:
    """What its size says: how near it may be, or nothing."""
    area = max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
    return "large in view" if area >= LARGE else "small in view" if area <= SMALL else ""


def where(box: Box, size: tuple[int, int]) -> str:
    """All of it: "at 11 o'clock, low down, small in view"."""
    parts = [f"at {direction(box, size)}", side(box, size), height(box), reach(box)]
    return ", ".join(filter(None, parts))

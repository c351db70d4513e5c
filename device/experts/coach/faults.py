"""Says what to do about a picture that is no good: dark, blurred, covered, dazzled, text too small, cut off or tilted.

Says nothing about a good one. Other experts ask it (`coach`) when they find nothing or are unsure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from device.evidence import Answer, Basis, Box, Claim
from device.experts.coach.sharpness import Sharpness, edges, measure, working_copy
from device.experts.intent import Intent, Words
from device.experts.scene import Scene
from models.reading import Line

_DARK = 26.0  # mean grey level
_DARK_LIGHTEST = 90.0  # level of the lightest 2 %; above, it is a night picture with something in it
_BLACK = 6.0
_BLOWN = 250
_ALL_BLOWN = 0.6  # of the picture
_PLAIN = 0.004  # share of the picture with edges; less is a wall, or a finger on the lens
_BLURRED = (
    0.22  # best loss; photos have 0.37 and more in 99 of 100 cases, 0.07 to 0.21 with the focus 1 % of a side off
)
_MOVED = 0.52  # loss of the worst direction by that of the best; photos have 0.65 and more in 99 of 100 cases
_GLARE = (0.012, 0.35)  # of the picture: a smaller highlight hides little, a larger one is a sky or a page
_SOFT_RIM = 0.5  # of a glare's rim fades slowly; paper, windows and sky have hard edges
_SMALL = 9.0  # pixels of a line's height
_RIM = 0.008  # of the picture's width or height; text that ends nearer to the border goes on beyond it
_TILTED = 20.0  # degrees


@dataclass(frozen=True)
class Fault:
    """name: one word. advice: one sentence, what to do. finding: what is wrong. box: where, None for all of it."""

    name: str
    advice: str
    finding: str
    confidence: float
    box: Box | None = None

    @property
    def claim(self) -> Claim:
        return Claim("coach", self.finding, self.confidence, Basis.MEASURED, self.box)


def find_fault(pixels: np.ndarray, lines: Sequence[Line] | None = None) -> Fault | None:
    """The worst fault of uint8 RGB [height, width, 3], with what text was read in it, if that is known."""
    small = working_copy(pixels)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    return (
        _too_small(grey)
        or _exposure(grey)
        or _sharpness(small, grey)
        or _text(lines or (), (pixels.shape[1], pixels.shape[0]))
        or _glare(small, grey, lines or (), pixels.shape[1] / small.shape[1])
    )


def find_blindness(pixels: np.ndarray) -> Fault | None:
    """A fault with which there is nothing to see at all, of uint8 RGB [height, width, 3]; in a tenth of the time."""
    small = working_copy(pixels)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    return _too_small(grey) or _exposure(grey) or _plain(small, edges(grey))


def advice(pixels: np.ndarray, lines: Sequence[Line] | None = None) -> str | None:
    """One sentence, what to do about the picture; None for a good one."""
    fault = find_fault(pixels, lines)
    return fault.advice if fault else None


def coach(scene: Scene) -> Answer | None:
    """The advice about a scene, for an expert that could not answer. Uses text that was read, reads none itself."""
    fault = find_fault(scene.pixels, vars(scene).get("lines"))
    return Answer(fault.advice, (fault.claim,)) if fault else None


def _too_small(grey: np.ndarray) -> Fault | None:
    if min(grey.shape) >= 16:
        return None
    return Fault("tiny", "The picture is too small to see anything; take another.", "very few pixels", 1.0)


def _exposure(grey: np.ndarray) -> Fault | None:
    mean, lightest = float(grey.mean()), float(np.quantile(grey, 0.98))
    if lightest < 3 * _BLACK and mean < _BLACK:
        return Fault("black", "I see nothing but black; the lens may be covered, or it is dark.", "black all over", 1.0)
    if mean < _DARK and lightest < _DARK_LIGHTEST:
        return Fault("dark", "It is too dark; turn on a light or go where it is brighter.", "very little light", 0.9)
    if (grey >= _BLOWN).mean() > _ALL_BLOWN and edges(grey) < 0.03:
        return Fault(
            "white", "The picture is almost all white; turn away from the light.", "white nearly all over", 0.9
        )
    return None


def _sharpness(small: np.ndarray, grey: np.ndarray) -> Fault | None:
    sharp = measure(grey)
    if plain := _plain(small, sharp.edges):
        return plain
    moved = _moved(sharp)
    if sharp.best < _BLURRED and not moved:
        return Fault("blurred", "The picture is out of focus; hold it a little further away.", "no sharp edges", 0.85)
    if moved:
        return Fault("moved", "The picture is blurred by movement; hold still.", "edges smeared one way", 0.8)
    return None


def _plain(small: np.ndarray, share_of_edges: float) -> Fault | None:
    if share_of_edges >= _PLAIN:
        return None
    if _skin(small) > 0.7:
        return Fault("covered", "A finger may be on the lens; take it off.", "skin all over, no detail", 0.7)
    return Fault("covered", "I see one plain surface; if that is not what you meant, wipe the lens.", "no detail", 0.6)


def _moved(sharp: Sharpness) -> bool:
    return min(sharp.by_direction) < _MOVED * max(sharp.by_direction) and sharp.edges > 5 * _PLAIN


def _skin(small: np.ndarray) -> float:
    """Share of pixels of the colours of light that shines through or off skin (YCrCb, Chai and Ngan, 1999)."""
    ycc = cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb)
    return float((cv2.inRange(ycc, (20, 136, 70), (255, 200, 130)) > 0).mean())


def _text(lines: Sequence[Line], size: tuple[int, int]) -> Fault | None:
    if not lines:
        return None
    heights = [float(np.linalg.norm(line.quad[3] - line.quad[0])) for line in lines]
    largest = max(heights)
    cut = [line for line, height in zip(lines, heights, strict=True) if height > 0.5 * largest and _sides(line, size)]
    if len(cut) >= max(1, round(len(lines) / 3)):
        return _cut_off(cut, size)
    if float(np.median(heights)) < _SMALL:
        return Fault("far", "The text is too small; go closer.", f"lines {np.median(heights):.0f} pixels high", 0.8)
    angles = [abs(_angle(line)) for line in lines if len(line.text) > 2]
    if angles and float(np.median(angles)) > _TILTED and max(heights) < 40:
        return Fault("tilted", "The text is tilted; hold it straight.", "lines at an angle", 0.7)
    return None


def _angle(line: Line) -> float:
    x, y = line.quad[1] - line.quad[0]
    return math.degrees(math.atan2(y, x))


def _sides(line: Line, size: tuple[int, int]) -> set[str]:
    """The borders of the picture at which a line ends."""
    width, height = size
    (left, top), (right, bottom) = line.quad.min(0), line.quad.max(0)
    rim_x, rim_y = max(2.0, _RIM * width), max(2.0, _RIM * height)
    at = {
        "left": left <= rim_x,
        "right": right >= width - 1 - rim_x,
        "up": top <= rim_y,
        "down": bottom >= height - 1 - rim_y,
    }
    return {side for side, there in at.items() if there}


def _cut_off(cut: Sequence[Line], size: tuple[int, int]) -> Fault:
    sides = [side for line in cut for side in _sides(line, size)]
    most = max(("left", "right", "up", "down"), key=sides.count)
    corners = np.concatenate([line.quad for line in cut]) / np.array(size, np.float32)
    left, top, right, bottom = (float(v) for v in np.clip([*corners.min(0), *corners.max(0)], 0, 1))
    opposite = {"left": "right", "right": "left", "up": "down", "down": "up"}[most]
    if opposite in sides:
        sentence, finding = "Go back a little, the text is cut off.", "text cut off on both sides"
    else:
        edge = {"up": "at the top", "down": "at the bottom"}.get(most, f"on the {most}")
        sentence, finding = f"Tilt {most}, the text is cut off.", f"text cut off {edge}"
    return Fault("cut", sentence, finding, 0.75, (left, top, right, bottom))


def _glare(small: np.ndarray, grey: np.ndarray, lines: Sequence[Line], scale: float) -> Fault | None:
    """A blown spot with a soft rim, over text that was read or in the middle of the picture."""
    height, width = grey.shape
    blown = cv2.morphologyEx((small.min(-1) >= _BLOWN).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, middles = cv2.connectedComponentsWithStats(blown)
    for index in sorted(range(1, count), key=lambda i: -stats[i, cv2.CC_STAT_AREA])[:3]:
        x, y, wide, high, area = (int(v) for v in stats[index])
        if not _GLARE[0] <= area / grey.size <= _GLARE[1] or area < 0.45 * wide * high:
            continue
        if x <= 1 or y <= 1 or x + wide >= width - 1 or y + high >= height - 1:
            continue  # goes on beyond the picture: a window, a sky, a page
        box = (x / width, y / height, (x + wide) / width, (y + high) / height)
        over_text = any(_overlap(line, box, (width * scale, height * scale)) for line in lines)
        middle = middles[index] / (width, height)
        if not over_text and (abs(middle - 0.5) > 0.25).any():
            continue
        if _soft(grey, labels == index) > _SOFT_RIM:
            what = "the text" if over_text else "the middle"
            return Fault("glare", f"Light glares over {what}; tilt it a little.", f"glare over {what}", 0.7, box)
    return None


def _overlap(line: Line, box: Box, size: tuple[float, float]) -> bool:
    (left, top), (right, bottom) = line.quad.min(0) / size, line.quad.max(0) / size
    return bool(left < box[2] and right > box[0] and top < box[3] and bottom > box[1])


def _soft(grey: np.ndarray, spot: np.ndarray) -> float:
    """Share of a spot's rim, some pixels outside, that is still bright: a glare fades, an edge does not."""
    reach = max(2, round(0.012 * max(grey.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    inner = cv2.dilate(spot.astype(np.uint8), np.ones((3, 3), np.uint8))
    rim = (cv2.dilate(inner, kernel) > 0) & (inner == 0)
    return float((grey[rim] > 205).mean()) if rim.any() else 0.0


def _quality(scene: Scene, words: Words) -> Answer | None:
    fault = find_fault(scene.pixels)
    if fault is None and len(scene.lines):
        fault = find_fault(scene.pixels, scene.lines)
    if fault is not None:
        return Answer(fault.advice, (fault.claim,))
    return Answer("The picture is sharp and well lit.", (Claim("coach", "sharp and well lit", 0.9, Basis.MEASURED),))


_PICTURE = r"(?:the|this|that|my) (?:picture|image|photo|view|frame|camera|shot)"
_GOOD = (
    r"(?:any good|(?:good|sharp|clear|bright)(?: enough)?|blurry|blurred|(?:in|out of) focus"
    r"|(?:too )?(?:dark|bright)|ok(?:ay)?)"
)
INTENTS = (
    Intent(
        "picture quality",
        rf"is {_PICTURE} {_GOOD}"
        r"|is (?:this|that|it) (?:sharp(?: enough)?|blurry|blurred|(?:in|out of) focus|too dark)"
        rf"|how(?:'s| is| good is) {_PICTURE}(?: quality)?"
        r"|(?:(?:can|do) you )?see (?:well|clearly|anything|enough|okay|properly)"
        rf"|what(?:'s| is) wrong with (?:{_PICTURE}|(?:the|my) lens)"
        r"|is (?:the |my )?(?:lens|camera) (?:dirty|covered|blocked|clean)"
        r"|am i (?:too (?:close|far)(?: away)?|holding (?:it|this) (?:right|straight|still))",
        _quality,
    ),
)

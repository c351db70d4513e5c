"""Reads QR codes, barcodes and their like, and says by kind what one holds; opens nothing and looks nothing up."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import zxingcpp

from device.evidence import Answer, Basis, Box, Claim
from device.experts.coach import coach
from device.experts.codes.contents import Content, understand
from device.experts.intent import Intent, Words
from device.experts.scene import Scene

_LEAST = 16  # pixels a side
_LARGEST = 2048  # pixels a side; a larger picture is shrunk for the first look
_FULL = 16_000_000  # pixels; what is looked at in full when the first look finds nothing
_SECOND_LOOK = 1280
_TURNS = (45, 30)  # degrees
_SLIGHT_TURNS = (10, -10)
_SQUARE = [zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.DataMatrix, zxingcpp.BarcodeFormat.Aztec]
_LINEAR = [
    zxingcpp.BarcodeFormat.EANUPC,
    zxingcpp.BarcodeFormat.Code128,
    zxingcpp.BarcodeFormat.Code93,
    zxingcpp.BarcodeFormat.Code39,
    zxingcpp.BarcodeFormat.ITF14,
    zxingcpp.BarcodeFormat.Codabar,
    zxingcpp.BarcodeFormat.DataBar,
]
_MATRIX = zxingcpp.BarcodeFormats(_SQUARE)
_STRIPES = zxingcpp.BarcodeFormats(_LINEAR)
_STACKED = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.PDF417])
_FORMATS = zxingcpp.BarcodeFormats([*_SQUARE, *_LINEAR, zxingcpp.BarcodeFormat.PDF417])
_TOLD_DAMAGED = (  # the rest are seen in photos that hold none
    zxingcpp.BarcodeFormat.QRCode,
    zxingcpp.BarcodeFormat.QRCodeModel2,
    zxingcpp.BarcodeFormat.Aztec,
)
_ASKEW = 6.0  # degrees
_SAFE = ("QR Code", "Data Matrix", "Aztec Code", "Aztec", "PDF417")  # error correction, not just a sum
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_ALOUD = 4  # codes that are spoken of when more were found


@dataclass(frozen=True)
class Code:
    """kind: "QR Code", "EAN-13", ... text: what it holds, verbatim. quad: [4, 2] in pixels. valid: the checksum holds;
    of one that does not, only the place is known.
    """

    kind: str
    text: str
    quad: np.ndarray
    box: Box
    valid: bool

    @property
    def content(self) -> Content:
        return understand(self.kind, self.text)

    @property
    def angle(self) -> float:
        """Of its upper edge against the horizontal, in degrees, clockwise."""
        x, y = self.quad[1] - self.quad[0]
        return math.degrees(math.atan2(y, x))

    @property
    def is_askew(self) -> bool:
        """Whether it is striped and lies neither along nor across the picture."""
        return self.kind not in _SAFE and abs((self.angle + 45) % 90 - 45) > _ASKEW

    def claim(self, finding: str) -> Claim:
        return Claim("codes", finding, 1.0, Basis.VERBATIM, self.box, self.text)


def find_codes(pixels: np.ndarray) -> tuple[Code, ...]:
    """All codes in uint8 RGB [height, width, 3], from top to bottom and left to right; the valid ones, if any."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if min(grey.shape) < _LEAST:
        return ()
    found: list[Code] = []
    for attempt in _attempts(grey):
        new = attempt()
        found = found or new
        if any(code.valid for code in new):
            found = _confirmed(grey, [code for code in new if code.valid])
            break
    height = pixels.shape[0]
    return tuple(sorted(found, key=lambda code: (round(8 * code.quad[:, 1].mean() / height), code.quad[:, 0].mean())))


def _attempts(grey: np.ndarray) -> Iterator[Callable[[], list[Code]]]:
    """The ways to look, the usual one first, each tried when those before found nothing: shrunk to _LARGEST, in full,
    sharpened (which saves blurred QR codes), turned (stripes are seen within 25 degrees of upright, PDF417 within 5).
    """
    yield partial(_read, grey, _placed(grey, _LARGEST), _FORMATS)
    if max(grey.shape) > _LARGEST and grey.size <= _FULL:
        yield partial(_read, grey, _placed(grey, max(grey.shape)), _FORMATS)
    yield partial(_read, _sharpened(grey), _placed(grey, _SECOND_LOOK), _MATRIX)
    for angle in _TURNS:
        yield partial(_read, grey, _placed(grey, _SECOND_LOOK, angle), _STRIPES)
    for angle in _SLIGHT_TURNS:
        yield partial(_read, grey, _placed(grey, _SECOND_LOOK, angle), _STACKED)


def _confirmed(grey: np.ndarray, codes: list[Code]) -> list[Code]:
    """Those as they are, but striped ones that lie askew read once more, straightened: a line that crosses them askew
    can leave the code half way, and one wrong number in ten still has the right check digit.
    """
    codes = sorted(codes, key=lambda code: -cv2.contourArea(code.quad))  # the most lines across agree on the largest
    kept: list[Code] = []
    for code in codes:
        if not code.is_askew and not any(_overlap(other, code) for other in kept):
            kept.append(code)
    for code in codes:
        if not code.is_askew or any(_overlap(code, other) for other in kept):
            continue
        straightened = _placed(grey, max(grey.shape) if grey.size <= _FULL else _LARGEST, code.angle)
        again = [other for other in _read(grey, straightened, _STRIPES) if _overlap(code, other)]
        kept += sorted(again, key=lambda other: -cv2.contourArea(other.quad))[:1]
    return kept


def _overlap(one: Code, other: Code) -> bool:
    """Whether the middle of the other lies in the one."""
    x, y = (float(v) for v in other.quad.mean(0))
    return cv2.pointPolygonTest(one.quad, (x, y), False) >= 0


def _sharpened(grey: np.ndarray) -> np.ndarray:
    return cv2.addWeighted(grey, 4, cv2.GaussianBlur(grey, (0, 0), 3), -3, 0)


def _placed(grey: np.ndarray, side: int, angle: float = 0.0) -> np.ndarray:
    """What maps the picture to one with at most `side` on the longer side, turned: float [2, 3]."""
    height, width = grey.shape
    scale = min(1.0, side / max(height, width))
    cos, sin = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
    size = np.array([width * cos + height * sin, width * sin + height * cos]) * scale
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    matrix[:, 2] += size / 2 - (width / 2, height / 2)
    return matrix


def _read(grey: np.ndarray, placed: np.ndarray, formats: zxingcpp.BarcodeFormats) -> list[Code]:
    height, width = grey.shape
    turned = abs(placed[0, 1]) > 1e-9
    scale = float(np.hypot(placed[0, 0], placed[0, 1]))
    view = grey
    if turned:
        corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]]) @ placed.T
        size = tuple(int(v) for v in np.ceil(corners.max(0)))
        view = cv2.warpAffine(grey, placed, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    elif scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        view = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    back = cv2.invertAffineTransform(placed)
    codes = []
    for result in zxingcpp.read_barcodes(np.ascontiguousarray(view), formats, return_errors=True):
        if not result.valid and result.format not in _TOLD_DAMAGED:
            continue
        place = result.position
        points = (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
        quad = np.array([(point.x, point.y, 1) for point in points]) @ back.T
        (left, top), (right, bottom) = (
            np.clip(quad.min(0) / (width, height), 0, 1),
            np.clip(quad.max(0) / (width, height), 0, 1),
        )
        box = (float(left), float(top), float(right), float(bottom))
        codes.append(Code(str(result.format), result.text, quad.astype(np.float32), box, result.valid))
    return codes


def no_code(scene: Scene) -> Answer:
    """No code was found: what to do about the picture, or just that."""
    helped = coach(scene)
    if helped is not None:
        return Answer(f"I don't see a code. {helped.text}", helped.claims)
    return Answer("I don't see a code that I can read. If there is one, hold it closer, flat, and in the middle.")


def _position(number: int, code: Code) -> str:
    middle = (code.box[0] + code.box[2]) / 2
    side = "on the left" if middle < 1 / 3 else "on the right" if middle > 2 / 3 else "in the middle"
    return f"{'First' if number == 0 else 'Then'}, {side}: "


def describe(codes: tuple[Code, ...], everything: bool = False) -> Answer:
    """What the codes hold, as spoken; with `everything`, whole and with all that is otherwise kept back."""
    valid = [code for code in codes if code.valid]
    if not valid:
        places = tuple(Claim("codes", code.kind, 0.6, Basis.MEASURED, code.box) for code in codes)
        return Answer(
            f"There is a {codes[0].kind.replace('Code', 'code')}, but it is damaged or not sharp enough to read.",
            places,
        )
    told = valid if everything else valid[:_ALOUD]
    contents = [code.content for code in told]
    sentences = [content.whole if everything else content.says for content in contents]
    claims = [
        code.claim(finding)
        for code, content in zip(told, contents, strict=True)
        for finding in content.findings(everything)
    ]
    if len(valid) == 1:
        return Answer(sentences[0], tuple(claims))
    count = _NUMBERS[len(valid)] if len(valid) < len(_NUMBERS) else str(len(valid))
    claims.insert(0, Claim("codes", f"{count} codes", 1.0, Basis.MEASURED))
    parts = [f"There are {count} codes."]
    parts += [_position(number, code) + said for number, (code, said) in enumerate(zip(told, sentences, strict=True))]
    if len(told) < len(valid):
        rest = len(valid) - len(told)
        more = _NUMBERS[rest] if rest < len(_NUMBERS) else str(rest)
        claims.append(Claim("codes", f"{more} more", 1.0, Basis.MEASURED))
        parts.append(f"And {more} more; ask me to read all the codes.")
    return Answer(" ".join(parts), tuple(claims))


def _scan(scene: Scene, words: Words) -> Answer | None:
    codes = find_codes(scene.pixels)
    return describe(codes) if codes else no_code(scene)


def _scan_if_there(scene: Scene, words: Words) -> Answer | None:
    """For questions that may be about something else than a code."""
    codes = find_codes(scene.pixels)
    return describe(codes) if any(code.valid for code in codes) else None


def _is_there(scene: Scene, words: Words) -> Answer | None:
    codes = find_codes(scene.pixels)
    if not codes:
        return no_code(scene)
    answer = describe(codes)
    return Answer(f"Yes. {answer.text}", answer.claims)


def _everything(scene: Scene, words: Words) -> Answer | None:
    codes = find_codes(scene.pixels)
    return describe(codes, everything=True) if codes else no_code(scene)


def _secret(scene: Scene, words: Words) -> Answer | None:
    """The password of a Wi-Fi code, asked for by name."""
    for code in find_codes(scene.pixels):
        if code.valid and (secret := code.content.secret):
            spelt = re.sub(r"(?<=\S)(?=\S)", " ", secret)
            return Answer(f"The password is: {secret}. Spelt: {spelt}.", (code.claim(secret), code.claim(spelt)))
    return None


_CODE = r"(?:(?:q ?r|bar|data ?matrix|aztec|matrix|2d)[ -]?codes?|barcodes?|qr)"
_ANY = rf"(?:{_CODE}|codes?)"
_THE = r"(?:this|that|the|these|those|a|any|my|its)"
INTENTS = (
    Intent(
        "wifi password",
        r"what(?:'s| is) the (?:wi-? ?fi |wireless |network )?(?:password|key|pass phrase)(?: .*)?",
        _secret,
    ),
    Intent(
        "codes whole",
        rf"(?:read|scan|say|spell)(?: me)? (?:(?:all|every|each)(?: of)?(?: (?:the|these|those))? {_ANY}"
        rf"|(?:the )?(?:whole|full|entire|complete) (?:link|url|address|web address|{_ANY}))(?: .*)?"
        r"|what(?:'s| is) the (?:whole|full|entire|complete) (?:link|url|web address)(?: .*)?",
        _everything,
    ),
    Intent(
        "is there a code",
        rf"(?:is there|are there|do you see|can you see|see|you see) (?:{_THE} )?(?:readable )?{_ANY}(?: .*)?",
        _is_there,
    ),
    Intent(
        "scan",
        rf"scan(?: it| this| that| here)?|(?:scan|read|check|decode|open)(?: me)? (?:{_THE} )?{_CODE}(?: .*)?"
        rf"|scan (?:{_THE} )?(?:code|codes|product|package|label|ticket)"
        rf"|what(?:'s| is| does| do| are)? .*\b{_CODE}\b.*"
        rf"|where does (?:{_THE} )?{_ANY} (?:go|lead|link|take me|point)(?: to)?",
        _scan,
    ),
    Intent(
        "what code",
        rf"(?:read|decode) (?:{_THE} )?codes?"
        rf"|what(?:'s| is| do| does)(?: in| on)? (?:{_THE} )?codes?(?: (?:say|mean|contain|hold|here))?"
        r"|where does (?:this|that|the) link (?:go|lead|point)(?: to)?",
        _scan_if_there,
    ),
)

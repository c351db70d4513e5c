"""Pictures for the bench of the experts, drawn: of a size that cameras have, with what each is asked about in them."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIZE = (1280, 720)  # width and height, those of Google Glass
_WORDS = (
    "The harbour office opens at nine every day except Sunday. Boats longer than twelve metres moor at the outer wall, "
    "shorter ones inside. Water and power are at every second post; cards for them are sold at the kiosk. Please keep "
    "dogs on a lead and leave the slipway free. In strong wind the gate is closed, and the siren sounds twice. "
)
_LABEL = (
    ("Nutrition facts", "per 100 g"),
    ("Energy", "1640 kJ / 389 kcal"),
    ("Fat", "6.9 g"),
    ("of which saturates", "1.2 g"),
    ("Carbohydrate", "66 g"),
    ("of which sugars", "0.9 g"),
    ("Fibre", "10.6 g"),
    ("Protein", "16.9 g"),
    ("Salt", "0.02 g"),
)
_BARS = {"Oslo": 34, "Lima": 61, "Cairo": 48, "Delhi": 82, "Quito": 27}


def drawn(name: str) -> np.ndarray:
    """uint8 RGB [720, 1280, 3]; name: a key of PICTURES."""
    image = Image.new("RGB", SIZE, "white")
    PICTURES[name](image, ImageDraw.Draw(image))
    return np.asarray(image)


def _page(image: Image.Image, pen: ImageDraw.ImageDraw) -> None:
    font = ImageFont.load_default(22)
    words = _WORDS.split() * 4
    for row in range(20):
        pen.text((60, 30 + 33 * row), " ".join(words[11 * row : 11 * row + 11]), "black", font)


def _sign(image: Image.Image, pen: ImageDraw.ImageDraw) -> None:
    pen.rectangle((0, 0, *SIZE), "#5b6b73")
    pen.rounded_rectangle((340, 210, 940, 510), 24, "#b3202c")
    pen.text((640, 360), "NO ENTRY", "white", ImageFont.load_default(110), anchor="mm")


def _code(image: Image.Image, pen: ImageDraw.ImageDraw) -> None:
    code = cv2.QRCodeEncoder.create().encode("https://example.org/menu")
    image.paste(Image.fromarray(code).resize((420, 420), Image.Resampling.NEAREST), (430, 150))


def _label(image: Image.Image, pen: ImageDraw.ImageDraw) -> None:
    font = ImageFont.load_default(34)
    for row, (name, amount) in enumerate(_LABEL):
        top = 60 + 66 * row
        pen.text((330, top), name, "black", font)
        pen.text((950, top), amount, "black", font, anchor="ra")
        pen.line((320, top + 52, 960, top + 52), "black", 2)


def _chart(image: Image.Image, pen: ImageDraw.ImageDraw) -> None:
    font = ImageFont.load_default(28)
    pen.text((640, 40), "Rainy days by city", "black", ImageFont.load_default(44), anchor="mt")
    for value in range(0, 101, 20):
        at = 620 - 5 * value
        pen.line((200, at, 1120, at), "#cccccc", 2)
        pen.text((185, at), str(value), "black", font, anchor="rm")
    for number, (name, value) in enumerate(_BARS.items()):
        left = 250 + 175 * number
        pen.rectangle((left, 620 - 5 * value, left + 110, 620), "#1f77b4")
        pen.text((left + 55, 632), name, "black", font, anchor="mt")


PICTURES: dict[str, Callable[[Image.Image, ImageDraw.ImageDraw], None]] = {
    "page": _page,
    "sign": _sign,
    "code": _code,
    "label": _label,
    "chart": _chart,
}

"""Draws claims on the picture they are about: where each stands, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from device.evidence import Claim
from models.errors import GlintError

COLOURS = ("#ffb000", "#648fff", "#dc267f", "#fe6100", "#785ef0")  # told apart by colour-blind people too (IBM's)
SMALLEST = 640  # pixels; a smaller picture is enlarged so that the words can be read
LARGEST = 2048


def draw(pixels: np.ndarray, claims: Sequence[Claim]) -> np.ndarray:
    """uint8 RGB [height, width, 3] -> a copy, at most LARGEST on its longer side, with the claims' boxes."""
    height, width = pixels.shape[:2]
    scale = min(LARGEST / max(height, width), max(1.0, SMALLEST / max(height, width)))
    if scale != 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    image = Image.fromarray(pixels).convert("RGB")
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=max(13, min(image.size) // 40))
    for number, claim in enumerate(claims):
        if claim.box is None:
            continue
        colour = COLOURS[number % len(COLOURS)]
        left, top, right, bottom = (
            v * side for v, side in zip(claim.box, (image.width, image.height) * 2, strict=True)
        )
        pen.rectangle((min(left, right), min(top, bottom), max(left, right), max(top, bottom)), outline=colour, width=3)
        label = claim.finding if len(claim.finding) <= 40 else claim.finding[:39] + "…"
        _, _, wide, high = pen.textbbox((0, 0), label, font=font)
        x = min(max(0.0, left), max(0.0, image.width - wide - 6))
        y = top - high - 6 if top >= high + 6 else min(top, image.height - high - 6)
        pen.rectangle((x, y, x + wide + 6, y + high + 6), fill=colour)
        pen.text((x + 3, y + 1), label, font=font, fill="black")
    return np.asarray(image)


def write_drawing(path: Path, pixels: np.ndarray, claims: Sequence[Claim]) -> None:
    """Draws into a file, whose ending says which format. Raises GlintError for one that cannot be written."""
    try:
        Image.fromarray(draw(pixels, claims)).save(path)
    except (OSError, ValueError) as error:
        raise GlintError(f"{path} cannot be written ({error}); give a name that ends in .png or .jpg.") from error

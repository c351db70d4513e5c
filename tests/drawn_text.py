"""Pictures of text, drawn for tests."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont


def drawn(text: str, size=(640, 240), points=32, at=(24, 24), turned=0, ink="black", paper="white") -> np.ndarray:
    """uint8 RGB [height, width, 3]: text on paper. turned: degrees, anticlockwise. A font size in pixels."""
    image = Image.new("RGB", size, paper)
    ImageDraw.Draw(image).multiline_text(at, text, fill=ink, font=ImageFont.load_default(points), spacing=points // 2)
    return np.asarray(image.rotate(turned, expand=True, fillcolor=paper))


def beside(*pictures: np.ndarray) -> np.ndarray:
    return np.concatenate(pictures, 1)


def bent(picture: np.ndarray, depth: float) -> np.ndarray:
    """As a label on a bottle: a straight line becomes an arc that is `depth` pixels deep."""
    height, width = picture.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    shift = depth * ((columns / width * 2 - 1) ** 2 - 0.5)
    return cv2.remap(picture, columns, rows - shift.astype(np.float32), cv2.INTER_LINEAR, borderValue=(255, 255, 255))

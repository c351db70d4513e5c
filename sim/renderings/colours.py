"""Pictures of painted things under many lights, with the names of the paints: the test set of the colour expert.

The truth comes from people who named paints and screen colours (RAL Classic, the CSS colour names), not from the table
the expert looks names up in. Light changes colours as it does for an eye's cones (Bradford), the camera's white balance
takes away a part of it only, and there are shading, highlights, noise and backgrounds with and without something grey.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from models.colour_space import from_hex, to_linear, to_srgb

PAINTS = {  # sRGB by what people call it; the first word of a value after the code is another name that is right too
    "red": ("a72920", "bb1e10", "9b2423", "dc143c", "b22222"),
    "orange": ("e75b12", "f67828", "dd7907 yellow", "ff8c00"),
    "yellow": ("faca30", "f1dd38", "eec900", "ffd700"),
    "green": ("48a43f", "20603d", "325928", "008351", "bdecb6", "366735", "6c7c59 grey", "228b22", "6b8e23"),
    "blue": ("007cb0", "00387b", "004f7c", "0089b6", "6093ac", "4169e1", "1e90ff", "000080", "87ceeb"),
    "purple": ("76689a", "844c82", "903373 pink", "800080", "663399", "9370db"),
    "pink": ("d8a0a6", "cb7375", "ff69b4", "ffc0cb", "ff1493"),
    "brown": ("7b5141", "5a3a29", "80542f", "6f4a2f", "442f29", "a45729 orange", "8b4513", "a0522d"),
    "grey": ("c5c7c4", "9a9b9b", "7a7b7a", "575d5e", "808080", "696969"),
    "black": ("0e0e10", "2a292a", "1a1a1a"),
    "white": ("f1f0ea", "ecece7", "f1ece1"),
    "turquoise": ("21888f blue", "40e0d0", "48d1cc", "1f9a94"),
    "beige": ("cfb590", "e6d2b5", "d2b48c", "f5deb3"),
}
LIGHTS = {  # name: (CIE x, y of the light, exposure)
    "daylight": (0.3127, 0.3290, 1.0),
    "tungsten": (0.4599, 0.4106, 0.9),
    "shade": (0.2952, 0.3048, 0.9),
    "dim": (0.4053, 0.3907, 0.28),
    "fluorescent": (0.3741, 0.3980, 0.9),
    "overexposed": (0.3127, 0.3290, 1.9),
}
BACKGROUNDS = ("white", "grey", "wood", "cloth", "dark", "clutter")
SHAPES = ("card", "ball", "mug", "fabric", "box")
_SIZE = (640, 480)
_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_CONES = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])  # Bradford


def _light_matrix(x: float, y: float, balanced: float) -> np.ndarray:
    """What a light does to linear sRGB [3, 3] after a white balance that undoes the share `balanced` of it."""
    white = _CONES @ np.array([x / y, 1, (1 - x - y) / y])
    daylight = _CONES @ np.array([0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290])
    gain = (white / daylight) ** (1 - balanced)
    to_cones = _CONES @ _XYZ
    return np.linalg.inv(to_cones) @ np.diag(gain) @ to_cones


def _smooth_noise(rng: np.random.Generator, cells: int) -> np.ndarray:
    """[height, width] of 0..1 that varies over about 1 / cells of the picture."""
    coarse = rng.random((cells, cells)).astype(np.float32)
    return np.clip(cv2.resize(coarse, _SIZE, interpolation=cv2.INTER_CUBIC), 0, 1)


def _background(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Reflectance [height, width, 3]."""
    width, height = _SIZE
    flat = {"white": "eeeeec", "grey": "8c8d8c", "wood": "8f6239", "dark": "1c1a1b"}
    if kind in flat:
        plain = to_linear(from_hex(flat[kind])) * (0.85 + 0.3 * _smooth_noise(rng, 4))[..., None]
        if kind == "wood":
            grain = cv2.resize(rng.random((height, 8)).astype(np.float32), _SIZE, interpolation=cv2.INTER_CUBIC)
            plain = plain * (0.6 + 0.8 * cv2.GaussianBlur(grain, (0, 0), 2))[..., None]
        return plain
    codes = [code.split()[0] for paints in PAINTS.values() for code in paints]
    if kind == "cloth":
        return to_linear(from_hex(str(rng.choice(codes)))) * (0.7 + 0.5 * _smooth_noise(rng, 7))[..., None]
    picture = np.broadcast_to(to_linear(from_hex("b9b4a8")), (height, width, 3)).astype(np.float32).copy()
    for _ in range(14):
        corner = rng.integers((0, 0), (width, height))
        size = rng.integers(40, 200, 2)
        paint = to_linear(from_hex(str(rng.choice(codes))))
        cv2.rectangle(picture, tuple(map(int, corner)), tuple(map(int, corner + size)), paint.tolist(), -1)
    return picture


def _thing(shape: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the thing is, how much light falls on it, and what it reflects like a mirror: [height, width] each."""
    width, height = _SIZE
    centre = np.array([width, height]) / 2 + rng.uniform(-20, 20, 2)
    radius = rng.uniform(95, 170)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = (columns - centre[0]) / radius, (rows - centre[1]) / radius
    gloss = rng.uniform(0, 0.9)
    if shape == "ball":
        inside = x**2 + y**2 < 1
        z = np.sqrt(np.clip(1 - x**2 - y**2, 0, 1))
        shade = np.clip(-0.5 * x - 0.55 * y + 0.68 * z, 0, 1)
        shine = gloss * np.clip(-0.29 * x - 0.32 * y + 0.9 * z, 0, 1) ** 60
        return inside, 0.25 + 0.8 * shade, shine
    if shape == "mug":
        inside = (abs(x) < 0.75) & (abs(y) < 1)
        shade = np.sqrt(np.clip(1 - (x / 0.76) ** 2, 0, 1)) * (0.75 - 0.3 * x)
        return inside, 0.25 + 0.75 * shade, gloss * np.exp(-(((x + 0.35) / 0.07) ** 2))
    if shape == "fabric":
        inside = (abs(x) < 1.1) & (abs(y) < 1)
        folds = np.sin(columns / rng.uniform(14, 30) + 4 * _smooth_noise(rng, 4))
        weave = 1 + 0.1 * rng.standard_normal((height, width)).astype(np.float32)
        return inside, (0.72 + 0.28 * folds) * weave, np.zeros_like(x)
    if shape == "box":
        inside = (abs(x) < 1) & (abs(y) < 1)
        return inside, np.where(x + 0.3 * y < 0.1, 1.0, 0.5).astype(np.float32), 0.1 * gloss * np.ones_like(x)
    angle = rng.uniform(-0.4, 0.4)
    inside = (abs(x * np.cos(angle) + y * np.sin(angle)) < 1) & (abs(y * np.cos(angle) - x * np.sin(angle)) < 0.8)
    glare = gloss * 0.5 * np.exp(-((x - rng.uniform(-1, 1)) ** 2 + (y - rng.uniform(-1, 1)) ** 2) / 0.08)
    return inside, (0.8 + 0.25 * _smooth_noise(rng, 3)), glare


def draw(paint: str, light: str, background: str, shape: str, rng: np.random.Generator) -> np.ndarray:
    """uint8 RGB [480, 640, 3]: a thing of the paint ("rrggbb") about the middle of the picture."""
    inside, shade, shine = _thing(shape, rng)
    soft = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 1.0)[..., None]
    shadow = 1 - 0.45 * cv2.GaussianBlur(np.roll(inside, (14, 12), (0, 1)).astype(np.float32), (0, 0), 12)[..., None]
    thing = to_linear(from_hex(paint)) * shade[..., None] + shine[..., None]
    scene = soft * thing + (1 - soft) * _background(background, rng) * shadow
    x, y, exposure = LIGHTS[light]
    falloff = 0.8 + 0.4 * _smooth_noise(rng, 2)[..., None]
    lit = scene @ _light_matrix(x, y, rng.uniform(0, 0.8)).T * falloff * exposure * rng.uniform(0.8, 1.15)
    lit = np.maximum(lit, 0)
    noise = rng.standard_normal(lit.shape) * np.sqrt(lit * 2e-4 / exposure + 2e-5)
    return to_srgb(cv2.GaussianBlur((lit + noise).astype(np.float32), (0, 0), 0.7))


def render(out: Path, seed: int, count: int) -> None:
    """Writes `count` pictures and data.jsonl: file, colour, accept, light, background, shape."""
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    names, lights = list(PAINTS), list(LIGHTS)
    rows = []
    for number in range(count):
        name = names[number % len(names)]
        paint, *others = str(rng.choice(PAINTS[name])).split()
        light = lights[(number % len(names) + number // len(names)) % len(lights)]
        background, shape = str(rng.choice(BACKGROUNDS)), str(rng.choice(SHAPES))
        file = f"{number:04d}_{name}_{light}.jpg"
        Image.fromarray(draw(paint, light, background, shape, rng)).save(out / file, quality=88)
        rows.append(
            {"file": file, "colour": name, "accept": others, "light": light, "background": background, "shape": shape}
        )
    (out / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

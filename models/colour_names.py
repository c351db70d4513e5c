"""What people call a colour: the eleven basic terms of Berlin and Kay, turquoise and beige, with "light" and "dark".

The borders between the names come from the colours of the xkcd survey (Munroe, 2010: 222,500 people, CC0) whose
names are a basic term with plain modifiers ("dusty rose" is left out, "dark grey blue" is a blue). A colour's chance
of a name is the share of the survey's colours near it that have it. Knows no picture and no light.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from models.colour_space import from_hex, to_linear, to_oklab

_SURVEY = {
    "red": """
        3c0008 610023 650021 840000 922b05 990147 9a0200 9e3623 a24857 a8415b b0054b b9484e bb3f3f d3494e d9544d
        db5856 e50000 f10c45 f43605 f5054f fa4224 fc2647 fd411e ff000d ff474c
    """,
    "orange": """
        b96902 c65102 c87606 ca6b02 cb7723 d8863b dc4d01 f0833a f0944d f8481c f97306 fcb001 fd3c06 fdaa48 ff5b00
        ff724c ff964f ffa756 ffab0f
    """,
    "yellow": """
        a88905 b29705 b59410 b5ce08 c6f808 c9b003 c9ff27 cdc50a cdfd02 ceb301 d5b60a dbb40c eedc5b f1f33f f7d560
        fdb915 fddc5c fdde6c feff7f ffad01 fffd01 fffe71 fffe7a ffff14 ffff84
    """,
    "green": """
        01ff07 02590f 033500 062e03 06470c 089404 0add08 0f9b8e 10a674 15b01a 20c073 25ff29 2bb179 2dfe54 2fef10
        33b864 373e02 39ad48 3c4d03 3f9b0b 48c072 53fe5c 56ae57 5fa052 65fe08 667e2c 677a04 6a6e09 6ba353 6e750e
        6f6c0a 6fc276 706c11 728f02 74a662 75fd63 76a973 76fda8 789b73 7bb274 7ebd01 82a67d 84b701 86a17d 87fd05
        89fe05 8cff9e 8fff9f 96f97b 9cbb04 9dff00 9ffeb0 a4be5c a6fbb2 aaff32 acbf69 aefd6c b0dd16 b0ff9d b1d27b
        b1fc99 b1ff65 b2fba5 b6ffbb b7e1a1 b9cc81 b9ff66 befd73 bff128 c0fb2d c2ff89 c7fdb5 c8fd3d c8ffb0 ccfd7f
        cffdbc d1ffbd
    """,
    "blue": """
        000133 00022e 00035b 000435 001146 010fcc 01153e 0165fc 021bf9 0339f8 0343df 040273 0504aa 0804f9 0b8b87
        0c06f7 152eff 155084 2242c7 26f7fd 29465b 2c6fbb 2e5a88 3b719f 3f829d 49759c 4984b8 4b57db 5684ae 5a86ad
        5d21d0 5e819d 5f34e7 601ef9 632de9 647d8e 6488ea 658cbb 6b8ba4 75bbfd 95d0fc 9dbcd4 a2bffe a2cffe cafffb
        d0fefe d5ffff d6fffe
    """,
    "purple": """
        2a0134 34013f 35063e 36013f 490648 5729ce 5a06ef 6241c7 703be7 720058 734a65 76424e 7e1e9c 805b87 820747
        825f87 826d8c 84597e 856798 887191 8d5eb7 910951 916e99 952e8f 966ebd 9900fa 9a0eea 9c6da5 9e43a2 a55af4
        a66fb5 ac86a8 ad03de ad0afd b790d4 be03fd bf77f6 c760ff c79fef c94cbe c95efb ca9bf7 caa0ff cb00f5 cea2fd
        ceaefa d648d7 d6b4fc db4bda dfc5fe e4cbff edc8ff eecffe ef1de7 f6cefc
    """,
    "pink": """
        960056 a0025c c20078 c27e79 c3909b c83cb9 c85a53 c88d94 ca7b80 cb0162 cb416b ce5dae d1768f d5869d d58a94
        d725de d767ad d90166 de9dac e03fd8 f36196 f504c9 f7879a fa2a55 fa5ff7 fb5581 fdb0c0 fe01b1 fe2c54 fea993
        ff028d ff0789 ff08e8 ff6f52 ff796c ff81c0 ffb19a ffb7ce ffbacd ffcfdc ffd1df
    """,
    "brown": """
        1d0200 341c02 3d1c02 410200 411900 544e03 653700 673a3f 696006 696112 6b4247 7a6a4f 7f2b0a 7f5112 7f7053
        876e4b 8b2e16 964e02 9b7a01 a83c09 a9561e ad8150 ae8b0c b16002 b17261 b1916e b25f03 b79400 be6400 d3b683
    """,
    "grey": """
        1f3b4d 343837 363737 607c8e 748b97 758da3 77926f 7a687f 7d7f7c 7ea07a 866f85 86775f 89a0b0 8d8468 929591
        947e94 95a3a6 96ae8d 978a84 997570 b7c9e2 c8aca9 d8dcd6
    """,
    "black": """
        000000
    """,
    "white": """
        ffffe4 ffffff
    """,
    "turquoise": """
        00555a 00fbb0 00ffff 014d4e 017374 01f9c6 029386 045c5a 05696b 06c2ac 08787f 0a888a 0bf9ea 0ffef9 13eac9
        2afeb7 32bf84 41fdfe 4c9085 5f9e8f 719f91 7ef4cc 82cbb2 8cffdb 90e4c1 a5fbd5 acfffc b7fffa b8ffeb
    """,
    "beige": """
        a88f59 ac9362 af884a d1b26f d99b82 e2ca76 e6daa6 fbeeac fff39a ffffc2 ffffcb
    """,
}

# The survey has hardly any neutral colours. Greys by lightness; the borders are at 0.31 and 0.84.
_NEUTRAL = {"black": (0.0, 0.1, 0.2, 0.26), "grey": (0.36, 0.42, 0.52, 0.62, 0.7, 0.78), "white": (0.9, 0.95, 1.0)}
_OFF_WHITE = "fffaf0 f5f5f0 f0ece4 eef2f5"

NAMES = tuple(_SURVEY)
_OTHER_WORDS = {
    "gray": "grey", "silver": "grey", "charcoal": "grey", "tan": "beige", "cream": "beige", "khaki": "beige",
    "sand": "beige", "ivory": "beige", "violet": "purple", "lilac": "purple", "lavender": "purple", "mauve": "purple",
    "indigo": "purple", "teal": "turquoise", "aqua": "turquoise", "cyan": "turquoise", "navy": "blue", "azure": "blue",
    "maroon": "red", "burgundy": "red", "crimson": "red", "scarlet": "red", "olive": "green", "lime": "green",
    "magenta": "pink", "rose": "pink", "gold": "yellow", "golden": "yellow", "mustard": "yellow", "chocolate": "brown",
    "chestnut": "brown",
}  # fmt: skip
BASIC = {name: name for name in NAMES} | _OTHER_WORDS
"""The basic name that each word for a colour belongs to."""
_ORDINARY = {  # between which lightnesses a name goes without "light" or "dark"
    "red": (0.45, 1.0),
    "orange": (0.6, 0.85),
    "yellow": (0.76, 1.0),
    "green": (0.46, 0.82),
    "blue": (0.4, 0.68),
    "purple": (0.36, 0.68),
    "pink": (0.6, 0.86),
    "brown": (0.36, 0.58),
    "grey": (0.48, 0.76),
    "turquoise": (0.52, 0.85),
    "beige": (0.7, 1.0),
}
_LIGHTNESS = 0.5  # how much lightness counts beside hue and chroma
_LARGE = 0.6  # power of a name's number of colours that is divided out: the survey has far more greens than oranges
_WIDTH = 0.035  # of the kernel


@lru_cache(1)
def _survey() -> tuple[np.ndarray, np.ndarray]:
    """OKLab [n, 3] of the survey's colours, and one-hot [n, names]."""
    colours, labels = [], []
    for index, name in enumerate(NAMES):
        codes = _SURVEY[name] + (_OFF_WHITE if name == "white" else "")
        known = [to_oklab(to_linear(from_hex(code))) for code in codes.split()]
        known += [np.array([lightness, 0, 0]) for lightness in _NEUTRAL.get(name, ())]
        colours += known
        labels += [index] * len(known)
    return np.stack(colours), np.eye(len(NAMES))[labels]


def name_chances(oklab: np.ndarray) -> np.ndarray:
    """OKLab [n, 3] -> [n, len(NAMES)]: how likely people are to call each colour by each name; rows sum to 1."""
    colours, labels = _survey()
    distance = (((oklab[:, None] - colours) * [_LIGHTNESS, 1, 1]) ** 2).sum(-1)
    near = np.exp(-(distance - distance.min(1, keepdims=True)) / (2 * _WIDTH**2))
    chances = near @ labels / labels.sum(0) ** _LARGE
    return chances / chances.sum(1, keepdims=True)


def describe(name: str, oklab: np.ndarray) -> str:
    """A basic name with "light", "dark" or a special name where the colour's lightness asks for it."""
    lowest, highest = _ORDINARY.get(name, (0.0, 1.0))
    lightness = float(oklab[0])
    if name == "blue" and lightness < 0.33:
        return "navy"
    if name == "red" and lightness < 0.38:
        return "maroon"
    return f"dark {name}" if lightness < lowest else f"light {name}" if lightness > highest else name

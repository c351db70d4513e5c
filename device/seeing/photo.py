"""Reads a photo from a file: any common format, turned upright, and never half a picture."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from models.errors import GlintError

MAX_PIXELS = 200_000_000
WORKING_SIDE = 1280  # pixels; a JPEG is decoded at a reduced scale as long as its sides stay above this


def read_photo(path: Path) -> np.ndarray:
    """The photo as uint8 RGB [height, width, 3], at least WORKING_SIDE on each side where the file has that many.

    Raises GlintError for a file that is missing, empty, no picture, cut short, or larger than MAX_PIXELS.
    """
    if not path.is_file():
        raise GlintError(f"There is no picture at {path}; check the path.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path)
    except Image.DecompressionBombError:
        raise _too_large(path, "far") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        if path.stat().st_size == 0:
            raise GlintError(f"{path} is empty; take the picture again.") from None
        if isinstance(error, PermissionError):
            raise GlintError(f"{path} may not be read; check its permissions.") from None
        raise GlintError(f"{path} is not a picture Glint can read; JPEG, PNG, WebP, BMP, GIF and TIFF work.") from None
    with image:
        pixels = image.width * image.height
        if pixels > MAX_PIXELS:
            raise _too_large(path, f"{pixels / 1e6:.0f} megapixels,")
        try:
            image.draft("RGB", (WORKING_SIDE, WORKING_SIDE))
            upright = ImageOps.exif_transpose(image)
            if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright.convert("RGBA"))
            return np.asarray(upright.convert("RGB"))
        except MemoryError:
            raise GlintError(f"{path} does not fit into memory; make the picture smaller.") from None
        except (OSError, SyntaxError, ValueError, EOFError, IndexError) as error:
            raise GlintError(f"{path} is cut short or damaged ({error}); take or copy the picture again.") from None


def _too_large(path: Path, how_much: str) -> GlintError:
    limit = MAX_PIXELS // 1_000_000
    return GlintError(f"{path} is {how_much} larger than the {limit} megapixels Glint reads; make the picture smaller.")

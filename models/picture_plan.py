"""How a picture becomes what an encoder takes: squashed, cropped, padded or cut into tiles, and the texts around those.

All of it is data of the manifest (`picture`); without that a picture is squashed to the encoder's square, as for the
default model. Tiles are those of Idefics3 and SmolVLM (Laurençon et al. 2024, arXiv:2408.12637), pixel for pixel:
the longest edge is brought to `longest_edge`, both sides up to the next multiple of `tile`, and what is larger than one
tile is cut into a grid of them, followed by the whole picture in one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from PIL import Image

from models.errors import GlintError

FITS = ("squash", "crop", "pad", "tiles")
_FILTERS = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "hamming": Image.Resampling.HAMMING,
}
_UPPER_BOUND = 4096  # pixels of an edge, whatever `longest_edge` says
_LARGEST_SQUARE = 16384  # pixels of an edge; a longer picture is made smaller before it is padded
_LONGEST_SHAPE = 64  # edge to edge; a longer picture is cut to that before it is cropped


@dataclass(frozen=True)
class Markers:
    """Texts around each picture's visual tokens; "{row}" and "{column}" count from 1.

    image: the token that stands for one visual token where a prompt is written out. tile: before each tile. row_end:
    after the last tile of a row. whole: before the whole picture that follows tiles. single: before one that is alone.
    after: behind all of them.
    """

    image: str = ""
    tile: str = ""
    row_end: str = ""
    whole: str = ""
    single: str = ""
    after: str = ""


@dataclass(frozen=True)
class Tiles:
    """pixels: uint8 RGB [n, height, width, 3]. rows, columns: of the grid that comes before the whole picture.

    Both are 0 where there is nothing but the whole picture.
    """

    pixels: np.ndarray
    rows: int = 0
    columns: int = 0


@dataclass(frozen=True)
class PicturePlan:
    """height, width: of what the encoder takes, in pixels.

    fit: "squash" ignores the picture's shape; "crop" brings the shorter edge to `shortest_edge` (default: the encoder's
    shorter side) and keeps the middle; "pad" adds `pad_color` to make it square, then does as "crop"; "tiles" as above,
    without cutting where not `split`. longest_edge None: tiles of the picture as large as it comes. resample: a filter
    of Pillow, or "area", which is cv2's for what gets smaller and linear else.
    """

    height: int
    width: int
    fit: str = "squash"
    resample: str = "area"
    pad_color: tuple[int, int, int] = (0, 0, 0)
    shortest_edge: int | None = None
    longest_edge: int | None = None
    split: bool = True
    markers: Markers = field(default_factory=Markers)

    @classmethod
    def read(cls, config: Mapping[str, Any], height: int | None = None, width: int | None = None) -> PicturePlan:
        """From `picture` in a manifest, for an encoder that takes pictures of this size, or of any where None.

        Raises GlintError when it is not of this form or made for another size.
        """
        try:
            values = dict(config)
            tile = values.pop("tile", None)
            wanted = values.pop("height", tile), values.pop("width", tile)
            markers = Markers(**values.pop("markers", {}))
            if "pad_color" in values:
                red, green, blue = map(int, values["pad_color"])
                values["pad_color"] = (red, green, blue)
            size = [int(own or given) for own, given in zip((height, width), wanted, strict=True)]
            plan = cls(size[0], size[1], markers=markers, **values)
        except (TypeError, ValueError, AttributeError) as error:
            raise GlintError(f"The model's description of how it looks at pictures is damaged ({error}).") from error
        if plan.fit not in FITS or plan.resample not in {*_FILTERS, "area"}:
            raise GlintError(
                f"The model fits pictures by {plan.fit!r} with {plan.resample!r}; this version of Glint knows "
                f"{', '.join(FITS)} and {', '.join(_FILTERS)}, area."
            )
        edges = (plan.height, plan.width, *(edge for edge in (plan.shortest_edge, plan.longest_edge) if edge))
        if min(edges) < 1 or any(side not in (None, own) for side, own in zip(wanted, size, strict=True)):
            given = " x ".join(map(str, wanted))
            raise GlintError(f"The model says that its pictures are {given} pixels, and its encoder takes {size}.")
        if plan.fit == "tiles" and plan.height != plan.width:
            raise GlintError(f"The model cuts pictures into squares, and its encoder takes {size}.")
        return plan

    def cut(self, picture: np.ndarray, most: int | None = None) -> Tiles:
        """What the encoder is to see of a picture, uint8 RGB [height, width, 3] of any size.

        most: tiles, the whole picture among them; a larger grid is made coarser until it keeps to that.
        """
        if self.fit == "tiles":
            return self._tiles(picture, most)
        if self.fit == "squash":
            return Tiles(self._resized(picture, self.height, self.width)[None])
        return Tiles(self._middle(self._square(picture) if self.fit == "pad" else picture)[None])

    def texts(self, rows: int, columns: int) -> list[str]:
        """What stands before the first, between each two and behind the last of the pictures of a grid."""
        marks = self.markers
        if not rows:
            return [marks.single, marks.after]
        starts = [
            marks.tile.replace("{row}", str(row)).replace("{column}", str(column))
            for row in range(1, rows + 1)
            for column in range(1, columns + 1)
        ]
        ends = [marks.row_end if number % columns == 0 else "" for number in range(len(starts) + 1)]
        ends[0] = ""
        return [end + start for end, start in zip(ends, [*starts, marks.whole], strict=True)] + [marks.after]

    def _resized(self, picture: np.ndarray, height: int, width: int) -> np.ndarray:
        if self.resample == "area":
            smaller = picture.shape[0] > height and picture.shape[1] > width
            return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
        if picture.shape[:2] == (height, width):
            return picture
        return np.asarray(Image.fromarray(picture).resize((width, height), _FILTERS[self.resample]))

    def _square(self, picture: np.ndarray) -> np.ndarray:
        if max(picture.shape[:2]) > _LARGEST_SQUARE:
            (height, width), _ = _grid(picture.shape, _UPPER_BOUND, _UPPER_BOUND)
            picture = self._resized(picture, height, width)
        height, width = picture.shape[:2]
        side = max(height, width)
        square = np.full((side, side, 3), self.pad_color, np.uint8)
        top, left = (side - height) // 2, (side - width) // 2
        square[top : top + height, left : left + width] = picture
        return square

    def _middle(self, picture: np.ndarray) -> np.ndarray:
        short, long = sorted(picture.shape[:2])
        if long > _LONGEST_SHAPE * short:  # a line of pixels would be blown up to gigabytes, for its middle alone
            axis = int(picture.shape[1] == long)
            spare = (long - _LONGEST_SHAPE * short) // 2
            picture = picture.take(np.arange(spare, spare + _LONGEST_SHAPE * short), axis)
            long = _LONGEST_SHAPE * short
        edge = self.shortest_edge or min(self.height, self.width)
        longer = int(edge * long / short)
        size = (edge, longer) if picture.shape[0] <= picture.shape[1] else (longer, edge)
        resized = self._resized(picture, *size)
        down, right = max(0, self.height - size[0]), max(0, self.width - size[1])
        if down or right:
            above, before = -(-down // 2), -(-right // 2)
            resized = np.pad(resized, ((above, down - above), (before, right - before), (0, 0)))
        top, left = (resized.shape[0] - self.height) // 2, (resized.shape[1] - self.width) // 2
        return resized[top : top + self.height, left : left + self.width]

    def _tiles(self, picture: np.ndarray, most: int | None) -> Tiles:
        tile, edge = self.height, self.longest_edge
        (height, width), (rows, columns) = _grid(picture.shape, edge, tile)
        while self.split and most is not None and 1 < rows * columns >= most:
            edge = (edge or max(height, width)) - tile
            if edge <= tile:
                rows = columns = 1
                break
            (height, width), (rows, columns) = _grid(picture.shape, edge, tile)
        resized = self._resized(picture, height, width)
        if not self.split or rows * columns == 1:
            return Tiles(self._resized(resized, tile, tile)[None])
        grid = self._resized(resized, rows * tile, columns * tile)
        cut = grid.reshape(rows, tile, columns, tile, 3).swapaxes(1, 2).reshape(rows * columns, tile, tile, 3)
        return Tiles(np.concatenate([cut, self._resized(grid, tile, tile)[None]]), rows, columns)


def _grid(shape: tuple[int, ...], longest_edge: int | None, tile: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The size to bring a picture to, and the rows and columns of tiles that it then fills."""
    height, width = shape[:2]
    aspect = width / height
    if longest_edge is not None:
        # The shorter edge is made even, which the multiple of a tile below hardly ever shows.
        if width >= height:
            width, height = longest_edge, int(longest_edge / aspect)
            height += height % 2
        else:
            width, height = int(longest_edge * aspect), longest_edge
            width += width % 2
        height, width = max(height, 1), max(width, 1)
        aspect = width / height
        if width >= height and width > _UPPER_BOUND:
            width, height = _UPPER_BOUND, max(1, int(_UPPER_BOUND / aspect))
        elif height > width and height > _UPPER_BOUND:
            width, height = max(1, int(_UPPER_BOUND * aspect)), _UPPER_BOUND
        aspect = width / height
    if width >= height:
        columns = math.ceil(width / tile)
        rows = math.ceil(int(columns * tile / aspect) / tile)
    else:
        rows = math.ceil(height / tile)
        columns = math.ceil(int(rows * tile * aspect) / tile)
    return (height, width), (max(rows, 1), max(columns, 1))

"""Reads how a Hugging Face model wants its pictures and its prompt, from the settings beside it, without transformers.

The outcome is data for a manifest: `picture` (models.picture_plan) and `prompt` (models.prompt). What the folder does
not say is worked out from the sizes in config.json, and told in the notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.chat_prompt import read_prompt
from models.errors import GlintError
from models.hub_files import HubFiles

Colour = tuple[float, float, float]

_HALF: tuple[Colour, Colour] = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_CLIP: tuple[Colour, Colour] = (
    (0.48145466, 0.4578275, 0.40821073),  # of the pictures that CLIP was trained on (Radford et al. 2021)
    (0.26862954, 0.26130258, 0.27577711),
)
_RESAMPLE = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")  # by Pillow's numbers
_TILES = 4  # along the longest edge, where nothing is said


@dataclass(frozen=True)
class Processor:
    """picture: {} for a language model. mean, std: of a channel in 0..1, red, green, blue.

    notes: sentences about what was not there and what was taken instead.
    """

    picture: dict[str, Any]
    prompt: dict[str, Any]
    mean: Colour
    std: Colour
    notes: tuple[str, ...]


def read_processor(folder: Path, image_size: int | None = None) -> Processor:
    """The processor of the model in a folder. image_size: of an encoder that takes other pictures than the model's own.

    Raises GlintError when a file is damaged, the tokenizer or its chat template is missing, or pictures are prepared in
    a way that is not known here.
    """
    files = HubFiles(folder)
    vision = files.config.get("vision_config")
    if not isinstance(vision, dict):
        prompt, notes = read_prompt(files, None)
        return Processor({}, prompt, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), tuple(notes))
    try:
        picture, (mean, std), notes = _picture(files, vision, image_size)
    except (TypeError, ValueError, LookupError, AttributeError, ZeroDivisionError) as error:
        raise GlintError(f"The image processor's settings in {folder} are damaged ({error}).") from error
    image = _image_token(files)
    prompt, more = read_prompt(files, image)
    picture["markers"] = _markers(files, image, picture["fit"] == "tiles")
    return Processor(picture, prompt, mean, std, tuple(notes + more))


def _picture(
    files: HubFiles, vision: Mapping[str, Any], image_size: int | None
) -> tuple[dict[str, Any], tuple[Colour, Colour], list[str]]:
    settings, notes = files.picture, []
    if settings.get("image_grid_pinpoints"):
        raise GlintError(
            f"The model in {files.folder} cuts pictures to one of several resolutions (as LLaVA-NeXT), which is not "
            "supported; take one that squashes, crops or tiles them."
        )
    side = vision.get("image_size")
    own = _side(settings) or side
    if not own:
        raise GlintError(
            f"Neither config.json nor preprocessor_config.json in {files.folder} says how large pictures are."
        )
    own = int(own)
    clip = str(vision.get("model_type", "")).startswith("clip")
    tiled = "max_image_size" in settings or "do_image_splitting" in settings if settings else _has_rows(files)
    new = image_size or own
    picture: dict[str, Any] = {"resample": _filter(settings, "lanczos" if tiled else "bicubic")}
    if not settings:
        way = "tiled" if tiled else "cropped" if clip else "squashed"
        notes.append(
            f"there is no preprocessor_config.json; pictures are {way} at {own} pixels, as config.json's sizes and the "
            "tokenizer's markers suggest"
        )
    colours = _colours(settings, _CLIP if clip and not tiled else _HALF, notes)
    if tiled:
        longest = settings.get("size", {}).get("longest_edge") if settings else _TILES * own
        picture |= {"fit": "tiles", "tile": new, "split": settings.get("do_image_splitting", True)}
        if settings.get("do_resize", True):
            picture["longest_edge"] = int(longest or _TILES * own) * new // own
        return picture, colours, notes
    picture |= {"height": new, "width": new}
    if settings.get("do_pad"):
        mean = settings.get("image_mean") or list(colours[0])
        picture |= {"fit": "pad", "pad_color": [int(255 * value) for value in mean]}
    elif settings.get("do_center_crop", False) if settings else clip:
        picture["fit"] = "crop"
    else:
        picture["fit"] = "squash"
    size = settings.get("size")
    if not isinstance(size, (dict, int, type(None))):
        raise TypeError(f"size is {size!r}")
    shortest = size.get("shortest_edge") if isinstance(size, dict) else None
    if picture["fit"] == "squash" and shortest:
        picture["fit"] = "crop"
        notes.append("pictures of any shape are not supported; their middle is taken as a square")
    if picture["fit"] == "crop" and isinstance(size, dict) and size.get("height") and size.get("width"):
        picture["fit"] = "squash"  # to what is then cropped, which is the same where both are as large
        if int(size["height"]) != own or int(size["width"]) != own:
            notes.append(f"pictures are squashed to {new} pixels at once rather than cropped from {size}")
    if shortest and int(shortest) != own:
        picture["shortest_edge"] = int(shortest) * new // own
    return picture, colours, notes


def _side(settings: Mapping[str, Any]) -> int | None:
    """Pixels of an edge of what the encoder is given, as the image processor has it."""
    for name in ("max_image_size", "crop_size", "size"):
        if name == "crop_size" and not settings.get("do_center_crop", True):
            continue
        size = settings.get(name)
        if isinstance(size, int):
            return size
        if size is not None:
            keys = ("longest_edge",) if name == "max_image_size" else ("height", "shortest_edge")
            for key in keys:
                if size.get(key):
                    if size.get("width", size[key]) != size[key]:
                        raise GlintError(f"The model's pictures are {size}, and only squares are supported.")
                    return int(size[key])
    return None


def _filter(settings: Mapping[str, Any], usual: str) -> str:
    number = settings.get("resample")
    return usual if number is None else _RESAMPLE[int(number)]


def _colours(settings: Mapping[str, Any], usual: tuple[Colour, Colour], notes: list[str]) -> tuple[Colour, Colour]:
    """Mean and standard deviation of a channel in 0..1, whatever scale the processor has them on."""
    if not settings.get("do_normalize", True):
        mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    elif settings.get("image_mean") and settings.get("image_std"):
        mean, std = _colour(settings["image_mean"]), _colour(settings["image_std"])
    else:
        mean, std = usual
        notes.append(f"mean and standard deviation of colours are not given; {mean} and {std} were taken")
    scale = 255 * float(settings.get("rescale_factor", 1 / 255)) if settings.get("do_rescale", True) else 255.0
    if abs(scale - 1) < 1e-6:
        return mean, std
    return _colour([value / scale for value in mean]), _colour([value / scale for value in std])


def _colour(values: Any) -> Colour:
    red, green, blue = map(float, values) if isinstance(values, list) else (float(values),) * 3
    return red, green, blue


def _has_rows(files: HubFiles) -> bool:
    return files.tokenizer.token_to_id("<row_1_col_1>") is not None


def _image_token(files: HubFiles) -> str:
    config = files.config
    numbers = config.get("image_token_id"), config.get("image_token_index")
    texts = files.processor.get("image_token"), files.special_tokens.get("image_token"), "<image>"
    known = (text if files.tokenizer.token_to_id(str(text)) is not None else None for text in texts)
    for text in (*map(files.text_of, numbers), *known):
        if text:
            return str(text)
    raise GlintError(f"The tokenizer in {files.folder} has no token that stands for a picture.")


def _markers(files: HubFiles, image: str, tiled: bool) -> dict[str, str]:
    """As the processors of Idefics3 and SmolVLM write them around tiles; none for others."""
    around = files.special_tokens.get("fake_image_token", "<fake_token_around_image>")
    whole = files.special_tokens.get("global_image_token", "<global-img>")
    if not tiled or files.tokenizer.token_to_id(around) is None:
        return {"image": image}
    return {
        "image": image,
        "tile": around + "<row_{row}_col_{column}>",
        "row_end": "\n",
        "whole": f"\n{around}{whole}",
        "single": around + whole,
        "after": around,
    }

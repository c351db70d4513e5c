"""Exports the picture side of a model to the one graph that a bundle has of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
from transformers import PreTrainedModel
from transformers import __version__ as transformers_version

from export.recipe.encoder import SIDE, quantize_encoder
from export.recipe.vision_graph import OPSET as OWN_OPSET
from export.recipe.vision_graph import write_vision_graph
from export.vision.exporting import quiet, trace
from export.vision.own import OwnVision, load_own
from export.vision.positions import correct_positions
from export.vision.precision import open_model, quantize_dynamic, quantize_static, store_half
from export.vision.preprocessing import PIXELS, TOKENS, accept_pixels, inline_constants, name_tensors
from export.vision.tower import load_tower
from models.bundle import CAPTIONS_FILE, VISION_FILE
from models.errors import GlintError
from models.progress import silent

PRECISIONS = ("int8", "fp16", "fp32")
LARGEST_FILE = 2**31 - 2**24  # bytes of weights, so that with the nodes it is a protobuf message yet
_SHIFTED = (
    f"transformers {transformers_version} gives patches places one row and column off those of the model's training "
    "(huggingface/transformers#41190); the graph has the right ones, and so has the reference it is compared with."
)

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class VisionPart:
    """What the graph takes and gives: pictures of height x width pixels, `tokens` visual tokens of `hidden` numbers.

    notes: sentences for the user about what was chosen and why.
    """

    height: int
    width: int
    tokens: int
    hidden: int
    notes: tuple[str, ...]


def is_own(folder: Path) -> bool:
    """Whether it is a weights folder of ours rather than one of transformers."""
    return (folder / VISION_FILE).exists() and (folder / "adapter.safetensors").exists()


def export_vision(
    folder: Path,
    out: Path,
    precision: str,
    *,
    mean: Sequence[float] = (0.0, 0.0, 0.0),
    std: Sequence[float] = (1.0, 1.0, 1.0),
    image_size: int | None = None,
    calibration: Sequence[np.ndarray] = (),
    progress: Progress | None = None,
) -> VisionPart:
    """Writes the file `out`: pixels uint8 [n, H, W, 3] RGB -> visual_tokens float32 [n, tokens, hidden].

    folder: of a Hugging Face model, or a weights folder of ours (mean and std are then in the encoder already, and
    there is a second output hint_scores). precision: one of PRECISIONS. image_size: the side of the pictures, the
    tower's own unless given; places are interpolated by the model's own rule. calibration: photos uint8 [h, w, 3] RGB
    of any size, for int8. GlintError when something is not supported or missing; `out` is then not written.
    """
    if precision not in PRECISIONS:
        raise GlintError(f"{precision!r} is no precision of a picture encoder ({', '.join(PRECISIONS)}).")
    progress = progress or silent
    if is_own(folder):
        return _export_own(folder, out, precision, image_size, calibration, progress)
    progress("vision: reading", 0, None)
    model = load_tower(folder, image_size)
    progress("vision: tracing", 0, None)
    graph = _trace_tower(model, mean, std, image_size)
    notes = [_SHIFTED] if correct_positions(model) else []
    del model
    return _write(graph, out, precision, calibration, notes, progress)


def _export_own(
    folder: Path,
    out: Path,
    precision: str,
    image_size: int | None,
    calibration: Sequence[np.ndarray],
    progress: Progress,
) -> VisionPart:
    if image_size not in (None, SIDE):
        raise GlintError(f"Our encoder sees pictures of {SIDE} pixels only, not {image_size}.")
    if precision == "int8" and not calibration:
        part = _inspect(folder / VISION_FILE, ["The int8 graph of the weights folder was taken as it is."])
        shutil.copyfile(folder / VISION_FILE, out)
        if (folder / CAPTIONS_FILE).exists():
            shutil.copyfile(folder / CAPTIONS_FILE, out.with_name(CAPTIONS_FILE))
        return part
    progress("vision: reading", 0, None)
    model = load_own(folder)
    if precision == "int8":
        return _own_int8(model, out, calibration, progress)
    progress("vision: tracing", 0, None)
    notes = ["The object head and what describes pictures belong to the int8 graph and were left out."]
    return _write(_trace_own(model), out, precision, calibration, notes, progress)


def _trace_tower(
    model: PreTrainedModel, mean: Sequence[float], std: Sequence[float], image_size: int | None
) -> onnx.ModelProto:
    model.config.vision_config.output_hidden_states = True
    graph = trace(model, image_size=image_size)
    accept_pixels(graph, mean, std)
    name_tensors(graph, "image_features")
    inline_constants(graph)
    return graph


def _trace_own(model: OwnVision) -> onnx.ModelProto:
    model.config.output_hidden_states = True
    graph = trace(model, OWN_OPSET)
    name_tensors(graph, TOKENS)
    inline_constants(graph)
    return graph


def _write(
    graph: onnx.ModelProto,
    out: Path,
    precision: str,
    calibration: Sequence[np.ndarray],
    notes: list[str],
    progress: Progress,
) -> VisionPart:
    height, width = _picture_size(graph)
    with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        path = Path(scratch, out.name)
        if precision == "int8" and not calibration:
            quantize_dynamic(graph)
            notes.append("The picture encoder's activations set their own 8-bit ranges: no photos to calibrate on.")
        elif precision == "int8":
            if _weight_bytes(graph) > LARGEST_FILE:
                raise GlintError("The picture encoder is too large (over 2 GB in fp32) to be calibrated on photos.")
            pictures = [_resize(picture, height, width) for picture in calibration]
            result = quantize_static(graph, pictures, lambda done, total: progress("vision: looking", done, total))
            notes.append(
                f"The picture encoder's 8-bit ranges are fixed by {len(pictures)} photos, on which its tokens are off "
                f"by {result.error:.1%}; {len(result.spared)} products stay in float32."
            )
        elif precision == "fp16":
            kept = store_half(graph)
            if kept:
                notes.append(f"{len(kept)} tensors are beyond float16 and stay in float32, {kept[0]!r} first.")
        if _weight_bytes(graph) > LARGEST_FILE:
            raise GlintError(f"The picture encoder is larger than 2 GB in {precision}; choose fp16 or int8.")
        onnx.save(graph, path)
        del graph
        progress("vision: trying", 0, None)
        part = _inspect(path, notes)
        path.replace(out)
    return part


def _own_int8(model: OwnVision, out: Path, calibration: Sequence[np.ndarray], progress: Progress) -> VisionPart:
    """As the recipe makes it, but the encoder traced by optimum; without an object head."""
    assert model.tail is not None
    with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        exact, encoder, path = (Path(scratch, name) for name in ("exact.onnx", "encoder.onnx", out.name))
        progress("vision: tracing", 0, None)
        onnx.save(trace(OwnVision(model.encoder), OWN_OPSET), exact)
        progress("vision: looking", 0, None)
        with quiet():
            quantize_encoder(exact, [_resize(picture, SIDE, SIDE) for picture in calibration], encoder)
            write_vision_graph(encoder, model.tail.connector, model.tail.head, path)
        note = f"The encoder's 8-bit ranges are fixed by {len(calibration)} photos; the object head was left out."
        part = _inspect(path, [note])
        path.replace(out)
    return part


def _inspect(path: Path, notes: list[str]) -> VisionPart:
    """Runs it once on a grey picture: a graph that onnxruntime cannot run must not end up in a bundle."""
    model = onnx.load(path)
    height, width = _picture_size(model)
    tokens = open_model(model).run([TOKENS], {PIXELS: np.full((1, height, width, 3), 128, np.uint8)})[0]
    if not np.isfinite(tokens).all():
        raise GlintError("The exported picture encoder gives numbers that are not finite; try another precision.")
    return VisionPart(height, width, tokens.shape[1], tokens.shape[2], tuple(notes))


def _picture_size(model: onnx.ModelProto) -> tuple[int, int]:
    dims = model.graph.input[0].type.tensor_type.shape.dim
    return dims[1].dim_value, dims[2].dim_value


def _weight_bytes(model: onnx.ModelProto) -> int:
    return sum(len(tensor.raw_data) for tensor in model.graph.initializer)


def _resize(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    if picture.shape[:2] == (height, width):
        return picture
    shrinks = picture.shape[0] > height and picture.shape[1] > width
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)

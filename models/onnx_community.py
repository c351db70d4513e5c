"""Runs a folder in the layout in which onnx-community and others publish vision-language models, as it is.

Beside the settings and the tokenizer there are three graphs under onnx/, each in several precisions:

    vision_encoder    pixel_values [1, n, 3, H, W] (or [n, 3, H, W]), pixel_attention_mask -> image_features
    embed_tokens      input_ids [1, n] -> inputs_embeds
    decoder_model_merged  inputs_embeds, attention_mask, position_ids, past_key_values.* -> logits, present.*

The decoder gives keys and values back with the new ones behind them, so its cache is a list of what came out last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from models.decoder import Decoder, KVCache, decoder_options
from models.decoder_layout import DecoderLayout
from models.errors import GlintError
from models.hub_files import HubFiles
from models.picture_plan import PicturePlan
from models.processor import Processor, read_processor
from models.vision import VisionEncoder
from models.vision_language import VisionLanguageModel

FOLDER = "onnx"
ENCODER, EMBEDDING, DECODER = "vision_encoder", "embed_tokens", "decoder_model_merged"
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(bool)": np.bool_}
_TYPES |= {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
_LONGEST = 8192  # tokens, where the model says nothing or more


def is_published(folder: Path) -> bool:
    """Whether a folder is in this layout."""
    return any((folder / FOLDER).glob(f"{DECODER}*.onnx"))


def load_published(folder: Path, threads: int = 2) -> VisionLanguageModel:
    """The model in a folder of this layout, of each part the smallest variant that is intact.

    Raises GlintError when a part or a setting is missing or damaged, or a graph takes what is not known here.
    """
    files, processor = HubFiles(folder), read_processor(folder)
    decoder = PublishedDecoder(folder, files.config, threads)
    encoder = PublishedEncoder(folder, files.config, processor, threads)
    config = {"prompt": processor.prompt, "name": folder.resolve().name}
    model = VisionLanguageModel(encoder, decoder, files.tokenizer, config)
    model.side_by_side = False
    return model


def open_part(folder: Path, part: str, threads: int) -> ort.InferenceSession:
    """The smallest variant of a part that onnxruntime can open. Raises GlintError when there is none."""
    found = sorted((folder / FOLDER).glob(f"{part}*.onnx"), key=lambda path: _cost(path, part))
    found = [path for path in found if path.stem == part or path.stem.startswith(f"{part}_")]
    if not found:
        raise GlintError(
            f"{folder / FOLDER} has no {part}.onnx, nor one of a smaller precision; fetch the model again."
        )
    reasons = []
    for path in found:
        try:
            return ort.InferenceSession(path, decoder_options(threads), providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has one exception class for each status, without a common base
            reasons.append(f"{path} cannot be loaded ({' '.join(str(error).split())})")
    raise GlintError(f"{reasons[0].rstrip('.')}; fetch the model again.")


def _cost(path: Path, part: str) -> tuple[bool, int]:
    """Bytes, weights beside it included. What CPUs have few kernels for, and float32, go last."""
    beside = path.parent.glob(f"{path.name}?data*")
    last = path.stem.endswith(("fp16", "f16", "bnb4")) or path.stem == part
    return last, sum(file.stat().st_size for file in (path, *beside))


class PublishedEncoder(VisionEncoder):
    """vision_encoder, given pictures as the processor's settings say."""

    def __init__(self, folder: Path, config: Mapping[str, Any], processor: Processor, threads: int = 2):
        if not processor.picture:
            raise GlintError(f"The model in {folder} has no vision_config in its config.json.")
        self._session = open_part(folder, ENCODER, threads)
        self.plan = PicturePlan.read(processor.picture)
        self.tile_tokens = _tile_tokens(config, self.plan)
        self._mean, self._std = (255 * np.array(colour, np.float32) for colour in (processor.mean, processor.std))
        self._inputs = {one.name: one for one in self._session.get_inputs()}
        _check_inputs(folder, self._inputs, ("pixel_values", "pixel_attention_mask"))
        self._rule, self._hinted, self._hints = None, False, {}

    def _run(self, pixels: np.ndarray, *outputs: str) -> list[np.ndarray]:
        picture = self._inputs["pixel_values"]
        values = ((pixels - self._mean) / self._std).transpose(0, 3, 1, 2)
        feed = {"pixel_values": values.astype(_TYPES[picture.type])}
        if len(picture.shape) == 5:
            feed["pixel_values"] = feed["pixel_values"][None]
        if (mask := self._inputs.get("pixel_attention_mask")) is not None:
            feed["pixel_attention_mask"] = np.ones((1, *pixels.shape[:3]), _TYPES[mask.type])
        features = self._session.run(None, feed)[0]
        return [features.reshape(-1, features.shape[-1]).astype(np.float32)]


def _tile_tokens(config: Mapping[str, Any], plan: PicturePlan) -> int | None:
    patch, scale = config["vision_config"].get("patch_size"), config.get("scale_factor")
    return (plan.height // patch // scale) ** 2 if isinstance(patch, int) and isinstance(scale, int) else None


class PublishedDecoder(Decoder):
    """embed_tokens and decoder_model_merged. Answers one prompt at a time."""

    def __init__(self, folder: Path, config: Mapping[str, Any], threads: int = 2):
        self._session = open_part(folder, DECODER, threads)
        self._table = open_part(folder, EMBEDDING, threads)
        inputs = {one.name: one for one in self._session.get_inputs()}
        past = [name for name in inputs if name.startswith("past_key_values.")]
        known = "inputs_embeds", "attention_mask", "position_ids", "use_cache_branch", "num_logits_to_keep"
        _check_inputs(folder, inputs, (*known, *past))
        outputs = {one.name: one.shape for one in self._session.get_outputs()}
        if "inputs_embeds" not in inputs or not past or "logits" not in outputs:
            raise GlintError(f"The {DECODER} in {folder / FOLDER} takes no embeddings or keeps no keys and values.")
        self.layout = _layout(folder, config, inputs, outputs["logits"], past)

    def embed(self, ids: Sequence[int]) -> np.ndarray:
        rows = self._table.run(None, {self._table.get_inputs()[0].name: np.asarray(ids, np.int64)[None]})[0]
        return np.asarray(rows[0], np.float32)

    def new_cache(self) -> KVCache:
        return PublishedCache(self._session, self.layout)

    def bind(self, memory: np.ndarray) -> ort.IOBinding:
        raise GlintError("A published model answers one prompt at a time.")


def _layout(
    folder: Path, config: Mapping[str, Any], inputs: Mapping[str, Any], logits: Sequence[Any], past: Sequence[str]
) -> DecoderLayout:
    """Sizes as the graph has them and, where it names them only, as config.json does."""
    text = config.get("text_config", config)
    _, heads, _, size = inputs[past[0]].shape
    hidden = inputs["inputs_embeds"].shape[-1]

    def of(dimension: Any, name: str) -> int:
        return dimension if isinstance(dimension, int) else int(text[name])

    try:
        return DecoderLayout(
            layers=len(past) // 2,
            hidden=of(hidden, "hidden_size"),
            kv_heads=of(heads, "num_key_value_heads"),
            head_size=of(size, "head_dim"),
            vocabulary=of(logits[-1], "vocab_size"),
            max_tokens=min(int(text.get("max_position_embeddings", _LONGEST)), _LONGEST),
            embedding_block=None,
            embedding_values=0,
            embedding_scales=None,
            embedding_zero_points=None,
        )
    except (LookupError, TypeError, ValueError) as error:
        raise GlintError(f"Neither {DECODER} nor config.json in {folder} says all sizes ({error}).") from error


class PublishedCache(KVCache):
    """Keys and values as the graph gave them back; they are never written to, so that branches share them."""

    def __init__(self, session: ort.InferenceSession, layout: DecoderLayout):
        self._session, self._layout, self._length = session, layout, 0
        self._inputs = {one.name: _TYPES[one.type] for one in session.get_inputs()}
        self._ranks = {one.name: len(one.shape) for one in session.get_inputs()}
        empty = (1, layout.kv_heads, 0, layout.head_size)
        self._past = {
            name: ort.OrtValue.ortvalue_from_numpy(np.zeros(empty, kind))
            for name, kind in self._inputs.items()
            if name.startswith("past_key_values.")
        }

    @property
    def capacity(self) -> int:
        return self._layout.max_tokens

    def branch(self) -> KVCache:
        other = PublishedCache(self._session, self._layout)
        other._length, other._past = self._length, dict(self._past)
        return other

    def _reserve(self, length: int) -> None:
        if length > self._layout.max_tokens:
            super()._reserve(length)

    def _advance(self, embeddings: np.ndarray, rows: np.ndarray, logits: np.ndarray) -> None:
        new = embeddings.shape[1]
        self._reserve(self._length + new)
        past = {name: self._trimmed(value) for name, value in self._past.items()}
        values = {
            "inputs_embeds": embeddings,
            "attention_mask": np.ones((1, self._length + new)),
            "position_ids": np.arange(self._length, self._length + new)[None],
            "use_cache_branch": np.array([self._length > 0]),
            "num_logits_to_keep": np.full((1,) * self._ranks.get("num_logits_to_keep", 0), max(1, len(rows))),
        }
        feed = {
            name: ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(values[name], kind))
            for name, kind in self._inputs.items()
            if name in values
        }
        names = {name: name.replace("past_key_values.", "present.") for name in past}
        found = self._session.run_with_ort_values(["logits", *names.values()], {**feed, **past})
        scores = found[0].numpy()
        if len(rows):
            logits[...] = scores[:, rows - new]  # from the end: some graphs give the last positions only
        self._past = dict(zip(names, found[1:], strict=True))
        self._length += new

    def _trimmed(self, value: ort.OrtValue) -> ort.OrtValue:
        if value.shape()[2] == self._length:
            return value
        return ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(value.numpy()[:, :, : self._length]))


def _check_inputs(folder: Path, inputs: Mapping[str, Any], known: Sequence[str]) -> None:
    for name, one in inputs.items():
        if name not in known or one.type not in _TYPES:
            raise GlintError(f"A graph in {folder / FOLDER} takes {name} ({one.type}), which is not known here.")

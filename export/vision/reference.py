"""The PyTorch side of the comparison: what the exported picture graph is meant to compute, by transformers itself.

Only the places of patches are corrected where transformers has them wrong (export.vision.positions).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from torch import nn

from export.vision.own import OwnVision, load_own
from export.vision.part import is_own
from export.vision.positions import correct_positions
from export.vision.precision import open_model
from export.vision.preprocessing import HIDDEN_STATES, PIXELS, hidden_state_names
from export.vision.tower import load_tower
from models.processor import read_processor


class VisionReference(nn.Module, ABC):
    """forward: pixels uint8 [n, H, W, 3] RGB -> visual tokens float32 [n, tokens, hidden]."""

    @abstractmethod
    def hidden_states(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        """The embeddings and what each layer gives, first to last, by the names they have in the exported graph."""


class TowerReference(VisionReference):
    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, model: Any, mean: Sequence[float], std: Sequence[float], image_size: int | None = None) -> None:
        super().__init__()
        self.model: Any = model
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(3, 1, 1))
        own = model.config.vision_config.image_size
        self.sized: dict[str, Any] = {}
        if not hasattr(model, "vision_model") and image_size not in (None, own):
            self.sized = {"interpolate_pos_encoding": True}

    @torch.no_grad()
    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        if hasattr(self.model, "vision_model"):
            return self.model.get_image_features(self._normal(pixels)[:, None])
        return torch.stack(list(self.model.get_image_features(self._normal(pixels), **self.sized)))

    @torch.no_grad()
    def hidden_states(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        normal = self._normal(pixels)
        if hasattr(self.model, "vision_model"):
            states = _watch(self.model.vision_model.encoder.layers, lambda: self.model.vision_model(normal))
        else:
            tower = self.model.vision_tower
            states = _watch(tower.vision_model.encoder.layers, lambda: tower(normal, **self.sized))
        return {f"{HIDDEN_STATES}{i}": state for i, state in enumerate(states)}

    def _normal(self, pixels: torch.Tensor) -> torch.Tensor:
        return (pixels.permute(0, 3, 1, 2).to(torch.float32) / 255 - self.mean) / self.std


class OwnReference(VisionReference):
    def __init__(self, model: OwnVision) -> None:
        super().__init__()
        self.model = model

    @torch.no_grad()
    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.model(pixels)["visual_tokens"]

    @torch.no_grad()
    def hidden_states(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        self.model.config.output_hidden_states = True
        states = self.model(pixels)["hidden_states"]
        return {f"{HIDDEN_STATES}{i}": state for i, state in enumerate(states)}


def reference_vision(
    folder: Path,
    image_size: int | None = None,
    *,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> VisionReference:
    """The float32 model of a folder, in evaluation mode; mean and std are those of its image processor unless given.

    Errors as export_vision has them.
    """
    if is_own(folder):
        return OwnReference(load_own(folder))
    if mean is None or std is None:
        processor = read_processor(folder, image_size)
        mean, std = processor.mean, processor.std
    model = load_tower(folder, image_size)
    correct_positions(model)
    return TowerReference(model, mean, std, image_size).eval()


def exported_hidden_states(path: Path, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """Of an exported graph, by the names that VisionReference.hidden_states gives; {} where it has kept none.

    pixels: uint8 [n, H, W, 3].
    """
    model = onnx.load(path)
    names = hidden_state_names(model)
    if not names:
        return {}
    del model.graph.output[:]
    model.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    session: ort.InferenceSession = open_model(model)
    return dict(zip(names, session.run(names, {PIXELS: pixels}), strict=True))


def _watch(layers: Any, run: Callable[[], Any]) -> list[torch.Tensor]:
    """The input of the first layer and the output of each."""
    states: list[torch.Tensor] = []
    hooks = [
        layers[0].register_forward_pre_hook(
            lambda _, args, kwargs: states.append(_first(args, kwargs)), with_kwargs=True
        )
    ]
    hooks += [
        layer.register_forward_hook(lambda _, __, out: states.append(out[0] if isinstance(out, tuple) else out))
        for layer in layers
    ]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    return states


def _first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
    return args[0] if args else kwargs["hidden_states"]

"""The picture side of our own model through the same exporter: EfficientNet-Lite2, connector and hint head.

The weights folder holds no checkpoint of the connector and the head, only the graph that ships. They are read from
there, in the values that their 8-bit blocks stand for; the encoder comes from its own checkpoint, in float32.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from optimum.exporters.onnx.config import VisionOnnxConfig
from optimum.exporters.tasks import TasksManager
from optimum.utils import DummyInputGenerator, NormalizedVisionConfig
from torch import nn
from transformers import PretrainedConfig

from export.recipe.efficientnet_lite import EfficientNetLite
from export.recipe.encoder import OUTPUTS, SIDE
from export.recipe.hint_head import VISUAL_SIDE, HintHead
from export.recipe.language import Connector
from export.recipe.vision_graph import Tail
from models.bundle import VISION_FILE
from models.errors import GlintError
from models.fetch import ensure

ENCODER = "efficientnet-lite2"
HINTS = "hint_scores"
_TAIL = "tail/"

register_tasks_manager_onnx = TasksManager.create_register("onnx")


class EfficientNetLiteConfig(PretrainedConfig):
    """output_names: of what the model returns, in its order; num_blocks: how many hidden states there are."""

    model_type = "efficientnet_lite"

    def __init__(self, image_size: int = SIDE, output_names: Any = OUTPUTS, num_blocks: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.image_size, self.num_channels = image_size, 3
        self.output_names, self.num_blocks = list(output_names), num_blocks


class DummyPixelsGenerator(DummyInputGenerator):
    SUPPORTED_INPUT_NAMES = ("pixels",)

    def __init__(
        self, task: str, normalized_config: NormalizedVisionConfig, batch_size: int = 2, **kwargs: Any
    ) -> None:
        side = normalized_config.image_size
        self.shape = (batch_size, side, side, normalized_config.num_channels)

    def generate(self, input_name: str, framework: str = "pt", int_dtype: str = "int64", float_dtype: str = "fp32"):
        pixels = np.random.default_rng(0).integers(0, 256, self.shape, np.uint8)
        return torch.from_numpy(pixels) if framework == "pt" else pixels


@register_tasks_manager_onnx("efficientnet_lite", *["feature-extraction"])
class EfficientNetLiteOnnxConfig(VisionOnnxConfig):
    """Its input is whole pixels, uint8 [b, height, width, 3]: the model itself brings them to its scale."""

    NORMALIZED_CONFIG_CLASS = NormalizedVisionConfig
    DUMMY_INPUT_GENERATOR_CLASSES = (DummyPixelsGenerator,)
    ATOL_FOR_VALIDATION = 1e-3

    @property
    def inputs(self) -> dict[str, dict[int, str]]:
        return {"pixels": {0: "batch_size"}}

    @property
    def outputs(self) -> dict[str, dict[int, str]]:
        names = list(self._config.output_names)
        if self._config.output_hidden_states:
            names += [f"hidden_states.{i}" for i in range(self._config.num_blocks)]
        return {name: {0: "batch_size"} for name in names}


class OwnVision(nn.Module):
    """The encoder, with or without the tail that makes its grids into visual tokens and hints.

    forward: pixels uint8 [b, 224, 224, 3] -> OUTPUTS of the encoder, or visual_tokens [b, 16, hidden] and hint_scores;
    with config.output_hidden_states also what each block of the encoder gives.
    """

    def __init__(self, encoder: EfficientNetLite, tail: Tail | None = None) -> None:
        super().__init__()
        self.encoder, self.tail = encoder, tail
        names = OUTPUTS if tail is None else ["visual_tokens", HINTS]
        self.config = EfficientNetLiteConfig(output_names=names, num_blocks=len(encoder._blocks))

    def forward(self, pixels: torch.Tensor) -> dict[str, Any]:
        states: list[torch.Tensor] = []
        hooks = [block.register_forward_hook(lambda _, __, out: states.append(out)) for block in self.encoder._blocks]
        try:
            grids = self.encoder(pixels)
        finally:
            for hook in hooks:
                hook.remove()
        values = grids if self.tail is None else self.tail(*grids)
        outputs: dict[str, Any] = dict(zip(self.config.output_names, values, strict=True))
        if self.config.output_hidden_states:
            outputs["hidden_states"] = states
        return outputs


def load_own(folder: Path) -> OwnVision:
    """The model of a weights folder such as models/weights/glint-135m. The encoder's checkpoint is fetched if need be.

    GlintError when it cannot be, or when the folder's graph is another one.
    """
    checkpoint = next(ensure(ENCODER).glob("*.pth"))
    return OwnVision(EfficientNetLite.load(checkpoint), load_tail(folder / VISION_FILE)).eval().requires_grad_(False)


def load_tail(graph: Path) -> Tail:
    """Connector and hint head of a graph that export.recipe.vision_graph has written. GlintError if it has not."""
    try:
        state = _tail_state(onnx.load(graph).graph)
        tail = Tail(
            Connector(VISUAL_SIDE**2, len(state["connector.outer.bias"]), 1.0), HintHead(len(state["head.outer.bias"]))
        )
        tail.load_state_dict(state, strict=False)
        missing = set(dict(tail.named_parameters())) - set(state)
    except (OSError, KeyError, RuntimeError, ValueError, DecodeError) as error:
        raise GlintError(f"{graph} has no connector and hint head of ours ({error}).") from error
    if missing:
        raise GlintError(f"{graph} lacks {min(missing)!r} of the connector or the hint head.")
    return tail


def _tail_state(graph: onnx.GraphProto) -> dict[str, torch.Tensor]:
    constants = {tensor.name: tensor for tensor in graph.initializer if tensor.name.startswith(_TAIL)}
    arrays = {name: numpy_helper.to_array(tensor) for name, tensor in constants.items()}
    state = {name.removeprefix(_TAIL): value for name, value in arrays.items()}
    for node in graph.node:
        if node.op_type == "MatMulNBits" and node.name.startswith(_TAIL):
            stored, scales = (arrays[name] for name in node.input[1:3])
            wide = (stored.astype(np.float32) - 128) * scales.reshape(*stored.shape[:2], 1)
            module = node.name.removeprefix(f"{_TAIL}/").removesuffix("/MatMul_Q8").replace("/", ".")
            columns = next(attribute.i for attribute in node.attribute if attribute.name == "K")
            state[f"{module}.weight"] = wide.reshape(len(stored), -1)[:, :columns]
    return {name: torch.from_numpy(np.array(value)) for name, value in state.items()}

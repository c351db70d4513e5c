"""Starts a run from weights that were packed before, so that training goes on without a checkpoint at hand."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from safetensors.torch import load_file

from export.recipe.language import ADAPTER_NAMES, PROJECTIONS, Connector, LanguageModel
from models.quantize import QuantizedMatrix


def start_from(weights: Path, model: LanguageModel, connector: Connector) -> None:
    """Fills both from a folder that `pack` wrote. RuntimeError where it holds a connector of another shape."""
    adapter = load_file(weights / "adapter.safetensors")
    for i, layer in enumerate(model.stack):
        for name, parts in PROJECTIONS.items():
            keys = [f"layers.{i}.{ADAPTER_NAMES[part]}" for part in parts]
            layer.parts[name].a.data.copy_(adapter[f"{keys[0]}.A"])  # the parts of one product share it
            layer.parts[name].b.data.copy_(torch.cat([adapter[f"{key}.B"] for key in keys]))
        if f"layers.{i}.attention_norm" in adapter:
            layer.attention_norm.data.copy_(adapter[f"layers.{i}.attention_norm"])
            layer.feed_norm.data.copy_(adapter[f"layers.{i}.feed_forward_norm"])
    if "output_norm" in adapter:
        model.final_norm.data.copy_(adapter["output_norm"])
    model.fold()
    connector.load_state_dict(_connector(weights / "vision.onnx"))


def _connector(path: Path) -> dict[str, torch.Tensor]:
    graph = onnx.load(path).graph
    arrays = {t.name: numpy_helper.to_array(t) for t in graph.initializer if t.name.startswith("tail/")}
    state = {
        name.removeprefix("tail/connector."): torch.from_numpy(array.copy())
        for name, array in arrays.items()
        if name.startswith("tail/connector.")
    }
    for node in graph.node:
        if node.op_type == "MatMulNBits" and "/connector/" in node.output[0]:
            matrix = QuantizedMatrix(8, arrays[node.input[1]], arrays[node.input[2]])
            state[node.output[0].split("/connector/")[1].split("/")[0] + ".weight"] = torch.from_numpy(
                matrix.dequantize()
            )
    return state

"""Puts encoder, connector and hint head into the one ONNX graph that ships: a photo in, visual tokens and hints out."""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx
import torch
from onnx import compose
from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer
from torch import nn

from export.recipe.hint_head import HintHead, pool
from export.recipe.language import Connector

OPSET = 17


class Tail(nn.Module):
    """(grid [b, 49, 1280], middle [b, 49, 480], class_logits [b, 1000]) -> (visual_tokens, hint_scores)."""

    pooling: torch.Tensor

    def __init__(self, connector: Connector, head: HintHead):
        super().__init__()
        self.connector, self.head = connector, head
        # Pooling as a product with a constant: the graph then has no adaptive pooling, which few runtimes know.
        self.register_buffer("pooling", pool(torch.eye(49)[None])[0])

    def forward(self, grid: torch.Tensor, middle: torch.Tensor, class_logits: torch.Tensor):
        cells = self.pooling @ torch.cat([grid, middle], -1)
        words = torch.sigmoid(self.head(cells))
        return self.connector(cells), torch.cat([words, torch.softmax(class_logits, -1)], -1)


def write_vision_graph(encoder: Path, connector: Connector, head: HintHead, out: Path) -> None:
    """pixels uint8 [b, 224, 224, 3] -> visual_tokens float32 [b, 16, hidden], hint_scores float32 [b, h].

    The encoder stays int8 as calibrated; the products of the tail hold 8-bit weights in blocks of 32.
    """
    tail = Tail(connector, head).eval()
    inputs = (torch.zeros(2, 49, 1280), torch.zeros(2, 49, 480), torch.zeros(2, 1000))
    names, outputs = ["grid", "middle", "class_logits"], ["visual_tokens", "hint_scores"]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "tail.onnx")
        torch.onnx.export(
            tail,
            inputs,
            str(path),
            input_names=names,
            output_names=outputs,
            dynamic_axes={name: {0: "batch"} for name in names + outputs},
            opset_version=OPSET,
            dynamo=False,
        )
        quantizer = MatMulNBitsQuantizer(
            onnx.load(path), algo_config=DefaultWeightOnlyQuantConfig(block_size=32, is_symmetric=True, bits=8)
        )
        quantizer.process()
        quantised = onnx.compose.add_prefix(quantizer.model.model, "tail/")
    front = onnx.load(encoder)
    merged = compose.merge_models(
        _with_opsets_of(front, quantised), quantised, io_map=[(name, f"tail/{name}") for name in names]
    )
    for value in merged.graph.output:
        _rename(merged, value.name, value.name.removeprefix("tail/"))
    onnx.save(merged, out)


def _with_opsets_of(model: onnx.ModelProto, other: onnx.ModelProto) -> onnx.ModelProto:
    del model.opset_import[:]
    model.opset_import.extend(other.opset_import)
    model.ir_version = other.ir_version
    return model


def _rename(model: onnx.ModelProto, old: str, new: str) -> None:
    for node in model.graph.node:
        node.output[:] = [new if name == old else name for name in node.output]
        node.input[:] = [new if name == old else name for name in node.input]
    for value in model.graph.output:
        if value.name == old:
            value.name = new

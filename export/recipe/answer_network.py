"""The answer head: which of a list of short answers a question about a picture has, and the graph that ships.

The question's state chooses where in the picture to look (the cells' attention of Yang et al. 2016, arXiv:1511.02274),
and is multiplied with what it sees there and with the picture as a whole (Kim et al. 2017, arXiv:1610.04325).
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from torch import nn

from export.recipe.caption_graph import BLOCK, OPSETS, Nodes
from models import answer_head
from models.answer_head import About

HIDDEN, LOOKED, GLANCES = 256, 128, 4  # widths; how many ways of looking there are
QUESTION, CELL, SIGNS = 256, 384, 128  # principal components that are kept
LEAST = 1e-4  # chances nearer to 0 or 1 tell nothing more
DROPPED, INPUT_DROPPED = 0.5, 0.2


class Whitened(nn.Module):
    """The first principal components of inputs, each with a spread of 1, by `fit`; not learnt further."""

    mean: torch.Tensor
    weight: torch.Tensor

    def __init__(self, width: int, kept: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("weight", torch.zeros(kept, width))

    def fit(self, rows: torch.Tensor) -> Whitened:
        """rows: float32 [n, width]."""
        self.mean.copy_(rows.mean(0))
        spread = rows.std(0) + 1e-3
        scaled = (rows - self.mean) / spread
        values, vectors = torch.linalg.eigh(scaled.T @ scaled / len(rows))
        kept = len(self.weight)
        largest = values.flip(0)[:kept].clamp(min=1e-6)
        self.weight.copy_(vectors.flip(1)[:, :kept].T / largest.sqrt()[:, None] / spread)
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean) @ self.weight.T


def logit(chances: torch.Tensor) -> torch.Tensor:
    kept = chances.clamp(LEAST, 1 - LEAST)
    return torch.log(kept / (1 - kept))


class AnswerNetwork(nn.Module):
    """answers: in the list; one more output says that it is none of them. widths: of a question, a cell, a picture's
    signs (chances of objects and hints)."""

    def __init__(self, answers: int, question: int, cell: int, signs: int):
        super().__init__()
        self.question, self.cell, self.signs = (
            Whitened(question, QUESTION),
            Whitened(cell, CELL),
            Whitened(signs, SIGNS),
        )
        self.asked, self.wanted = nn.Linear(QUESTION, HIDDEN), nn.Linear(QUESTION, LOOKED)
        self.offered = nn.Linear(CELL, LOOKED)
        self.glances = nn.Linear(LOOKED, GLANCES)
        self.looked_at, self.whole = nn.Linear(CELL * GLANCES, HIDDEN), nn.Linear(CELL + SIGNS, HIDDEN)
        self.joined, self.out = nn.Linear(3 * HIDDEN, HIDDEN), nn.Linear(HIDDEN, answers + 1)
        self.dropout, self.input_dropout = nn.Dropout(DROPPED), nn.Dropout(INPUT_DROPPED)

    def forward(
        self, question: torch.Tensor, cells: torch.Tensor, presence: torch.Tensor, hints: torch.Tensor
    ) -> torch.Tensor:
        """float32 [b, width], uint8 [b, 49, width], chances [b, objects] and [b, hints] -> logits [b, answers + 1]."""
        signs = self.signs(logit(torch.cat([presence, hints], 1)))
        return self.answer(self.question(question), self.cell(cells.float()), signs)

    def answer(self, question: torch.Tensor, cells: torch.Tensor, signs: torch.Tensor) -> torch.Tensor:
        """`forward` of what is whitened already."""
        drop = self.input_dropout
        question = drop(question)
        asked = torch.relu(self.asked(question))
        where = self.glances(torch.tanh(self.offered(cells) + self.wanted(question)[:, None])).softmax(1)
        seen = (where.transpose(1, 2) @ cells).flatten(1)
        looked_at = torch.relu(self.looked_at(drop(seen)))
        whole = torch.relu(self.whole(torch.cat([cells.mean(1), drop(signs)], 1)))
        joined = torch.cat([asked, asked * looked_at, asked * whole], 1)
        return self.out(self.dropout(torch.relu(self.joined(self.dropout(joined)))))


def write_answer_head(network: AnswerNetwork, about: About, objects: int, out: Path) -> None:
    """The graph, weights in 8 bits, with what it is about as a property. objects: names of the object head."""
    build = Nodes("")
    net, cells = network.eval(), build("Cast", answer_head.CELLS, to=TensorProto.FLOAT)

    def whitened(x: str, by: Whitened) -> str:
        centred, weight = build("Sub", x, build.constant(by.mean)), by.weight
        if more := -weight.shape[1] % BLOCK:
            weight = torch.nn.functional.pad(weight, (0, more))
            centred = build("Concat", centred, build.constant(np.zeros((1, more), np.float32)), axis=1)
        return build.product(centred, weight, torch.zeros(len(weight)))

    def log(x: str) -> str:
        bounds = build.constant(np.float32(LEAST)), build.constant(np.float32(1 - LEAST))
        kept = build("Clip", x, *bounds)
        return build("Log", build("Div", kept, build("Sub", build.constant(np.float32(1)), kept)))

    question = whitened(answer_head.QUESTION, net.question)
    seen_cells = whitened(cells, net.cell)
    signs = whitened(log(build("Concat", answer_head.PRESENCE, answer_head.HINTS, axis=1)), net.signs)
    asked = build("Relu", build.linear(question, net.asked))
    offered = build("Tanh", build("Add", build.linear(seen_cells, net.offered), build.linear(question, net.wanted)))
    where = build("Softmax", build("Transpose", build.linear(offered, net.glances), perm=[1, 0]), axis=-1)
    glanced = build("Reshape", build("MatMul", where, seen_cells), build.ints(1, -1))
    looked_at = build("Relu", build.linear(glanced, net.looked_at))
    mean = build("ReduceMean", seen_cells, axes=[0], keepdims=1)
    whole = build("Relu", build.linear(build("Concat", mean, signs, axis=1), net.whole))
    joined = build("Concat", asked, build("Mul", asked, looked_at), build("Mul", asked, whole), axis=1)
    logits = build.linear(build("Relu", build.linear(joined, net.joined)), net.out)
    build("LogSoftmax", logits, axis=-1, out=answer_head.LOG_PROBABILITIES)
    value, float32 = helper.make_tensor_value_info, TensorProto.FLOAT
    inputs = [
        value(answer_head.QUESTION, float32, [1, len(net.question.mean)]),
        value(answer_head.CELLS, TensorProto.UINT8, [None, len(net.cell.mean)]),
        value(answer_head.PRESENCE, float32, [1, objects]),
        value(answer_head.HINTS, float32, [1, len(net.signs.mean) - objects]),
    ]
    outputs = [value(answer_head.LOG_PROBABILITIES, float32, [1, len(about.answers) + 1])]
    graph = helper.make_graph(build.nodes, "answers", inputs, outputs, build.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(*one) for one in OPSETS], ir_version=9)
    helper.set_model_props(model, {answer_head.ABOUT: json.dumps(asdict(about))})
    onnx.save(model, out)

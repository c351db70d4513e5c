"""What was trained, as the files the repository ships: vision.onnx, adapter.safetensors and config.json."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from export.recipe.hint_head import VISUAL_SIDE, HintHead
from export.recipe.language import Connector, LanguageModel
from export.recipe.train import load
from export.recipe.vision_graph import write_vision_graph
from models.gguf_weights import GgufWeights

LICENCES = {
    "weights": "Apache-2.0",
    "SmolLM2-135M-Instruct": "Apache-2.0",
    "EfficientNet-Lite2": "Apache-2.0",
}


def load_run(run: Path, weights: GgufWeights) -> tuple[LanguageModel, Connector, HintHead]:
    """The trained parts of a run on top of the base model's `weights`, ready to use.

    FileNotFoundError when it has not been trained.
    """
    model = LanguageModel(weights)
    connector = Connector(VISUAL_SIDE**2, weights.shape.hidden, 1.0)
    load(run / "checkpoint.pt", model, connector)
    state = torch.load(run / "hint_head.pt", weights_only=True)
    head = HintHead(len(state["outer.bias"]))
    head.load_state_dict(state)
    return model.eval(), connector.eval(), head.eval()


def pack_weights(run: Path, base: Path, out: Path, version: str) -> None:
    """Writes the shipped files of `run` into `out`, without an object head (export.recipe.objects adds one).

    What is in config.json besides is kept.
    """
    model, connector, head = load_run(run, GgufWeights(base))
    out.mkdir(parents=True, exist_ok=True)
    write_vision_graph(run / "encoder.onnx", connector, head, out / "vision.onnx")
    save_file(model.adapter(), out / "adapter.safetensors")
    path = out / "config.json"
    config = json.loads(path.read_text()) if path.exists() else {}
    settings = json.loads((run / "settings.json").read_text())
    config.pop("objects", None)  # it describes a head of another encoder
    config.update(name="glint-135m", version=version, licences=LICENCES, **settings)
    path.write_text(json.dumps(config, indent=1) + "\n")

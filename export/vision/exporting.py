"""Runs optimum's exporter, which is talkative, and returns what it wrote as a model in memory."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
from optimum.exporters.onnx import export
from optimum.exporters.tasks import TasksManager
from torch import nn

from export.vision import onnx_configs, own  # noqa: F401  registers what optimum does not know

OPSET = 20  # the first with an operator for GELU


def trace(model: nn.Module, opset: int = OPSET, **settings: Any) -> onnx.ModelProto:
    """The model as a float32 graph, by the configuration registered for its type, which gets the settings too."""
    constructor = TasksManager.get_exporter_config_constructor(
        "onnx", model, task="feature-extraction", library_name="transformers"
    )
    with tempfile.TemporaryDirectory() as scratch, quiet():
        path = Path(scratch, "model.onnx")
        export(model, constructor(model.config, **settings), path, opset=opset)
        return onnx.load(path)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings and logs of exporters and quantisers, which concern their authors, not our users."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)

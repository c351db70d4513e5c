"""Reads a network that is to be rewritten."""

from __future__ import annotations

from pathlib import Path

import onnx

from models.errors import GlintError


def read_network(path: Path) -> onnx.ModelProto:
    """Raises GlintError for what is no ONNX file, OSError where it cannot be read at all."""
    try:
        return onnx.load(path)
    except OSError:
        raise
    except Exception as error:  # protobuf's own, which differs between its versions
        raise GlintError(f"{path} is not a readable ONNX file ({error}).") from error

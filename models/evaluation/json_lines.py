"""Reads the files that everything is evaluated on: one JSON value a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models.errors import GlintError


def json_lines(data: Path) -> Iterator[tuple[int, Any]]:
    """The number, from 1, and the value of each line that is not blank; None for one that is no JSON.

    Raises GlintError where the file cannot be read.
    """
    try:
        lines = data.read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        raise GlintError(f"{data} is not text in UTF-8; give a file of JSON lines.") from None
    except OSError as error:
        raise GlintError(f"{data} cannot be read: {error.strerror or error}.") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError:
                yield number, None

"""The file that `glint run --log` keeps the turns in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from device.turn import Turn
from models.errors import GlintError


class TurnLog:
    """Appends every turn to a file, one JSON object a line. Raises GlintError where the file cannot be opened.

    Later failures, a full disk or a folder that is gone, are told to `on_note` once until it works again. A turn is
    there whole or not at all.
    """

    def __init__(self, path: Path, on_note: Callable[[str], None]) -> None:
        self._path, self._on_note, self._failing = path, on_note, False
        try:
            path.open("ab").close()
        except OSError as error:
            raise GlintError(f"{path} cannot be written: {error.strerror or error}; choose another --log.") from error

    def append(self, turn: Turn) -> None:
        """Never raises OSError."""
        line = (json.dumps(turn.as_dict()) + "\n").encode()
        try:
            self._write(line)
        except OSError as error:
            if not self._failing:
                self._failing = True
                self._on_note(f"Turns are not kept: {self._path} cannot be written ({error.strerror or error}).")
        else:
            if self._failing:
                self._failing = False
                self._on_note(f"Turns are kept in {self._path} again.")

    def _write(self, line: bytes) -> None:
        with self._path.open("ab", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            if file.write(line) != len(line):
                file.truncate(end)
                raise OSError("the disk is full")

"""Models whose files are rewritten once they have been fetched, and what rewrites them.

Data: a module that rewrites is imported, in a process of its own, only when there is something to rewrite.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Remaking:
    """module: its main takes the folder of the files and the folder to fill. doing: for the progress bar.

    format: of the manifest that it writes; raise it when what is written changes, so that older folders are made anew.
    """

    module: str
    doing: str
    format: int


VOICE = Remaking("models.split_voice", "splitting", 2)
TEXT_DETECTOR = Remaking("models.thrifty_detector", "rewriting", 1)
REMAKINGS = {"voice": VOICE, "text detector": TEXT_DETECTOR}  # by `remade` in the catalogue
DETECTOR_INPUT = "picture"  # of the text detector as it is rewritten: uint8 [1, height, width, 3], RGB

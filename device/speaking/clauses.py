"""Cuts a text that is still being written into clauses, so that speech starts before the last word is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from models.spoken_text import clauses

MIN_WORDS = 3  # a shorter clause is spoken with what follows: alone it would sound chopped


def clauses_as_written(pieces: Iterable[str]) -> Iterator[str]:
    """Yields each clause with its punctuation once the next one has begun; what is left comes at the end."""
    pending = ""
    for piece in pieces:
        pending += piece
        *finished, rest = clauses(pending) or [pending]
        ready = " ".join(finished)
        if len(ready.split()) >= MIN_WORDS:
            yield ready
            pending = rest + (" " if pending[-1].isspace() else "")
    if pending.strip():
        yield pending.strip()

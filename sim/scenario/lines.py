"""On which line of a TOML file a key stands. The parser tells values, and no lines.

Good enough to point at a mistake: where a key cannot be found, the line of what is around it is given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# What may hold something that looks like a key and is none.
_OPAQUE = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*',
    re.DOTALL,
)


class Lines:
    """text: of the file."""

    def __init__(self, text: str) -> None:
        self._lines = _OPAQUE.sub(_blank, text).split("\n")

    def of(self, path: Sequence[str | int]) -> int:
        """Counted from 1. path: ("step", 3, "say", "voice") is the key voice in the fourth table step."""
        return self._find(path)[0] + 1

    def has(self, path: Sequence[str | int]) -> bool:
        """Whether the last name of a path is written there: a short form leaves some out."""
        return self._find(path)[1]

    def _find(self, path: Sequence[str | int]) -> tuple[int, bool]:
        """The line, counted from 0, and whether it is that of the path's last name."""
        first, last, found = 0, len(self._lines), False
        for place, part in enumerate(path):
            if isinstance(part, int):
                first, last = self._table(str(path[place - 1]), part, first, last)
            else:
                at = self._key(part, first, last)
                first, found = (first, False) if at is None else (at, True)
        return first, found

    def _table(self, name: str, number: int, first: int, last: int) -> tuple[int, int]:
        """The lines of the table `number` of that name, from its header to before the next one's."""
        header = re.compile(rf"^\s*\[\[\s*{re.escape(name)}\s*\]\]")
        found = [at for at, line in enumerate(self._lines) if header.match(line)]
        if number >= len(found):
            return first, last
        return found[number], found[number + 1] if number + 1 < len(found) else len(self._lines)

    def _key(self, key: str, first: int, last: int) -> int | None:
        written = re.compile(rf"(?:^|[\s{{,.\[]){re.escape(key)}\s*(?:[=.\]])")
        return next((at for at in range(first, last) if written.search(self._lines[at])), None)


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])

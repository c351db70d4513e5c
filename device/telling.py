"""What the loop tells of itself to whoever shows it: nothing twice that is still the same."""

from __future__ import annotations

from collections.abc import Callable

SAME_TROUBLE_S = 5.0  # what is noticed again within that time is still the same


class Telling:
    """event(kind, text) is told of state, partial, transcript, saying, command, note."""

    def __init__(self, event: Callable[[str, str], None]):
        self.event = event
        self._shown = ""
        self._noted: dict[str, float] = {}  # notes of the last moments, and when they were last worth saying

    def note(self, text: str, now_s: float) -> None:
        """Trouble, at a moment on the loop's clock.

        A lost microphone is said once, not thirty times a second, but when it is lost again, again.
        """
        self._noted = {said: at_s for said, at_s in self._noted.items() if now_s - at_s <= SAME_TROUBLE_S}
        if text not in self._noted:
            self.event("note", text)
        self._noted[text] = now_s

    def show(self, kind: str, text: str) -> None:
        """A text as far as it goes; not when it has not changed."""
        if text and f"{kind} {text}" != self._shown:
            self._shown = f"{kind} {text}"
            self.event(kind, text)

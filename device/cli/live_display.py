"""What `glint run` shows: a live line in a terminal, plain lines in a pipe or a file, or the turns alone as JSON."""

from __future__ import annotations

import json
import sys
import threading
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol

from rich.cells import cell_len
from rich.console import Console
from rich.live import Live
from rich.text import Text

from device.cli.timeline import in_short, timeline
from device.turn import Turn

PLAIN_COLUMNS = 80  # of a timeline in a file
_NARROW = 40  # columns; below that the state is its symbol alone
_LABEL_COLUMNS = 9
_SYMBOLS = {  # state: (symbol, where there is only ASCII, style)
    "asleep": ("\u25cb", "-", "dim"),
    "listening": ("\u25cf", "*", "bold green"),
    "thinking": ("\u25c6", "?", "bold yellow"),
    "speaking": ("\u25b6", ">", "bold cyan"),
}
_LABELS = {"transcript": "you", "partial": "..."}


class Display(AbstractContextManager, Protocol):
    """Told what happens, from any thread; shows it between entering and leaving."""

    def event(self, kind: str, text: str) -> None:
        """As device.live.Live's on_event: state, partial, transcript, saying, command or note, and what it says."""
        ...

    def turn(self, turn: Turn) -> None:
        """A turn is over."""
        ...


def open_display(as_json: bool = False, trace: bool = False, hint: str = "") -> Display:
    """The display that suits standard output. hint: what a live line says while nobody speaks.

    trace: every turn is followed by a timeline.
    """
    if as_json:
        return JsonLines()
    if sys.stdout.isatty():
        console = Console(highlight=False, markup=False, emoji=False)
        if console.is_interactive:
            return LiveLine(console, trace, hint)
    return PlainLines(trace)


class JsonLines(AbstractContextManager):
    """The turns as JSON, one a line; notes go to standard error."""

    def __init__(self) -> None:
        self._out, self._err = _plain(), _plain(stderr=True)

    def __exit__(self, *raised: object) -> None:
        pass

    def event(self, kind: str, text: str) -> None:
        if kind == "note":
            self._err.out(_labelled(kind, text))

    def turn(self, turn: Turn) -> None:
        self._out.out(json.dumps(turn.as_dict()))


class PlainLines(AbstractContextManager):
    """A line for every event and every turn, without control codes."""

    def __init__(self, trace: bool) -> None:
        self._trace, self._out = trace, _plain()

    def __exit__(self, *raised: object) -> None:
        pass

    def event(self, kind: str, text: str) -> None:
        if kind != "saying":  # the turn says it whole
            self._out.out(_labelled(_LABELS.get(kind, kind), text))

    def turn(self, turn: Turn) -> None:
        self._out.out("\n".join([_labelled("glint", turn.answer), *_times(turn, self._trace, PLAIN_COLUMNS)]))


class LiveLine:
    """The state and what is being said on the last line of a terminal; turns that are over scroll above it.

    The line is cropped to the terminal's width, at its beginning, since its end is what is new.
    """

    def __init__(self, console: Console, trace: bool, hint: str) -> None:
        self._console, self._trace, self._hint = console, trace, hint
        self._lock = threading.RLock()
        self._state, self._text, self._said = "asleep", "", ""
        self._live = Live(console=console, get_renderable=self._line, auto_refresh=False, transient=True)

    def __enter__(self) -> LiveLine:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def event(self, kind: str, text: str) -> None:
        with self._lock:
            if kind == "state":
                if text in ("asleep", "listening"):
                    self._text = ""
                self._state = text
            elif kind in ("partial", "transcript", "saying"):
                self._text = text
                if kind == "transcript":
                    self._said = text
            else:
                if kind == "command":
                    self._print("you", self._said)
                self._print(kind, text)
            self._live.refresh()

    def turn(self, turn: Turn) -> None:
        with self._lock:
            if turn.transcript:
                self._print("you", turn.transcript)
            self._print("glint", turn.answer)
            self._print_card(turn)
            for line in _times(turn, self._trace, self._console.width - 1):
                self._console.print(Text(line, style="dim"), no_wrap=True, overflow="ellipsis")
            self._live.refresh()

    def _print(self, label: str, text: str) -> None:
        style = {"you": "bold", "glint": "cyan", "note": "yellow"}.get(label, "")
        self._console.print(Text(_labelled(label, text), style=style), soft_wrap=True)

    def _print_card(self, turn: Turn) -> None:
        """What is better seen than heard, where there is room for it."""
        from device.cards.of_answer import card_of
        from device.cards.terminal import panel

        card = turn.card or card_of(turn)
        if card.is_rich and self._console.width >= _NARROW and not self._console.options.ascii_only:
            self._console.print(panel(card))

    def _line(self) -> Text:
        columns = self._console.width - 1  # some terminals wrap as soon as the last column is written
        symbol, ascii_symbol, style = _SYMBOLS.get(self._state, ("", "", ""))
        head = f"{ascii_symbol if self._console.options.ascii_only else symbol} "
        if columns >= _NARROW:
            head += f"{self._state:<{_LABEL_COLUMNS}} "
        line = Text(head, style, no_wrap=True, overflow="crop")
        if self._text:
            line.append(_end_of(_one_line(self._text), columns - cell_len(head)), "not dim default")
        else:
            line.append(self._hint if self._state == "asleep" else "", "dim not bold default")
        line.truncate(columns)
        return line


def _plain(stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")  # what an old code page cannot write must not end a turn
    return Console(stderr=stderr, force_terminal=False, color_system=None, highlight=False)


def _labelled(label: str, text: str) -> str:
    return f"{label:>{_LABEL_COLUMNS}}  {_one_line(text)}"


def _times(turn: Turn, trace: bool, columns: int) -> list[str]:
    short = in_short(turn.timings_ms)
    lines = [_labelled("time", short)] if short else []
    if not trace:
        return lines
    steps = [_labelled("steps", "; ".join(step.words for step in turn.steps))] if turn.steps else []
    return lines + timeline(turn.timings_ms, columns) + steps


def _one_line(text: str) -> str:
    """Without line breaks, and without what a terminal might obey."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _end_of(text: str, columns: int) -> str:
    """As much of the end of a text as fits, marked as cut where it is."""
    if cell_len(text) <= columns:
        return text
    left, start = columns - 1, len(text)
    while start and (left := left - cell_len(text[start - 1])) >= 0:
        start -= 1
    return "\u2026" + text[start:] if columns > 0 else ""

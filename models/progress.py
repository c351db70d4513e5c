"""Progress bars on standard error, drawn by rich; nothing is imported or drawn before there is something to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bars:
    """Call it with (what is going on, bytes done, bytes in all or None); one line for each different `what`.

    in_bytes: False shows a percentage instead, whatever is counted. A context manager: leaving it takes the terminal
    back. Standard output is never touched.
    """

    def __init__(self, in_bytes: bool = True) -> None:
        self._in_bytes = in_bytes
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, what: str, done: int, total: int | None) -> None:
        if self._progress is None:
            self._progress = _start(self._in_bytes)
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total)
        self._progress.update(self._tasks[what], completed=done, total=total)


def silent(what: str, done: int, total: int | None) -> None:
    """Shows nothing."""


def _start(in_bytes: bool) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn() if in_bytes else TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    progress.start()
    return progress

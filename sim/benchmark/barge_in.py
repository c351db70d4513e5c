"""Whether speaking over an answer stops it, how soon, and whether the answer's own echo does.

The answer is a passage of a book, so that it is long enough to be interrupted; it is spoken as any other and comes back
into the microphone. Who interrupts has another voice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import numpy as np

from device.hearing.ears import Ears
from device.live import Live
from device.thinking.mind import Mind
from device.turn import Turn
from models.vision_language import Reply, View, VisionLanguageModel
from sim.benchmark.at_work import AtWork
from sim.benchmark.booth import Booth, room_echo, silence
from sim.benchmark.sentences import INTERRUPTIONS, PASSAGES
from sim.benchmark.utterances import ESPEAK, PIPER, Line, Take

WITHIN_S = 2.0  # of its beginning, an interruption is detected or missed
INTO_S = (1.0, 3.0)  # of the answer, when it is interrupted
PATIENCE_S = 8.0  # for an answer to begin
LONGEST_S = 60.0  # no passage takes longer to say
_SPEAKERS = (*ESPEAK, *(speaker for speaker in PIPER if abs(speaker.pitch - 1) > 0.05))


class Reader:
    """A model that looks as the real one does and answers every question with `passage`."""

    def __init__(self, model: VisionLanguageModel, passage: str) -> None:
        self._model, self._passage = model, passage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def ask(self, view: View, question: str, reply: Reply, *_: Any, **__: Any) -> Iterator[str]:
        """As VisionLanguageModel.ask."""
        for word in self._passage.split():
            reply.tokens.append(0)
            reply.text += f" {word}" if reply.text else word
            yield f"{word} "


@contextmanager
def answering(mind: Mind, passage: str) -> Iterator[None]:
    """Inside, whatever is asked is answered with `passage`."""
    model = mind.model
    mind.model = Reader(model, passage)  # type: ignore[assignment]
    try:
        yield
    finally:
        mind.model = model


def interruption_lines(count: int) -> list[Line]:
    return [
        Line(INTERRUPTIONS[n % len(INTERRUPTIONS)], _SPEAKERS[(n + n // len(INTERRUPTIONS)) % len(_SPEAKERS)])
        for n in range(count)
    ]


def benchmark_barge_in(
    mind: Mind,
    ears: Ears,
    pixels: np.ndarray,
    question: Take,
    interruptions: Iterable[Take],
    undisturbed: int,
    progress: Callable[[str], None] = lambda what: None,
) -> dict[str, Any]:
    """In real time, but for the `undisturbed` answers, which pass as fast as they can be heard.

    barge_in_recall: interruptions that stopped the sound within WITHIN_S of their beginning; barge_in_silence_p50_s and
    _p95_s: from their first voiced sample to silence; barge_in_detected_to_silence_p50_ms: from the last sample of the
    chunk that gave it away (a sound device's own block comes on top); barge_in_false_rate: answers over which nobody
    spoke and which stopped, were they resumed or not; barge_in_turns and barge_in_undisturbed: how many of each there
    were.
    """
    random = np.random.default_rng(5)
    silences, delays, missed = [], [], 0
    for number, take in enumerate(interruptions):
        progress(f"interruption {number + 1}: {take.text}")
        began_s, booth = _interrupted(mind, ears, pixels, question, take, float(random.uniform(*INTO_S)), number)
        stop = next((s for s in booth.stops if began_s < s.heard_s <= began_s + WITHIN_S), None)
        if stop is None:
            missed += 1
        else:
            silences.append(stop.heard_s - began_s)
            delays.append(1e3 * stop.late_s)
    false = 0
    for number in range(undisturbed):
        progress(f"undisturbed answer {number + 1} of {undisturbed}")
        false += bool(_undisturbed(mind, ears, pixels, question, number).stops)
    figures: dict[str, Any] = {"barge_in_turns": len(silences) + missed, "barge_in_undisturbed": undisturbed}
    if silences or missed:
        figures["barge_in_recall"] = round(len(silences) / (len(silences) + missed), 3)
    if undisturbed:
        figures["barge_in_false_rate"] = round(false / undisturbed, 3)
    if silences:
        figures |= {f"barge_in_silence_p{p}_s": round(float(np.percentile(silences, p)), 3) for p in (50, 95)}
        figures["barge_in_detected_to_silence_p50_ms"] = round(median(delays), 1)
    return figures


def _interrupted(
    mind: Mind, ears: Ears, pixels: np.ndarray, question: Take, take: Take, after_s: float, number: int
) -> tuple[float, Booth]:
    """When the interruption began (infinity where there was nothing to interrupt), and the booth afterwards."""
    began = [np.inf]

    def script(booth: Booth) -> Iterator[np.ndarray]:
        yield from _asked(booth, question)
        if booth.answers:
            yield silence(after_s)
            began[0] = booth.scripted_s
            yield take.samples()
            yield silence(WITHIN_S)

    booth = Booth(script, pixels, room_echo(seed=number))
    with answering(mind, PASSAGES[number % len(PASSAGES)]):
        Live(booth, mind, ears).run()
    return began[0], booth


def _undisturbed(mind: Mind, ears: Ears, pixels: np.ndarray, question: Take, number: int) -> Booth:
    def script(booth: Booth) -> Iterator[np.ndarray]:
        yield from _asked(booth, question)
        yield silence(LONGEST_S)

    def over(turn: Turn) -> None:
        live.close()

    at_work = AtWork(mind, ears)
    booth = Booth(script, pixels, room_echo(seed=number), busy=at_work)
    live = Live(booth, mind, at_work.ears, on_turn=over)
    with answering(mind, PASSAGES[number % len(PASSAGES)]):
        live.run()
    return booth


def _asked(booth: Booth, question: Take) -> Iterator[np.ndarray]:
    """The question, and silence until the answer begins or PATIENCE_S have passed."""
    yield silence(0.5)
    yield question.samples()
    asked_s = booth.scripted_s
    while not booth.answers and booth.scripted_s < asked_s + PATIENCE_S:
        yield silence(0.032)

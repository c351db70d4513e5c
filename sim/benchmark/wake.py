"""How surely it wakes when it is called, and how seldom when it is not. Both wake words count, and so does the name.

Time passes as fast as the sound can be heard, and as it really does while the worker transcribes: what comes first,
the transcript or the next word, is as it would be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from device.glasses import RATE
from device.habits import State
from device.hearing.ears import Ears
from device.live import Live
from device.thinking.mind import Mind
from sim.benchmark.at_work import AtWork
from sim.benchmark.booth import Booth, silence
from sim.benchmark.noise import Noises
from sim.benchmark.sentences import NAME, QUESTIONS, WAKE_WORD
from sim.benchmark.utterances import ESPEAK, PIPER, Line, Take

BEFORE_S, AFTER_S = 0.6, 3.0  # around a call
GAPS_S = (0.2, 1.2)  # between two sentences of talk
_COVERED = np.zeros((240, 320, 3), np.uint8)  # nothing to look at: what is seen does not matter here


def wake_lines(count: int) -> list[Line]:
    """`count` calls by Piper at several paces and pitches, and a third as many by espeak-ng.

    In turn the wake word alone, the wake word and a question, the name and a question.
    """
    lines = []
    for speakers, calls in ((PIPER, count), (ESPEAK, -(-count // 3))):
        for n in range(calls):
            question = QUESTIONS[n % len(QUESTIONS)]
            text = (f"{WAKE_WORD}.", f"{WAKE_WORD}, {question}", f"{NAME}, {question}")[n % 3]
            lines.append(Line(text, speakers[n // 3 % len(speakers)]))
    return lines


def benchmark_wake(
    mind: Mind,
    ears: Ears,
    takes: Iterable[Take],
    noises: Noises,
    progress: Callable[[str], None] = lambda what: None,
) -> dict[str, Any]:
    """Shares of the calls that woke it: wake_recall, and wake_recall_word and wake_recall_name for the two ways.

    Piper's only; those by espeak-ng end in _espeak (to the wake word's network they hardly sound like speech). The same
    in noise, with _noise at the end of all. wake_calls: how many calls by Piper there were.
    """
    woke: dict[str, list[bool]] = {}
    for number, take in enumerate(takes):
        progress(f"wake {number + 1}: {take.text}")
        kind = "name" if take.text.startswith(NAME) else "word"
        engine = "_espeak" if take.line.speaker.engine == "espeak" else ""
        quiet = np.concatenate([silence(BEFORE_S), take.samples(), silence(AFTER_S)])
        for where, sound in (("", quiet), ("_noise", quiet + noises.noise(number, len(quiet)))):
            heard = any(True for _ in _wakes(mind, ears, [sound]))
            woke.setdefault(f"wake_recall{engine}{where}", []).append(heard)
            woke.setdefault(f"wake_recall_{kind}{engine}{where}", []).append(heard)
    figures: dict[str, Any] = {"wake_calls": len(woke.get("wake_recall", ()))}
    return figures | {name: round(float(np.mean(hits)), 3) for name, hits in woke.items()}


def benchmark_false_wakes(
    mind: Mind,
    ears: Ears,
    talk: Iterable[tuple[str, np.ndarray]],
    seconds: float,
    progress: Callable[[str], None] = lambda what: None,
) -> dict[str, Any]:
    """`talk`: sentences that do not call it, with their sound, float32 [n] at RATE; heard until there are `seconds`.

    wake_false_per_hour, of talk with its short pauses; wake_false_hours: how many there were; wake_false_at: what was
    being said then, or just before. Raises ValueError where there is no talk at all.
    """
    random = np.random.default_rng(4)
    heard_s, saying = 0.0, ""
    at: list[str] = []

    def script() -> Iterator[np.ndarray]:
        nonlocal heard_s, saying
        for text, said in talk:
            saying = text
            yield said
            gap = silence(float(random.uniform(*GAPS_S)))
            yield gap
            heard_s += (len(said) + len(gap)) / RATE
            progress(f"talk: {heard_s / 60:.1f} of {seconds / 60:.0f} minutes, woken {len(at)} times")
            if heard_s >= seconds:
                break
        yield silence(AFTER_S)

    for _ in _wakes(mind, ears, script()):
        at.append(saying)
    if not heard_s:
        raise ValueError("there is no talk to listen to")
    hours = heard_s / 3600
    return {"wake_false_per_hour": round(len(at) / hours, 2), "wake_false_hours": round(hours, 3), "wake_false_at": at}


def _wakes(mind: Mind, ears: Ears, sound: Iterable[np.ndarray]) -> Iterator[None]:
    """Comes each time it wakes; then it is put to sleep again at once and hears the rest."""
    if ears.wake_words:
        ears.wake_words.reset()
    at_work = AtWork(mind, ears)
    booth = Booth(lambda booth: sound, _COVERED, busy=at_work, press=False)
    while True:
        if not _sleeps_until_it_wakes(booth, mind, at_work.ears):
            return
        yield


def _sleeps_until_it_wakes(booth: Booth, mind: Mind, ears: Ears) -> bool:
    """Whether it wakes before the sound is over."""
    woke = []

    def event(kind: str, text: str) -> None:
        if kind == "state" and text != State.ASLEEP.value:
            woke.append(text)
            live.close()

    live = Live(booth, mind, ears, on_event=event)
    live.run()
    return bool(woke)

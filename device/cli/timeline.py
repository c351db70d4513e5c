"""Where the time of a turn went: its stages on one axis, in milliseconds after the wearer's last word.

Of a stage only its length is recorded. It is placed by what is known to follow what: a guess at the question is
transcribed at the first pause, the model is asked once the words are there, and what it says is heard once the question
is known to be over, at the latest when the first of its speech is ready.
"""

from __future__ import annotations

from dataclasses import dataclass

from device.hearing.endpoint import Pace

AHEAD = {"encode_picture": "encode", "prefill_picture": "read"}  # done while the wearer speaks
_READY_MS = 30.0  # an answer that sounds no later than this after the end of the question was ready before it
_NAME_COLUMNS = 16
_AMOUNT_COLUMNS = 9


@dataclass(frozen=True)
class Span:
    name: str
    start_ms: float
    end_ms: float


def spans(timings_ms: dict[str, float]) -> list[Span]:
    """The stages of Turn.timings_ms in the order in which they begin; those that were not recorded are left out."""
    pause, sound = timings_ms.get("endpoint"), timings_ms.get("first_audio")
    transcribe, token = timings_ms.get("transcribe"), timings_ms.get("first_token")
    speech = timings_ms.get("first_speech", token)
    begin = 0.0 if pause is None else 1e3 * Pace.guess
    asked = begin + (transcribe or 0.0)
    if speech is not None and sound is not None and sound > (pause or 0.0) + _READY_MS:
        asked = max(asked, sound - speech)  # the models were busy with something else
    placed = []
    if pause is not None:
        placed.append(Span("end of question", 0.0, pause))
    if transcribe is not None:
        placed.append(Span("transcribe", asked - transcribe, asked))
    if token is not None:
        placed.append(Span("first token", asked, asked + token))
        if speech is not None and speech > token:
            placed.append(Span("first speech", asked + token, asked + speech))
        whole = timings_ms.get("answer", 0.0)
        if speech is not None and whole > speech:
            placed.append(Span("rest of answer", asked + speech, asked + whole))
    if sound is not None:
        placed.append(Span("first sound", sound, sound))
    return placed


def timeline(timings_ms: dict[str, float], columns: int) -> list[str]:
    """The stages as bars below each other, no line wider than `columns`; none where nothing was timed."""
    placed = spans(timings_ms)
    lines = []
    ahead = [f"{name} {timings_ms[key]:.0f} ms" for key, name in AHEAD.items() if key in timings_ms]
    if ahead:
        lines.append(f"{'picture':>{_NAME_COLUMNS}}  {', '.join(ahead)}, while the question was asked")
    first = min([0.0, *(span.start_ms for span in placed)])
    last = max([1.0, *(span.end_ms for span in placed)])
    room = max(8, columns - _NAME_COLUMNS - _AMOUNT_COLUMNS - 4)
    scale = (room - 1) / (last - first)
    for span in placed:
        start, end = (round((ms - first) * scale) for ms in (span.start_ms, span.end_ms))
        moment = span.start_ms == span.end_ms
        bar = " " * start + ("\u25b2" if moment else "\u2588" * max(1, end - start))
        amount = span.end_ms if moment else span.end_ms - span.start_ms
        lines.append(f"{span.name:>{_NAME_COLUMNS}}  {bar:<{room}} {amount:{_AMOUNT_COLUMNS - 3}.0f} ms")
    return [line[:columns] for line in lines]


def in_short(timings_ms: dict[str, float]) -> str:
    """When the first sound came, in seconds after the last word, and what it waited for; "" where that is unknown."""
    sound = timings_ms.get("first_audio")
    if sound is None:
        return ""
    text = f"first sound {sound / 1e3:.2f} s"
    if (pause := timings_ms.get("endpoint")) is not None:
        text += f": pause {pause / 1e3:.2f}, wait {max(0.0, sound - pause) / 1e3:.2f}"
    work = {"words": timings_ms.get("transcribe"), "speech": timings_ms.get("first_speech")}
    within = [f"{name} {ms / 1e3:.2f}" for name, ms in work.items() if ms is not None]
    return text + (f" ({', '.join(within)})" if within else "")

"""Who can speak in a scenario: Piper's one voice at several pitches, and voices of espeak-ng."""

from __future__ import annotations

from dataclasses import replace

from sim.benchmark.utterances import Speaker

VOICES = {
    "joe": Speaker("piper"),
    "joe-low": Speaker("piper", pitch=0.9),
    "joe-high": Speaker("piper", pitch=1.2),
    "joe-child": Speaker("piper", pitch=1.25, pace=0.95),
    "espeak-us": Speaker("espeak", "en-us"),
    "espeak-gb": Speaker("espeak", "en-gb-x-rp"),
    "espeak-scotland": Speaker("espeak", "en-gb-scotland+m3"),
    "espeak-woman": Speaker("espeak", "en-us+f3"),
}


def speaker(voice: str, pace: float = 1.0) -> Speaker:
    """One of VOICES, so much slower than it is by itself."""
    known = VOICES[voice]
    return replace(known, pace=known.pace * pace)

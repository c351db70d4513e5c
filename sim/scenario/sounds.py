"""What is heard: sentences as they are said, with what is between the mouth and the microphone, and the room's noise.

The sentences themselves come from the benchmark's studio. The same scenario sounds the same in every run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from device.glasses import CHUNK, RATE
from models.audio import read_sound
from sim.benchmark.booth import silence
from sim.benchmark.noise import pink, white
from sim.benchmark.utterances import LEVEL, VOICED, Line, Take
from sim.scenario.script import Over, Room, Say, Scenario
from sim.scenario.voices import speaker

BEFORE_S, AFTER_S = 1.0, 1.5  # of the noise that belongs to a sentence
_REVERB_S, _REVERB_DECAY_S, _REVERB_DB = 0.5, 0.1, -6.0  # of a bare room
_MUFFLED_HZ = 1500.0
_LOOP_S = 20.0  # after which a room's noise comes again
CROWD = (  # what the people in a babble say; five at once, so that none can be followed
    "The train was late again and nobody could say when the next one would come.",
    "I told her that the cake needs another egg, but she would not listen to me.",
    "We went to the lake on Sunday and it rained from the morning to the evening.",
    "He has worked there for nineteen years and still has to ask for the key.",
    "They are going to build a new bridge next to the old one, if there is money.",
)
_CROWD_VOICES = ("joe-low", "joe-high", "joe", "espeak-woman", "espeak-gb")


@dataclass(frozen=True)
class Said:
    """samples float32 [n] at RATE, whole chunks; when in it the voice begins and ends, in seconds."""

    samples: np.ndarray
    begins_s: float
    ends_s: float


def lines_of(scenario: Scenario) -> Iterator[Line]:
    """All that must be spoken for it."""
    for step in scenario.steps:
        act = step.act
        if isinstance(act, Say):
            if act.text is not None:
                yield _line(act)
            if act.over is not None:
                yield _line(act.over)
        if isinstance(act, (Say, Room)) and act.noise == "babble":
            yield from _crowd()


def _line(say: Say | Over) -> Line:
    return Line(say.text or "", speaker(say.voice, getattr(say, "pace", 1.0)))


def _crowd() -> list[Line]:
    return [Line(text, speaker(voice)) for text, voice in zip(CROWD, _CROWD_VOICES, strict=True)]


class Sounds:
    """Makes sound of what a scenario says. takes: of every line of `lines_of`."""

    def __init__(self, scenario: Scenario, takes: Sequence[Take]) -> None:
        self._scenario = scenario
        self._takes = {take.line: take for take in takes}

    def said(self, say: Say, seed: int) -> Said:
        """One sentence, with all that is heard with it."""
        voice = self._voice(say)
        if say.muffled:
            voice = _muffled(voice)
        if say.echo:
            voice = _in_a_bare_room(voice)
        voice = voice * np.float32(10 ** (-say.quieter_db / 20))
        loud = np.flatnonzero(np.abs(voice) > VOICED * np.abs(voice).max(initial=0))
        begins, ends = (loud[0], loud[-1] + 1) if len(loud) else (0, len(voice))
        lead = silence(BEFORE_S if say.noise else 0)
        whole = np.concatenate([lead, voice, silence(AFTER_S if say.noise else 0)])
        if say.over is not None:
            whole = _added(whole, self._over(say.over), len(lead) + int(say.over.after_s * RATE))
        whole = np.pad(whole, (0, -len(whole) % CHUNK))
        if say.noise:
            level = LEVEL * 10 ** (-(say.quieter_db + say.below_db) / 20)
            whole += self._noise(say.noise, len(whole), level, seed)
        return Said(np.clip(whole, -1, 1), (len(lead) + begins) / RATE, (len(lead) + ends) / RATE)

    def room(self, room: Room, seed: int) -> np.ndarray | None:
        """Its noise, to be heard over and over: float32 [n]; None where there is none."""
        if room.noise is None:
            return None
        return self._noise(room.noise, int(_LOOP_S * RATE), LEVEL * 10 ** (-room.below_db / 20), seed)

    def _voice(self, say: Say) -> np.ndarray:
        if say.wav is not None:
            return read_sound(self._scenario.beside(say.wav)).resampled(RATE).samples.astype(np.float32)
        return self._takes[_line(say)].samples()

    def _over(self, over: Over) -> np.ndarray:
        return self._takes[_line(over)].samples() * np.float32(10 ** (-over.below_db / 20))

    def _noise(self, kind: str, count: int, level: float, seed: int) -> np.ndarray:
        random = np.random.default_rng(seed)
        if kind == "babble":
            made = np.zeros(count, np.float32)
            for line in _crowd():
                made += np.roll(np.resize(self._takes[line].samples(), count), int(random.integers(count)))
        else:
            made = white(count, random) if kind == "white" else pink(count, random)
        return (made * (level / np.sqrt(np.mean(np.square(made))))).astype(np.float32)


def _added(sound: np.ndarray, other: np.ndarray, at: int) -> np.ndarray:
    mixed = np.pad(sound, (0, max(0, at + len(other) - len(sound))))
    mixed[at : at + len(other)] += other
    return mixed


def _muffled(voice: np.ndarray) -> np.ndarray:
    spectrum = np.fft.rfft(voice)
    hertz = np.fft.rfftfreq(len(voice), 1 / RATE)
    spectrum /= np.sqrt(1 + (hertz / _MUFFLED_HZ) ** 4)
    return np.fft.irfft(spectrum, len(voice)).astype(np.float32)


def _in_a_bare_room(voice: np.ndarray) -> np.ndarray:
    time_s = np.arange(int(_REVERB_S * RATE)) / RATE
    tail = np.random.default_rng(5).normal(0, 1, len(time_s)) * np.exp(-time_s / _REVERB_DECAY_S)
    tail *= 10 ** (_REVERB_DB / 20) / np.sqrt(np.sum(np.square(tail)))
    tail[0] += 1
    length = len(voice) + len(tail) - 1
    heard = np.fft.irfft(np.fft.rfft(voice, length) * np.fft.rfft(tail, length), length)
    return heard.astype(np.float32)

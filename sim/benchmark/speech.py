"""How fast hearing and speaking are here, and how many words are heard wrongly.

Knows how to measure, not how to print (device/cli/bench.py). Ours and its peer work alternately, so that whatever else
the machine does meets both alike. The recordings are of people; what the voices say is heard again by our recogniser,
whose errors are then in the voice's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from device.glasses import CHUNK, RATE
from models.audio import Sound, read_sound, to_int16
from models.errors import GlintError
from models.evaluation.word_error_rate import word_error_rate
from models.smart_turn import SmartTurn
from models.speech import NoSpeech, Recognizer, Voice
from models.voice_activity import VoiceActivity
from models.wake_word import WakeWord
from sim.benchmark.machine import processor

QUESTION_S = 3.0  # what a question lasts
QUESTIONS = 8  # that are cut out of the recordings
LISTENED_S = 10.0  # of a recording, by what listens all the time
CALLS = 5  # a run, of what is over in a moment


@dataclass(frozen=True)
class Material:
    """recordings: sound at RATE and its text; sentences: what the voices say."""

    recordings: Sequence[tuple[Sound, str]]
    sentences: Sequence[str]

    def questions(self) -> list[np.ndarray]:
        """Pieces of QUESTION_S out of the recordings, evenly spread, float32 [n] at RATE."""
        whole = np.concatenate([sound.samples for sound, _ in self.recordings])
        length = int(QUESTION_S * RATE)
        if len(whole) < length:
            raise GlintError(
                f"The recordings are shorter than {QUESTION_S:.0f} s in all; give longer ones with --data."
            )
        count = min(QUESTIONS, len(whole) // length)
        return [whole[start : start + length] for start in np.linspace(0, len(whole) - length, count).astype(int)]


@dataclass(frozen=True)
class Engines:
    """By suffix: "" is ours, "_peer" what it is compared with."""

    recognizers: Mapping[str, Recognizer]
    voices: Mapping[str, Voice]
    turn: SmartTurn
    threads: int

    @classmethod
    def load(cls, threads: int, vosk_model: Path | None, peer: bool, offline: bool) -> Engines:
        """peer: espeak-ng too. Raises GlintError for what is missing."""
        import onnxruntime

        from device.hearing.recognizer import open_recognizer
        from device.speaking.voice import open_voice
        from models import fetch

        onnxruntime.set_seed(1)  # Piper reads a sentence differently each time; the seed counts when it is opened
        recognizers = {"": open_recognizer(threads=threads, offline=offline)}
        if vosk_model is not None:
            recognizers["_peer"] = open_recognizer("vosk", vosk_model)
        voices = {"": open_voice(threads=threads, offline=offline)}
        if peer:
            voices["_peer"] = open_voice("espeak")
        return cls(recognizers, voices, SmartTurn(fetch.ensure("smart-turn-v3", offline=offline), threads), threads)


def read_material(data: Path, offline: bool = False) -> Material:
    """`data` as models.evaluation.speech reads it. Raises GlintError where it is not such a file, or lacks a kind."""
    from models.evaluation.speech import read_utterances

    lines = read_utterances(data)
    recordings = [
        (read_sound(_find(line.file, data, offline)).resampled(RATE), line.text) for line in lines if line.file
    ]
    sentences = [line.text for line in lines if not line.file]
    if not recordings or not sentences:
        raise GlintError(f"{data} must have recordings (lines with a file) and sentences (lines without one).")
    return Material(recordings, sentences)


def _find(file: str, data: Path, offline: bool) -> Path:
    """NAME:PATH is a file of the catalogue's model NAME, anything else lies beside `data`."""
    from models import fetch
    from models.catalog import catalog

    model, colon, path = file.partition(":")
    return fetch.ensure(model, offline=offline) / path if colon and model in catalog().models else data.parent / file


def benchmark_speech(
    material: Material,
    engines: Engines,
    runs: int = 3,
    progress: Callable[[str], None] = lambda what: None,
    phase: Callable[[str], None] = lambda part: None,
) -> Iterator[dict[str, Any]]:
    """Figures by plain names, medians of `runs` runs, part by part; sim.benchmark.benches.speech says what they are.

    Those of a peer end in _peer; _ratio is ours by the peer's, the median over neighbours in time.
    """
    yield {
        "processor": processor(),
        "threads": engines.threads,
        "runs": runs,
        "recordings": len(material.recordings),
        "recordings_s": round(sum(sound.seconds for sound, _ in material.recordings), 1),
        "sentences": len(material.sentences),
    }
    phase("recogniser")
    yield _recognisers(material, engines.recognizers, runs, progress)
    phase("voice")
    yield _voices(material.sentences, engines, progress)
    phase("listening")
    progress("voice activity, wake word, end of turn")
    yield _listening(material, engines.turn, runs)


def _recognisers(
    material: Material, recognizers: Mapping[str, Recognizer], runs: int, progress: Callable[[str], None]
) -> dict[str, float]:
    seen: dict[str, list[float]] = {}
    heard: dict[str, list[str]] = {}
    questions = material.questions()
    for recognizer in recognizers.values():  # warming up
        recognizer.text(questions[0])
    for run in range(runs):
        for number, question in enumerate(questions):
            progress(f"question {number + 1} of {len(questions)}, run {run + 1} of {runs}")
            for suffix, recognizer in recognizers.items():
                seconds, _ = _timed(recognizer.text, question)
                seen.setdefault(f"recogniser_question_ms{suffix}", []).append(1e3 * seconds)
        for suffix, recognizer in recognizers.items():
            progress(f"{'the peer hears' if suffix else 'hearing'} the recordings, run {run + 1} of {runs}")
            seconds, texts = _timed(lambda by=recognizer: [_hear(by, sound) for sound, _ in material.recordings])
            seen.setdefault(f"recogniser_rtf{suffix}", []).append(
                seconds / sum(sound.seconds for sound, _ in material.recordings)
            )
            heard[suffix] = texts
    said = [text for _, text in material.recordings]
    return _medians(seen) | {
        f"recogniser_wer{suffix}": round(word_error_rate(said, of), 4) for suffix, of in heard.items()
    }


def _voices(sentences: Sequence[str], engines: Engines, progress: Callable[[str], None]) -> dict[str, float]:
    seen: dict[str, list[float]] = {}
    heard: dict[str, list[str]] = {}
    for voice in engines.voices.values():  # warming up
        list(voice.speak(sentences[0]))
    for number, sentence in enumerate(sentences):
        progress(f"sentence {number + 1} of {len(sentences)}")
        for suffix, voice in engines.voices.items():
            first_s, whole_s, sound = _spoken(voice, sentence)
            seen.setdefault(f"voice_first_sound_ms{suffix}", []).append(1e3 * first_s)
            seen.setdefault(f"voice_rtf{suffix}", []).append(whole_s / sound.seconds)
            heard.setdefault(suffix, []).append(_hear(engines.recognizers[""], sound))
    wer = {f"voice_wer{suffix}": round(word_error_rate(list(sentences), of), 4) for suffix, of in heard.items()}
    return _medians(seen) | wer


def _listening(material: Material, turn: SmartTurn, runs: int) -> dict[str, float]:
    sound = material.recordings[0][0].samples[: int(LISTENED_S * RATE)]
    chunks = sound[: len(sound) // CHUNK * CHUNK].reshape(-1, CHUNK)
    voice_activity, wake_word = VoiceActivity(), WakeWord()
    question = material.questions()[0]
    seen: dict[str, list[float]] = {}
    for number in range(CALLS * runs + 1):
        for name, listen in (("voice_activity", voice_activity.probability), ("wake_word", wake_word.heard)):
            seconds, _ = _timed(lambda to=listen: [to(chunk) for chunk in chunks])
            seen.setdefault(f"{name}_ms_per_s", []).append(1e3 * seconds / (chunks.size / RATE))
        seen.setdefault("end_of_turn_ms", []).append(1e3 * _timed(turn.finished, question)[0])
        if not number:
            seen.clear()  # that was for warming up
    return _medians(seen)


def _medians(seen: Mapping[str, list[float]]) -> dict[str, float]:
    """Of each figure, and of the quotients by its peer where it has one."""
    figures = {}
    for name, values in seen.items():
        figures[name] = _rounded(median(values))
        if (theirs := seen.get(f"{name}_peer")) is not None:
            # The median of the quotients of neighbours in time, which a machine growing slower does not distort.
            figures[f"{name}_ratio"] = _rounded(median(a / b for a, b in zip(values, theirs, strict=True)))
    return figures


def _rounded(value: float) -> float:
    """Three digits that count: a peer may need microseconds."""
    return float(f"{value:.3g}")


def _timed(work: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    done = work(*arguments)
    return time.perf_counter() - start, done


def _spoken(voice: Voice, sentence: str) -> tuple[float, float, Sound]:
    """Seconds to the first sound and to the last, and the sound."""
    start = time.perf_counter()
    first_s, chunks = 0.0, []
    for chunk in voice.speak(sentence):
        first_s = first_s or time.perf_counter() - start
        chunks.append(to_int16(chunk))
    whole_s = time.perf_counter() - start
    if not chunks:
        raise GlintError(f"There is nothing to say in {sentence!r}; leave it out of the file given with --data.")
    return first_s, whole_s, Sound(np.concatenate(chunks).astype(np.float32) / 32768, voice.rate)


def _hear(recognizer: Recognizer, sound: Sound) -> str:
    try:
        return recognizer.transcribe(sound).text
    except NoSpeech:
        return ""

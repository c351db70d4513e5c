"""`glint bench loop`: what it measures, and with what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.benchmark.benches.options import NO_PEER, OFFLINE, SOAK, THREADS
from sim.benchmark.registry import ACCURACY, LATENCY, LESS, MORE, NEITHER, TEXT, Benchmark, Figure, Run, Way

if TYPE_CHECKING:
    import numpy as np

_COUNT = click.IntRange(0, 1_000_000)
_PHOTO = Path(__file__).parents[2] / "demo/photo.jpg"

_TURNS = (
    Figure("turns", "", NEITHER, "Questions asked."),
    Figure(
        "first_audio_p50_s",
        "s",
        LESS,
        "Last voiced sample of the question to the first of the answer's words, median.",
        plot=LATENCY,
    ),
    Figure("first_audio_p95_s", "s", LESS, "The same, 95th percentile.", plot=LATENCY),
    Figure("answered_rate", "share", MORE, "Turns that got an answer.", plot=ACCURACY),
    Figure("cut_off_rate", "share", LESS, "Turns that got an answer before the question had ended.", plot=ACCURACY),
    Figure(
        "ended_late_rate",
        "share",
        LESS,
        "Turns whose end was taken more than 1 s after the last voiced sample.",
        plot=ACCURACY,
    ),
    Figure(
        "interrupted_rate",
        "share",
        LESS,
        "Turns in which the answer stopped although nobody spoke.",
        plot=ACCURACY,
    ),
    Figure("question_wer", "share", LESS, "Word error rate of the questions as they were heard.", plot=ACCURACY),
    Figure("endpoint_ms", "ms", LESS, "Last word to the moment the end is taken, median.", plot=LATENCY),
    Figure("transcribe_ms", "ms", LESS, "Transcribing the question, median; it overlaps the pause.", plot=LATENCY),
    Figure("first_token_ms", "ms", LESS, "From the transcript to the answer's first token, median.", plot=LATENCY),
    Figure("first_speech_ms", "ms", LESS, "From the transcript to the first sound that is made, median.", plot=LATENCY),
    Figure("answer_lead_in_ms", "ms", LESS, "Silence that the answer's sound begins with, median; not counted above."),
)
_MEMORY = (
    Figure("peak_rss_mb", "MB", LESS, "The most memory of `glint run` in a process of its own, asked aloud."),
    Figure("memory_turns", "", NEITHER, "Questions it answered meanwhile."),
)
_ASLEEP = (Figure("asleep_cpu_percent_of_core", "%", LESS, "Processor time while nobody speaks, of one core."),)
_WAKE = (
    Figure("wake_calls", "", NEITHER, "Calls by Piper, as many in quiet as in noise."),
    Figure("wake_recall", "share", MORE, "Calls by Piper, at several paces and pitches, that woke it.", plot=ACCURACY),
    Figure("wake_recall_word", "share", MORE, 'Of these, those by "hey Jarvis".', plot=ACCURACY),
    Figure("wake_recall_name", "share", MORE, 'Of these, those by "hey Glint".', plot=ACCURACY),
    Figure("wake_recall_espeak", "share", MORE, "Calls by espeak-ng, who hardly sounds like a person.", plot=ACCURACY),
    Figure("wake_recall_word_espeak", "share", MORE, 'Of these, those by "hey Jarvis".', plot=ACCURACY),
    Figure("wake_recall_name_espeak", "share", MORE, 'Of these, those by "hey Glint".', plot=ACCURACY),
    Figure("wake_false_per_hour", "1/h", LESS, "Times it woke uncalled in an hour of talk."),
    Figure("wake_false_hours", "h", NEITHER, "Hours of talk."),
    Figure("wake_false_at", TEXT, NEITHER, "What was being said when it woke uncalled."),
)
_BARGE_IN = (
    Figure("barge_in_turns", "", NEITHER, "Answers spoken over."),
    Figure("barge_in_undisturbed", "", NEITHER, "Answers not spoken over."),
    Figure("barge_in_recall", "share", MORE, "Answers spoken over that stopped within 2 s.", plot=ACCURACY),
    Figure("barge_in_false_rate", "share", LESS, "Answers not spoken over that stopped.", plot=ACCURACY),
    Figure(
        "barge_in_silence_p50_s", "s", LESS, "First voiced sample of the interruption to silence, median.", plot=LATENCY
    ),
    Figure("barge_in_silence_p95_s", "s", LESS, "The same, 95th percentile.", plot=LATENCY),
    Figure(
        "barge_in_detected_to_silence_p50_ms",
        "ms",
        LESS,
        "Last sample of the chunk that gave it away to silence, median.",
        plot=LATENCY,
    ),
)
_SOAK = (
    Figure("soak_turns", "", NEITHER, "Turns of the soak."),
    Figure("soak_hours", "h", NEITHER, "Hours of sound heard in it."),
    Figure("soak_rss_growth_mb", "MB", LESS, "Growth of memory from 5 % of the turns to the end."),
    Figure("soak_threads_growth", "", LESS, "Growth of the number of threads, likewise."),
    Figure("soak_files_growth", "", LESS, "Growth of the number of open files, likewise."),
    Figure("soak_queue_growth", "", LESS, "Growth of what waits: jobs, and seconds of sound."),
)


def _of(part: str, figures: tuple[Figure, ...]) -> tuple[Figure, ...]:
    return tuple(replace(figure, part=part) for figure in figures)


def measure(
    run: Run,
    image: Path | None,
    parts: str | None,
    soak: bool,
    no_peer: bool,
    no_echo: bool,
    voice: str,
    threads: int,
    offline: bool,
    **amounts: Any,
) -> Iterator[dict[str, Any]]:
    """As registry.Measure. Raises GlintError for a part that there is not, a bad photo, a missing model."""
    from device.cli.run import load
    from sim.benchmark.loop import Bench, Plan, chosen

    wanted = chosen(parts, soak)
    pixels = _picture(image or _PHOTO)
    run.tell("loading the models")
    run.phase("loading")
    mind, ears = load(voice=voice, threads=threads, offline=offline, no_echo=no_echo)
    try:
        plan = Plan(**amounts, peer=not no_peer, offline=offline)
        options = ("--voice", voice, "--threads", str(threads), *(["--no-echo"] if no_echo else []))
        yield from Bench(mind, ears, pixels, plan, run.tell, run.phase, options).measure(wanted)
    finally:
        run.tell("ending")
        mind.close()


CAMERA_SIDE = 640  # pixels of the longer side


def _picture(path: Path) -> np.ndarray:
    """uint8 RGB [height, width, 3], of a camera's size. Raises GlintError."""
    import cv2

    from device.seeing.photo import read_photo

    pixels = read_photo(path)
    scale = CAMERA_SIDE / max(pixels.shape[:2])
    return cv2.resize(pixels, None, fx=scale, fy=scale)


def _amount(name: str, default: int, text: str) -> click.Option:
    return click.Option([name], type=_COUNT, default=default, show_default=True, help=text)


BENCH = Benchmark(
    name="loop",
    purpose="Play synthesised speech to the live loop through a virtual microphone, and see what it does.",
    figures=(
        *_of("turns", _TURNS),
        *_of("memory", _MEMORY),
        *_of("asleep", _ASLEEP),
        *_of("wake", _WAKE),
        *_of("barge_in", _BARGE_IN),
        *_of("soak", _SOAK),
    ),
    measure=measure,
    ways=(
        Way("_peer", "plain pipeline", "Of a plain pipeline of the same models, asked the same.", judged=False),
        Way("_fixed_pause", "fixed pause", "Without the end-of-turn model: 0.8 s of silence end a question."),
        Way(
            "_noise", "in noise", "In white and pink noise and the babble of five voices, --noise-db below the speech."
        ),
        Way("_echo", "echo", "With Glint's own voice in the microphone, 12 dB below the speaker, 40 ms later."),
    ),
    options=(
        click.Option(
            ["--image"],
            type=click.Path(path_type=Path),
            help="The photo that is asked about. Default: the demo's.",
        ),
        click.Option(["--parts"], help="Only these, separated by commas. Default: all but soak."),
        SOAK,
        _amount("--turns", 40, "Questions of the part turns."),
        _amount("--turns-apart", 20, "Of memory, fixed_pause, noise and echo each."),
        _amount("--wakes", 120, "Calls by Piper, quiet and noisy each."),
        click.Option(
            ["--talk-minutes"], type=click.FloatRange(0), default=60.0, show_default=True, help="Talk that is no call."
        ),
        _amount("--interruptions", 40, "Answers spoken over."),
        _amount("--undisturbed", 60, "Answers not spoken over."),
        _amount("--soak-turns", 3000, "Turns of the soak."),
        click.Option(["--noise-db"], type=float, default=10.0, show_default=True, help="Speech to noise, in decibels."),
        NO_PEER,
        click.Option(["--no-echo"], is_flag=True, help="Without the echo canceller, to see what it is worth."),
        click.Option(["--voice"], type=click.Choice(["piper", "espeak"]), default="piper", show_default=True),
        THREADS,
        OFFLINE,
    ),
    details="""
\b
  glint bench loop                                  everything but the soak, about an hour
  glint bench loop --parts turns,memory,asleep      the figures most looked at, twelve minutes
  glint bench loop --parts wake --talk-minutes 5
  glint bench loop --parts soak --soak-turns 500    or --soak, after all the others

Run it on a machine that does nothing else.

\b
Parts:
  turns        questions in real time, in quiet, by several voices
  memory       `glint run` in a process of its own, asked aloud
  fixed_pause  the questions without the end-of-turn model: 0.8 s of silence end a question
  noise        the same in white and pink noise and in the babble of five voices
  echo         the same with Glint's own voice in the microphone
  asleep       a minute in which nobody speaks
  wake         calls, by "hey Jarvis" and "hey Glint", and an hour of talk that is none, faster than real time
  barge_in     answers spoken over by another voice, with their own echo in the microphone
  soak         thousands of turns, interruptions and idle wakes, faster than real time

The peer is a plain pipeline of the same models, asked the same questions turn by turn: 0.8 s of silence, then
transcribing, looking, answering and speaking, one after the other.
""",
    quick={"parts": "turns,memory,asleep", "turns": 4, "turns_apart": 3},
)

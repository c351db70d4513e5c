"""`glint bench speech`: what it measures, and with what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from sim.benchmark.benches.options import NO_PEER, OFFLINE, THREADS
from sim.benchmark.registry import ACCURACY, LATENCY, LESS, NEITHER, PEER_RATIO, TEXT, Benchmark, Figure, Run, Way

DATA = Path(__file__).parents[3] / "tests/data/speech.jsonl"

FIGURES = (
    Figure("processor", TEXT, NEITHER, "The processor, and which of the instructions that count here it has."),
    Figure("threads", "", NEITHER, "Threads of each model."),
    Figure("runs", "", NEITHER, "How many runs the medians are of; one more, the first, is for warming up."),
    Figure("recordings", "", NEITHER, "Recordings of people, with their text."),
    Figure("recordings_s", "s", NEITHER, "How long they are together."),
    Figure("sentences", "", NEITHER, "Sentences that the voices speak."),
    Figure("recogniser_rtf", "", LESS, "Seconds of work for a second of a recording, voice activity included."),
    Figure("recogniser_question_ms", "ms", LESS, "Transcribing 3 s of a recording, median.", plot=LATENCY),
    Figure("recogniser_wer", "share", LESS, "Word error rate of the recordings.", plot=ACCURACY),
    Figure("voice_first_sound_ms", "ms", LESS, "From a sentence to its first sound, median.", plot=LATENCY),
    Figure("voice_rtf", "", LESS, "Seconds of work for a second of speech, median of the sentences."),
    Figure(
        "voice_wer",
        "share",
        LESS,
        "Word error rate of the sentences, spoken by the voice and heard again.",
        plot=ACCURACY,
    ),
    Figure("voice_activity_ms_per_s", "ms", LESS, "Voice activity, for a second of sound.", plot=LATENCY),
    Figure("wake_word_ms_per_s", "ms", LESS, "The wake word's network, for a second of sound.", plot=LATENCY),
    Figure("end_of_turn_ms", "ms", LESS, "The end-of-turn model, for one call about 3 s of speech.", plot=LATENCY),
)


def measure(
    run: Run, data: Path, threads: int, runs: int, vosk_model: Path | None, no_peer: bool, offline: bool
) -> Iterator[dict[str, Any]]:
    """As registry.Measure. Raises GlintError for data that cannot be read, a missing model, a bad Vosk model."""
    from sim.benchmark.speech import Engines, benchmark_speech, read_material

    run.tell("loading the models")
    run.phase("loading")
    material = read_material(data, offline)
    engines = Engines.load(threads, None if no_peer else vosk_model, not no_peer, offline)
    yield from benchmark_speech(material, engines, runs, run.tell, run.phase)


BENCH = Benchmark(
    name="speech",
    purpose="Time hearing and speaking, and count the words that are heard wrongly.",
    figures=FIGURES,
    measure=measure,
    ways=(
        Way("_peer", "peer", "Of Vosk (the recogniser) or espeak-ng (the voice), alternately with ours.", judged=False),
        PEER_RATIO,
    ),
    options=(
        click.Option(
            ["--data"],
            type=click.Path(path_type=Path),
            default=DATA,
            help="JSON lines as for `glint evaluate speech`. Default: tests/data/speech.jsonl of the repository.",
        ),
        THREADS,
        click.Option(["--runs"], type=click.IntRange(1, 100), default=3, show_default=True, help="Runs, for medians."),
        click.Option(
            ["--vosk-model"],
            type=click.Path(path_type=Path),
            help="Folder of an English Vosk model, to measure Vosk beside our recogniser.",
        ),
        NO_PEER,
        OFFLINE,
    ),
    details="""
Moonshine hears recordings of people, Piper speaks sentences; voice activity, wake word and end of turn hear the same
recordings. The voice's peer is espeak-ng. The recogniser's is Vosk, which needs an English model of yours
(--vosk-model): the one in the catalogue is Korean.
""",
    quick={"runs": 1},
)

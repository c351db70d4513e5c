"""`glint bench`: how fast things are on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

_COUNT = click.IntRange(0, 1_000_000)
PEER_MODEL = "smollm2-135m-instruct-q4_1"  # the base of the default model, in the catalogue


@click.group()
def bench() -> None:
    """Measure speed and memory on this machine."""


@bench.command("model")
@click.option("--model", type=click.Path(path_type=Path), help="Folder of another bundle than the default.")
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Threads, of the peer too.")
@click.option("--runs", type=click.IntRange(1, 100), default=5, show_default=True, help="Runs; figures are medians.")
@click.option("--no-peer", is_flag=True, help="Leave llama.cpp out even where it is installed.")
@click.option("--offline", is_flag=True, help="Fetch nothing; without the peer's model the peer is left out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
def bench_model(model: Path | None, threads: int, runs: int, no_peer: bool, offline: bool, as_json: bool) -> None:
    """Time the vision-language model, beside llama.cpp where that is installed.

    \b
    decode_tokens_per_s    128 greedy tokens over the whole vocabulary, after a prompt of 128
    prefill_tokens_per_s   a prompt of 512 tokens
    image_encode_ms        a photo of 640 x 480
    first_token_ms         from the question to the answer's first token, photo already read
    peak_rss_mb            memory after loading and one question
    bundle_mb              size on disk

    llama.cpp runs the same base model (without our updates) with as many threads, alternately with ours; its figures
    end in _peer and the quotients in _ratio. Install it with `pip install "glint[peers]"`.
    """
    from rich.console import Console

    from device.assistant import DEFAULT_MODEL
    from models import fetch
    from models.bundle import Bundle
    from sim.benchmark.model import benchmark_model, has_peer

    bundle = Bundle.open(model or fetch.ensure(DEFAULT_MODEL, offline=offline))
    gguf = None if no_peer or not has_peer() else _peer_weights(offline)
    console = Console(stderr=True)
    with console.status("starting") as status:
        report = benchmark_model(bundle, threads, runs, gguf, status.update)
    click.echo(json.dumps(report)) if as_json else _print(report)


@bench.command("loop")
@click.option("--image", type=click.Path(path_type=Path), help="The photo that is asked about. Default: the demo's.")
@click.option("--parts", help="Only these, separated by commas. Default: all but soak.")
@click.option("--soak", is_flag=True, help="The soak too, last.")
@click.option("--turns", type=_COUNT, default=40, show_default=True, help="Questions of the part turns.")
@click.option("--turns-apart", type=_COUNT, default=20, show_default=True, help="Of fixed_pause, noise and echo each.")
@click.option("--wakes", type=_COUNT, default=120, show_default=True, help="Calls by Piper, quiet and noisy each.")
@click.option("--talk-minutes", type=click.FloatRange(0), default=60.0, show_default=True, help="Talk that is no call.")
@click.option("--interruptions", type=_COUNT, default=40, show_default=True, help="Answers spoken over.")
@click.option("--undisturbed", type=_COUNT, default=60, show_default=True, help="Answers not spoken over.")
@click.option("--soak-turns", type=_COUNT, default=3000, show_default=True, help="Turns of the soak.")
@click.option("--noise-db", type=float, default=10.0, show_default=True, help="Speech to noise, in decibels.")
@click.option("--no-peer", is_flag=True, help="Leave the plain pipeline out.")
@click.option("--no-echo", is_flag=True, help="Without the echo canceller, to see what it is worth.")
@click.option("--voice", type=click.Choice(["piper", "espeak"]), default="piper", show_default=True)
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Threads for each model.")
@click.option("--offline", is_flag=True, help="Fetch nothing; fail when a model is not there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
def bench_loop(
    image: Path | None,
    parts: str | None,
    soak: bool,
    no_peer: bool,
    no_echo: bool,
    voice: str,
    threads: int,
    offline: bool,
    as_json: bool,
    **amounts: Any,
) -> None:
    """Play synthesised speech to the live loop through a virtual microphone, and see what it does.

    \b
      glint bench loop                                  everything but the soak, about an hour
      glint bench loop --parts turns,asleep             the figures most looked at, ten minutes
      glint bench loop --parts wake --talk-minutes 5
      glint bench loop --parts soak --soak-turns 500    or --soak, after all the others

    Ctrl-C ends it; what has been measured so far is printed. Run it on a machine that does nothing else.

    \b
    turns        questions in real time, in quiet, by several voices
      first_audio_p50_s, _p95_s      last voiced sample of the question to the first of the answer's words
      answered_rate, cut_off_rate    turns that got an answer; that got one before the question had ended
      ended_late_rate                turns whose end was taken more than 1 s after the last voiced sample
      interrupted_rate               turns in which the answer stopped although nobody spoke
      question_wer                   word error rate of the questions as they were heard
      endpoint_ms ... first_speech_ms   what the stages took, medians; they overlap
      answer_lead_in_ms              silence that the answer's sound begins with, not counted above
      peak_rss_mb                    memory of the assistant alone
    fixed_pause  the same without the end-of-turn model: 0.8 s of silence end a question
    noise        the same in white and pink noise and in the babble of five voices, --noise-db below the speech
    echo         the same with Glint's own voice in the microphone, 12 dB below the speaker, 40 ms later
    asleep       asleep_cpu_percent_of_core: processor time while nobody speaks
    wake         calls, by "hey Jarvis" and "hey Glint", and an hour of talk that is none, faster than real time
      wake_recall, wake_recall_noise           calls by Piper, at several paces and pitches, that woke it
      wake_recall_word, wake_recall_name       of these the ones by wake word, and those by name
      wake_recall_espeak                       calls by espeak-ng, who hardly sounds like a person
      wake_false_per_hour, wake_false_at       times it woke uncalled, and at which sentences
    barge_in     answers spoken over by another voice, with their own echo in the microphone
      barge_in_recall                          that stopped within 2 s; barge_in_false_rate: that stopped uncalled
      barge_in_silence_p50_s, _p95_s           first voiced sample of the interruption to silence
      barge_in_detected_to_silence_p50_ms      last sample of the chunk that gave it away to silence
    soak         thousands of turns, interruptions and idle wakes, faster than real time
      soak_rss_growth_mb, soak_threads_growth, soak_files_growth, soak_queue_growth   from 5 % of the turns to the end

    The peer (figures ending in _peer) is a plain pipeline of the same models, asked the same questions turn by turn:
    0.8 s of silence, then transcribing, looking, answering and speaking, one after the other.
    """
    from rich.console import Console

    from device.cli.run import load
    from device.seeing.photo import read_photo
    from sim.benchmark.loop import Bench, Plan, chosen

    wanted = chosen(parts, soak)
    pixels = read_photo(image or Path(__file__).parents[2] / "sim/demo/photo.jpg")
    console = Console(stderr=True)
    report: dict[str, Any] = {}
    ended = False
    with console.status("loading the models") as status:
        mind, ears = load(voice=voice, threads=threads, offline=offline, no_echo=no_echo)
        plan = Plan(**amounts, peer=not no_peer, offline=offline)
        try:
            for figures in Bench(mind, ears, pixels, plan, status.update).measure(wanted):
                report |= figures
        except KeyboardInterrupt:
            ended = True
        finally:
            status.update("ending")
            mind.close()
    click.echo(json.dumps(report)) if as_json else _print_loop(report)
    if ended:
        raise click.Abort


def _peer_weights(offline: bool) -> Path | None:
    from models import fetch
    from models.errors import GlintError

    try:
        return next(fetch.ensure(PEER_MODEL, offline=offline).glob("*.gguf"))
    except GlintError as error:
        click.echo(f"glint: llama.cpp is left out: {error}", err=True)
        return None


def _print(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{report['model']}, {report['threads']} threads, medians of {report['runs']} runs")
    table.caption = report["processor"]
    for column in ("", "ours", "llama.cpp", "ratio"):
        table.add_column(column, justify="left" if not column else "right")
    for name, value in report.items():
        if isinstance(value, float) and not name.endswith(("_peer", "_ratio")):
            table.add_row(name, str(value), *(str(report.get(f"{name}{end}", "")) for end in ("_peer", "_ratio")))
    Console().print(table)


def _print_loop(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    ways = {
        "": "Glint",
        "_peer": "plain pipeline",
        "_fixed_pause": "fixed pause",
        "_noise": "in noise",
        "_echo": "echo",
    }
    rows: dict[str, dict[str, str]] = {}
    for name, value in report.items():
        way = next((way for way in ways if way and name.endswith(way)), "")
        if not isinstance(value, list):
            rows.setdefault(name.removesuffix(way), {})[way] = str(value)
    shown = [way for way in ways if not way or any(way in row for row in rows.values())]
    table = Table()
    table.add_column(no_wrap=True)
    for way in shown:
        table.add_column(ways[way].replace(" ", "\n"), justify="right")
    for name, row in rows.items():
        table.add_row(name, *(row.get(way, "") for way in shown))
    Console().print(table)
    for text in report.get("wake_false_at", []):
        click.echo(f"woke uncalled at: {text}")

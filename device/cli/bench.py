"""`glint bench`: how fast things are on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

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
@click.option("--turns", type=click.IntRange(1, 10_000), default=40, show_default=True, help="Questions to ask.")
@click.option("--noise-db", type=float, help="White noise this many decibels below the speech. Default: quiet.")
@click.option("--no-smart-turn", is_flag=True, help="Without the end-of-turn model: 0.8 s of silence end a question.")
@click.option("--no-peer", is_flag=True, help="Leave the plain pipeline out.")
@click.option("--voice", type=click.Choice(["piper", "espeak"]), default="piper", show_default=True)
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Threads for each model.")
@click.option("--offline", is_flag=True, help="Fetch nothing; fail when a model is not there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
def bench_loop(
    image: Path | None,
    turns: int,
    noise_db: float | None,
    no_peer: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Play spoken questions to the live loop in real time, and time how soon the answer is heard.

    \b
    first_audio_p50_s, first_audio_p95_s   last voiced sample of the question to the first of the answer's words
    answered_rate, cut_off_rate            turns that got an answer; that got one before the question had ended
    endpoint_ms ... first_clause_spoken_ms what the stages took, medians; they overlap
    asleep_cpu_percent_of_core             processor time while nobody speaks
    peak_rss_mb                            memory, synthesis of the questions included

    The peer (figures ending in _peer) is a plain pipeline of the same models: 0.8 s of silence, then looking,
    transcribing, answering and speaking, one after the other. A turn takes about four seconds, the peer's too.
    """
    from rich.console import Console

    from device.cli.run import load
    from sim.benchmark.loop import benchmark_loop

    mind, ears = load(no_echo=True, **options)
    photo = image or Path(__file__).parents[2] / "sim/demo/photo.jpg"
    console = Console(stderr=True)
    try:
        with console.status("starting") as status:
            report = benchmark_loop(mind, ears, photo, turns, noise_db, not no_peer, status.update)
    finally:
        mind.close()
    if as_json:
        click.echo(json.dumps(report))
        return
    for name, value in report.items():
        click.echo(f"{name:32} {value}")


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

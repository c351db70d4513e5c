"""Where the time of one decoded token goes: which kernels run, how often, and how long each takes.

`python -m sim.benchmark.kernels [--context N]`. What the kernels could reach is in sim.benchmark.bounds.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np

from models.bundle import DECODER_GRAPH_FILE, DECODER_WEIGHTS_FILE, Bundle
from models.decoder import Decoder

TOKENS = 64  # decoded, each of them timed
_TIMED = "_kernel_time"  # what onnxruntime puts behind the name of a node that it has timed


@dataclass(frozen=True)
class Kernel:
    """One kind of node. nodes: run for a token. ms: of all of them together, each the median over TOKENS tokens."""

    name: str
    nodes: int
    ms: float


@dataclass(frozen=True)
class TokenTime:
    """kernels: by time, the longest first. ms and traced_ms: of a whole token, the median over TOKENS tokens.

    Tracing takes time too, so that shares are of traced_ms, and ms is how long a token really takes.
    """

    kernels: tuple[Kernel, ...]
    traced_ms: float
    ms: float

    @property
    def between_ms(self) -> float:
        """What no kernel takes: from node to node, tracing, choosing the token, looking up its embedding."""
        return self.traced_ms - sum(kernel.ms for kernel in self.kernels)


def token_time(bundle: Bundle, context: int, threads: int = 2) -> TokenTime:
    """Of a token after about `context` others. ValueError when the model reads no more than TOKENS / 2 beyond that."""
    if context + TOKENS // 2 > bundle.decoder.max_tokens or context < TOKENS:
        raise ValueError(f"The context must be from {TOKENS} to {bundle.decoder.max_tokens - TOKENS // 2}.")
    with tempfile.TemporaryDirectory() as folder:
        traced = _open(bundle, threads, Path(folder, "trace"))
        traced_ms = _decode(traced, context)
        events = json.loads(traced.end_trace().read_text())
    return TokenTime(_kernels(events), traced_ms, _decode(_open(bundle, threads, None), context))


def _open(bundle: Bundle, threads: int, trace: Path | None) -> Decoder:
    graph, weights = bundle.path(DECODER_GRAPH_FILE), bundle.path(DECODER_WEIGHTS_FILE)
    return Decoder.open(graph, weights, bundle.decoder, threads, trace)


def _decode(decoder: Decoder, context: int) -> float:
    """Milliseconds of a token, the median over TOKENS."""
    prompt = context - TOKENS // 2
    ids = np.random.default_rng(0).integers(0, decoder.layout.vocabulary, prompt).tolist()
    cache = decoder.new_cache()
    logits = decoder.prefill(cache, decoder.embed(ids))
    moments = []
    for _ in decoder.generate(cache, logits, TOKENS + 1):  # the first one has been read with the prompt
        moments.append(time.perf_counter())
    return 1e3 * median(np.diff(moments))


def _kernels(events: Iterable[dict[str, Any]]) -> tuple[Kernel, ...]:
    """By kind; products with a weight matrix by which matrix it is, which the last part of a node's name tells."""
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith(_TIMED):
            node, kind = event["name"].removesuffix(_TIMED), event["args"]["op_name"]
            times[f"{kind} {node.rpartition('.')[2]}" if kind == "MatMulNBits" else kind, node].append(event["dur"])
    found: dict[str, list[float]] = defaultdict(list)
    for (name, _), microseconds in times.items():
        found[name].append(median(microseconds[-TOKENS:]) / 1e3)
    kernels = (Kernel(name, len(each), sum(each)) for name, each in found.items())
    return tuple(sorted(kernels, key=lambda kernel: -kernel.ms))


@click.command()
@click.option("--context", type=int, default=(128, 2000), multiple=True, show_default=True, help="Tokens before it.")
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--model", type=click.Path(path_type=Path), help="Folder of another bundle than the default.")
def main(context: tuple[int, ...], threads: int, model: Path | None) -> None:
    """Print where the time of a decoded token goes, for a machine that does nothing else."""
    from device.assistant import DEFAULT_MODEL
    from models.fetch import ensure

    bundle = Bundle.open(model or ensure(DEFAULT_MODEL))
    for length in context:
        try:
            spent = token_time(bundle, length, threads)
        except ValueError as error:
            raise click.ClickException(str(error)) from error
        click.echo(f"after {length} tokens: {spent.ms:.2f} ms a token, {1e3 / spent.ms:.0f} tokens/s; traced:")
        for kernel in spent.kernels:
            click.echo(
                f"  {kernel.name:35}{kernel.nodes:4} nodes {kernel.ms:7.2f} ms {kernel.ms / spent.traced_ms:5.0%}"
            )
        click.echo(f"  {'between them':46}{spent.between_ms:7.2f} ms {spent.between_ms / spent.traced_ms:5.0%}")


if __name__ == "__main__":
    main()

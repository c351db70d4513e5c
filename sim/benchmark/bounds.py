"""How fast the decoder could be: what one token reads and computes, beside what memory and products reach here.

`python -m sim.benchmark.bounds`. docs/devices.md applies the same arithmetic to devices that were not at hand, and
`glint bench model` says how fast the decoder is.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

THREADS, PROMPT = 2, 512
STREAM_BYTES = 256 << 20  # for each thread: no cache holds it
RUNS = 7


@dataclass(frozen=True)
class Product:
    """A product with a weight matrix [outputs, inputs] in 4 or 8 bits, one scale for each block of a row."""

    inputs: int
    outputs: int
    bits: int
    block: int

    @property
    def weight_bytes(self) -> int:
        """With a float32 scale and a packed zero point for each block."""
        blocks = self.outputs * self.inputs // self.block
        return self.outputs * self.inputs * self.bits // 8 + 4 * blocks + blocks * self.bits // 8

    @property
    def operations(self) -> int:
        """For one token: a multiplication and an addition for each weight."""
        return 2 * self.inputs * self.outputs


def products(graph: Path) -> Counter[Product]:
    """The products of a decoder graph, and how many there are of each."""
    found: Counter[Product] = Counter()
    for node in onnx.load(graph, load_external_data=False).graph.node:
        if node.op_type == "MatMulNBits":
            known = {attribute.name: attribute.i for attribute in node.attribute}
            found[Product(known["K"], known["N"], known["bits"], known["block_size"])] += 1
    return found


def read_rate() -> float:
    """Bytes a second at which all threads together read memory: the best of several."""
    arrays = [np.ones(STREAM_BYTES // 8, np.int64) for _ in range(THREADS)]

    def read() -> None:
        readers = [threading.Thread(target=array.max) for array in arrays]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()

    return THREADS * STREAM_BYTES / _best(read)


def seconds(product: Product, tokens: int) -> float:
    """What onnxruntime takes for one such product of random numbers: the best of several."""
    random = np.random.default_rng(0)
    blocks = product.inputs // product.block
    shape = (product.outputs, blocks, product.block * product.bits // 8)
    weights = random.integers(0, 256, shape, np.uint8)
    scales = random.random(product.outputs * blocks).astype(np.float32)
    zeros = np.full((product.outputs, math.ceil(blocks * product.bits / 8)), 0x88, np.uint8)
    node = helper.make_node(
        "MatMulNBits", ["x", "w", "s", "z"], ["y"], domain="com.microsoft", K=product.inputs, N=product.outputs,
        bits=product.bits, block_size=product.block, accuracy_level=4,
    )  # fmt: skip
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node],
        "product",
        [value("x", TensorProto.FLOAT, [None, product.inputs])],
        [value("y", TensorProto.FLOAT, [None, product.outputs])],
        [numpy_helper.from_array(array, name) for name, array in (("w", weights), ("s", scales), ("z", zeros))],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets)
    model.ir_version = 8
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    x = random.standard_normal((tokens, product.inputs)).astype(np.float32)
    return _best(lambda: session.run(None, {"x": x}))


def _best(work: Callable[[], object]) -> float:
    shortest = math.inf
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        shortest = min(shortest, time.perf_counter() - start)
    return shortest


@click.command()
def main() -> None:
    """Print the decoder's arithmetic and what this machine's memory and products make of it."""
    from device.assistant import DEFAULT_MODEL
    from models.bundle import DECODER_GRAPH_FILE, Bundle
    from models.fetch import ensure

    found = products(Bundle.open(ensure(DEFAULT_MODEL)).path(DECODER_GRAPH_FILE))
    head = max(found, key=lambda product: product.outputs)
    layers = {product: count for product, count in found.items() if product != head}
    read = sum(count * product.weight_bytes for product, count in found.items())
    layer_operations = sum(count * product.operations for product, count in layers.items())
    rate = read_rate()
    prompt_s = sum(count * seconds(product, PROMPT) for product, count in layers.items())
    token_s = sum(count * seconds(product, 1) for product, count in found.items())
    click.echo(f"one token reads {read / 1e6:.1f} MB of weights")
    click.echo(
        f"one token of a prompt: {layer_operations / 1e6:.0f} million operations; the head {head.operations / 1e6:.0f}"
    )
    click.echo(
        f"memory, {THREADS} threads reading: {rate / 1e9:.1f} GB/s, so at most {rate / read:.0f} tokens/s decoded"
    )
    click.echo(f"the products of one token, one by one, in cache where they fit: {1 / token_s:.0f} tokens/s")
    speed = PROMPT * layer_operations / prompt_s
    click.echo(f"the products of {PROMPT} tokens, one by one: {speed / 1e9:.0f} thousand million operations a second,")
    click.echo(f"so at most {PROMPT / prompt_s:.0f} tokens/s of a prompt read")


if __name__ == "__main__":
    main()

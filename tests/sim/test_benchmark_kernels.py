"""Where a token's time goes."""

import pytest

from sim.benchmark.kernels import token_time


@pytest.fixture(scope="module")
def early(default_bundle):
    return token_time(default_bundle, 96)


def test_every_node_of_a_token_is_counted_once(early, default_bundle):
    layers = default_bundle.decoder.layers
    nodes = {kernel.name: kernel.nodes for kernel in early.kernels}
    assert nodes["GroupQueryAttention"] == layers
    assert {name: count for name, count in nodes.items() if name.startswith("MatMulNBits")} == {
        **{f"MatMulNBits {matrix}": layers for matrix in ("qkv", "o", "gate_up", "down")},
        "MatMulNBits logits": 1,
    }
    times = [kernel.ms for kernel in early.kernels]
    assert times == sorted(times, reverse=True)
    assert sum(times) + early.between_ms == pytest.approx(early.traced_ms)
    assert early.between_ms > 0


def test_attention_is_what_a_long_context_costs(early, default_bundle):
    def of(spent, kind):
        return sum(kernel.ms for kernel in spent.kernels if kernel.name.startswith(kind))

    late = token_time(default_bundle, 2000)
    assert of(late, "GroupQueryAttention") > 3 * of(early, "GroupQueryAttention")
    assert late.ms > early.ms


@pytest.mark.parametrize("context", [10, 2040])
def test_a_context_that_cannot_be_is_refused(default_bundle, context):
    with pytest.raises(ValueError, match="from 64 to 2016"):
        token_time(default_bundle, context)

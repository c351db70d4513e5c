import numpy as np
import pytest
from tiny_llama import SHAPE, write_gguf

from models.adapted_weights import AdaptedWeights
from models.bundle import DECODER_GRAPH_FILE, DECODER_WEIGHTS_FILE
from models.decoder import Decoder
from models.decoder_graph import write_decoder
from models.errors import GlintError
from models.gguf_weights import GgufWeights

MAX_TOKENS = 600


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("decoder")
    weights = AdaptedWeights(GgufWeights(write_gguf(folder / "base.gguf")))
    layout = write_decoder(weights, folder, MAX_TOKENS)
    return Decoder.open(folder / DECODER_GRAPH_FILE, folder / DECODER_WEIGHTS_FILE, layout, threads=2)


def tokens(count: int, seed: int = 0) -> list[int]:
    return np.random.default_rng(seed).integers(0, SHAPE.vocabulary, count).tolist()


def assert_same(logits: np.ndarray, expected: np.ndarray) -> None:
    """Activations are rounded to 8 bits, and another order of sums tips some over: 1 %. A wrong position costs 30 %."""
    assert np.linalg.norm(logits - expected) < 0.03 * np.linalg.norm(expected)


def logits_after(decoder: Decoder, *pieces: list[int]) -> np.ndarray:
    cache = decoder.new_cache()
    return [decoder.prefill(cache, decoder.embed(piece)) for piece in pieces][-1]


@pytest.mark.parametrize("length", [2, 40, 300])
def test_reading_in_pieces_changes_nothing(decoder, length):
    ids = tokens(length)
    whole = logits_after(decoder, ids)
    assert_same(logits_after(decoder, ids[: length // 2], ids[length // 2 :]), whole)
    assert_same(logits_after(decoder, *([i] for i in ids)), whole)


def test_score_gives_the_logits_after_every_position(decoder):
    ids = tokens(150)
    every = decoder.score(decoder.new_cache(), decoder.embed(ids))
    assert every.shape == (150, SHAPE.vocabulary)
    for position in (0, 127, 128, 149):
        assert_same(every[position], logits_after(decoder, ids[: position + 1]))


def test_what_was_rewound_is_forgotten(decoder):
    cache = decoder.new_cache()
    decoder.prefill(cache, decoder.embed(tokens(20)))
    decoder.prefill(cache, decoder.embed(tokens(30, seed=1)))
    cache.rewind(20)
    assert cache.length == 20
    again = decoder.prefill(cache, decoder.embed(tokens(5, seed=2)))
    assert_same(again, logits_after(decoder, tokens(20), tokens(5, seed=2)))


@pytest.mark.parametrize("length", [-1, 4])
def test_rewinding_to_where_it_never_was_is_refused(decoder, length):
    cache = decoder.new_cache()
    decoder.prefill(cache, decoder.embed([1, 2, 3]))
    with pytest.raises(ValueError, match="3 tokens"):
        cache.rewind(length)


def test_branches_go_on_alone(decoder):
    trunk = decoder.new_cache()
    decoder.prefill(trunk, decoder.embed(tokens(33)))
    left, right = trunk.branch(), trunk.branch()
    decoder.prefill(left, decoder.embed(tokens(9, seed=1)))
    decoder.prefill(right, decoder.embed(tokens(9, seed=2)))
    assert (trunk.length, left.length, right.length) == (33, 42, 42)
    for branch, seed in ((left, 1), (right, 2)):
        expected = logits_after(decoder, tokens(33), tokens(9, seed=seed), [7])
        assert_same(decoder.prefill(branch, decoder.embed([7])), expected)
    expected = logits_after(decoder, tokens(33), [7])
    assert_same(decoder.prefill(trunk, decoder.embed([7])), expected)


def test_a_cache_grows_and_keeps_what_it_holds(decoder):
    cache = decoder.new_cache()
    small = cache.capacity
    decoder.prefill(cache, decoder.embed(tokens(small)))
    assert cache.capacity == small
    grown = decoder.prefill(cache, decoder.embed(tokens(small // 2, seed=1)))
    assert cache.capacity > small
    assert_same(grown, logits_after(decoder, tokens(small) + tokens(small // 2, seed=1)))


def test_a_prompt_beyond_the_model_is_refused_and_the_cache_stays(decoder):
    cache = decoder.new_cache()
    decoder.prefill(cache, decoder.embed(tokens(10)))
    with pytest.raises(GlintError, match=f"at most {MAX_TOKENS}"):
        decoder.prefill(cache, decoder.embed(tokens(MAX_TOKENS)))
    assert cache.length == 10
    after = decoder.prefill(cache, decoder.embed([3]))
    assert_same(after, logits_after(decoder, tokens(10), [3]))


def test_generation_may_fill_the_model_but_not_overrun_it(decoder):
    cache = decoder.new_cache()
    logits = decoder.prefill(cache, decoder.embed(tokens(MAX_TOKENS - 2)))
    stream = decoder.generate(cache, logits, 10)
    assert [next(stream) for _ in range(3)]
    with pytest.raises(GlintError, match="ask something shorter"):
        next(stream)


def test_generation_takes_the_most_likely_token_each_time(decoder):
    prompt = tokens(12)
    cache = decoder.new_cache()
    logits = decoder.prefill(cache, decoder.embed(prompt))
    answer = list(decoder.generate(cache, logits, 8))
    expected: list[int] = []
    for _ in range(8):
        expected.append(int(logits_after(decoder, prompt + expected).argmax()))
    assert answer == expected
    assert cache.length == len(prompt) + 7


def test_generation_ends_before_a_stop_token(decoder):
    cache = decoder.new_cache()
    logits = decoder.prefill(cache, decoder.embed(tokens(12)))
    start = cache.branch()
    free = list(decoder.generate(cache, logits, 20))
    stop = next(token for i, token in enumerate(free) if i >= 3 and token not in free[:i])
    assert list(decoder.generate(start, logits, 20, stop_ids={stop})) == free[: free.index(stop)]


def test_a_passed_deadline_ends_generation_after_one_token(decoder):
    cache = decoder.new_cache()
    logits = decoder.prefill(cache, decoder.embed(tokens(12)))
    assert len(list(decoder.generate(cache, logits, 20, deadline_s=0))) == 1
    assert cache.length == 12


def test_the_logits_given_are_left_as_they_were(decoder):
    cache = decoder.new_cache()
    logits = decoder.prefill(cache, decoder.embed(tokens(12)))
    before = logits.copy()
    list(decoder.generate(cache, logits, 5))
    np.testing.assert_array_equal(logits, before)


@pytest.mark.parametrize("shape", [(0, SHAPE.hidden), (3, SHAPE.hidden + 1), (SHAPE.hidden,)])
def test_embeddings_of_another_shape_are_refused(decoder, shape):
    with pytest.raises(ValueError, match="Expected embeddings"):
        decoder.prefill(decoder.new_cache(), np.zeros(shape, np.float32))


def test_any_array_layout_is_read_alike(decoder):
    embeddings = decoder.embed(tokens(8))
    expected = decoder.prefill(decoder.new_cache(), embeddings)
    for same in (np.asfortranarray(embeddings), embeddings.astype(np.float64), np.repeat(embeddings, 2, 0)[::2]):
        np.testing.assert_array_equal(decoder.prefill(decoder.new_cache(), same), expected)


def test_a_damaged_graph_is_one_clear_error(decoder, tmp_path):
    (tmp_path / "decoder.onnx").write_bytes(b"not a graph")
    with pytest.raises(GlintError, match=r"decoder\.onnx cannot be loaded"):
        Decoder.open(tmp_path / "decoder.onnx", tmp_path / "decoder.weights", decoder.layout)

import math

import numpy as np
import pytest
from tiny_llama import SHAPE, write_gguf

from export.perplexity import Surprise, next_token_nats, runtime_score, text_surprise, torch_score
from export.reference import load_reference
from models.adapted_weights import AdaptedWeights
from models.bundle import DECODER_GRAPH_FILE, DECODER_WEIGHTS_FILE
from models.decoder import Decoder
from models.decoder_graph import write_decoder
from models.decoder_settings import DecoderSettings
from models.gguf_weights import GgufWeights


def test_who_knows_nothing_is_as_perplexed_as_there_are_words():
    assert text_surprise(lambda ids: np.zeros((len(ids), 50)), range(30)).perplexity == pytest.approx(50)


def test_who_knows_the_next_word_is_not_perplexed():
    def score(ids):
        return np.where(np.arange(50) == np.asarray(ids)[:, None] + 1, 100.0, 0.0)

    assert text_surprise(score, range(30)).perplexity == pytest.approx(1)


def test_nats_are_those_of_the_token_that_follows():
    logits = np.log(np.float32([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])) + 7
    np.testing.assert_allclose(next_token_nats(logits, [1, 2]), [math.log(4), -math.log(0.8)], rtol=1e-5)


def test_large_logits_do_not_overflow():
    assert next_token_nats(np.float32([[3e4, 0]]), [1])[0] == pytest.approx(3e4)


def test_windows_know_nothing_of_one_another_and_a_last_token_alone_is_not_scored():
    read = []

    def score(ids):
        read.append(list(ids))
        return np.zeros((len(ids), 9))

    assert len(text_surprise(score, [1, 2, 3, 4, 5, 6, 7], window=3).nats) == 4
    assert read == [[1, 2], [4, 5]]


def test_one_token_is_no_text():
    with pytest.raises(ValueError, match="two tokens"):
        text_surprise(lambda ids: np.zeros((len(ids), 9)), [1])


def test_a_ratio_is_known_better_than_what_it_is_of():
    random = np.random.default_rng(0)
    hard = random.exponential(3, 5000)
    one, other = Surprise(hard), Surprise(hard + 0.1 + 0.01 * random.standard_normal(5000))
    ratio, error = other.ratio_to(one)
    assert ratio == pytest.approx(math.exp(0.1), abs=4 * error)
    assert error < 0.001


def test_the_runtime_and_pytorch_are_equally_perplexed(tmp_path):
    weights = AdaptedWeights(GgufWeights(write_gguf(tmp_path / "base.gguf")))
    exact = DecoderSettings(projections="fp32", head="fp32")
    layout = write_decoder(weights, tmp_path, settings=exact)
    decoder = Decoder.open(tmp_path / DECODER_GRAPH_FILE, tmp_path / DECODER_WEIGHTS_FILE, layout)
    ids = np.random.default_rng(1).integers(0, SHAPE.vocabulary, 300)
    ours = text_surprise(runtime_score(decoder), ids)
    theirs = text_surprise(torch_score(load_reference(weights)), ids)
    np.testing.assert_allclose(ours.nats, theirs.nats, atol=1e-3)
    assert ours.perplexity > 2

import numpy as np
import pytest
from tiny_llama import SHAPE, write_gguf

from models.adapted_weights import AdaptedWeights
from models.bundle import DECODER_GRAPH_FILE, DECODER_WEIGHTS_FILE
from models.decoder import Decoder
from models.decoder_graph import write_decoder
from models.gguf_weights import GgufWeights
from models.joint_decoding import PromptRows


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("decoder")
    layout = write_decoder(AdaptedWeights(GgufWeights(write_gguf(folder / "base.gguf"))), folder, 600)
    return Decoder.open(folder / DECODER_GRAPH_FILE, folder / DECODER_WEIGHTS_FILE, layout, threads=2)


def read(decoder, *lengths):
    """Caches of prompts of these lengths, and the logits [n, vocabulary] after them."""
    caches, logits = [], []
    for seed, length in enumerate(lengths):
        ids = np.random.default_rng(seed).integers(0, SHAPE.vocabulary, length).tolist()
        caches.append(decoder.new_cache())
        logits.append(decoder.prefill(caches[-1], decoder.embed(ids)).copy())
    return caches, np.stack(logits)


def beside(decoder, caches, logits, more=20):
    rows = PromptRows(decoder, len(caches), max(cache.length for cache in caches) + more)
    for cache, after in zip(caches, logits, strict=True):
        rows.add(cache, after)
    return rows


def log_probabilities(logits):
    return logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())


def test_one_row_decodes_what_it_decodes_alone(decoder):
    (cache,), logits = read(decoder, 30)
    rows = beside(decoder, [cache], logits)
    together, (apart,) = rows.answer_jointly(12), rows.answer_apart(12)
    assert together.tokens == apart.tokens == list(decoder.generate(cache.branch(), logits[0], 12))
    assert together.log_probabilities == pytest.approx(apart.log_probabilities, abs=1e-4)
    assert rows.steps == 22
    assert cache.length == 30


def test_the_same_prompt_twice_changes_nothing(decoder):
    (cache,), logits = read(decoder, 17)
    once, twice = beside(decoder, [cache], logits), beside(decoder, [cache, cache], logits[[0, 0]])
    alone = once.answer_jointly(10)
    assert twice.answer_jointly(10).tokens == alone.tokens
    assert [answer.tokens for answer in twice.answer_apart(10)] == [alone.tokens] * 2


def test_rows_of_different_length_each_see_their_own_prompt(decoder):
    caches, logits = read(decoder, 5, 140, 33)
    rows = beside(decoder, caches, logits)
    for answer, cache, after in zip(rows.answer_apart(8), caches, logits, strict=True):
        assert answer.tokens == list(decoder.generate(cache.branch(), after, 8))
    joint = rows.answer_jointly(8)
    branches, after = [cache.branch() for cache in caches], list(logits)
    for token, said in zip(joint.tokens, joint.log_probabilities, strict=True):
        mean = np.mean([log_probabilities(scores) for scores in after], 0)
        assert said == pytest.approx(mean[token], abs=0.05)
        assert mean[token] == pytest.approx(mean.max(), abs=0.05)
        after = [decoder.prefill(branch, decoder.embed([token])) for branch in branches]


def test_the_likeliest_together_need_not_be_the_likeliest_of_any(decoder):
    (cache,), logits = read(decoder, 9)
    scores = np.full((2, logits.shape[1]), -20.0, np.float32)
    scores[0, [3, 7]] = 2.0, 1.9
    scores[1, [5, 7]] = 2.0, 1.9
    rows = beside(decoder, [cache, cache], scores)
    joint = rows.answer_jointly(1)
    assert joint.tokens == [7]
    assert joint.chance == pytest.approx(0.475, abs=0.01)
    assert [answer.tokens for answer in rows.answer_apart(1)] == [[3], [5]]


def test_it_ends_at_a_stop_token(decoder):
    (cache,), logits = read(decoder, 9)
    best = int(logits[0].argmax())
    rows = beside(decoder, [cache], logits)
    assert rows.answer_jointly(10, (best,)).tokens == []
    assert rows.answer_apart(10, (best,))[0].log_probabilities == pytest.approx([log_probabilities(logits[0])[best]])
    assert rows.steps == 0


def test_what_does_not_fit_is_refused_and_answers_end_where_the_room_does(decoder):
    (cache,), logits = read(decoder, 9)
    rows = PromptRows(decoder, 1, 12)
    with pytest.raises(ValueError, match="no prompt"):
        rows.answer_jointly(4)
    rows.add(cache, logits[0])
    assert rows.answer_apart(10)[0].tokens == list(decoder.generate(cache.branch(), logits[0], 4))
    with pytest.raises(ValueError, match="no room"):
        rows.add(cache, logits[0])
    with pytest.raises(ValueError, match="no room"):
        PromptRows(decoder, 2, 9).add(cache, logits[0])

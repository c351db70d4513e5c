"""Tokenizers read from a GGUF file's fields. Expected pieces were split by hand, from the documented patterns."""

import itertools

import pytest
from tokenizers import pre_tokenizers

from models.errors import GlintError
from models.gguf_tokenizer import read_tokenizer

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6
SPACE = "▁"


def byte_level(pre: str | None, merges=(), added=()):
    tokens = sorted(pre_tokenizers.ByteLevel.alphabet()) + ["".join(pair) for pair in merges]
    fields = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": [*tokens, *(token for token, _ in added)],
        "tokenizer.ggml.token_type": [NORMAL] * len(tokens) + [kind for _, kind in added],
        "tokenizer.ggml.merges": [" ".join(pair) for pair in merges],
    }
    if pre is not None:
        fields["tokenizer.ggml.pre"] = pre
    return read_tokenizer(lambda name, default=None: fields.get(name, default))


def pieces(tokenizer, text: str) -> list[str]:
    split = tokenizer.pre_tokenizer.pre_tokenize_str(text)
    return [piece.replace("Ġ", "_").replace("Ċ", "/") for piece, _ in split]


@pytest.mark.parametrize(
    ("pre", "expected"),
    [
        ("gpt-2", "We|'ve|_2024|_Cats|,|_HELLO|'|LL|!!|_|_no|/|/"),
        (None, "We|'ve|_2024|_Cats|,|_HELLO|'|LL|!!|_|_no|/|/"),
        ("smollm", "We|'ve|_|2|0|2|4|_Cats|,|_HELLO|'|LL|!!|_|_no|/|/"),
        ("llama-bpe", "We|'ve|_|202|4|_Cats|,|_HELLO|'LL|!!|_|_no|//"),
        ("qwen2", "We|'ve|_|2|0|2|4|_Cats|,|_HELLO|'LL|!!|_|_no|//"),
        ("tekken", "We|'ve|_|2|0|2|4|_Cats|,|_HELLO|'LL|!!|_|_no|//"),
    ],
)
def test_a_text_is_split_as_the_name_says(pre, expected):
    got = pieces(byte_level(pre), "We've 2024 Cats, HELLO'LL!!  no\n\n")
    # GPT-2 takes line breaks at the end together, others keep what came before.
    assert "|".join(got).replace("//", "/|/") == expected.replace("//", "/|/")


def test_tekken_splits_inside_words_that_change_case():
    assert pieces(byte_level("tekken"), "HelloWorld") == ["Hello", "World"]
    assert pieces(byte_level("llama-bpe"), "HelloWorld") == ["HelloWorld"]


def test_merges_are_made_in_their_order_and_within_pieces_alone():
    tokenizer = byte_level("smollm", [("a", "b"), ("b", "c"), ("ab", "c"), ("c", "Ġ")])
    assert tokenizer.encode("abc bc").tokens == ["abc", "Ġ", "bc"]
    assert tokenizer.decode(tokenizer.encode("abc bc é").ids) == "abc bc é"


def test_qwen2_composes_letters_first():
    decomposed = "e\u0301"
    assert byte_level("qwen2").encode(decomposed).ids == byte_level("qwen2").encode("é").ids
    assert byte_level("gpt-2").encode(decomposed).ids != byte_level("gpt-2").encode("é").ids


def test_control_tokens_are_whole_and_not_decoded_and_defined_ones_are_text():
    tokenizer = byte_level("smollm", added=[("<|end|>", CONTROL), ("<tab>", USER_DEFINED)])
    encoded = tokenizer.encode("a<tab>b<|end|>")
    assert encoded.tokens == ["a", "<tab>", "b", "<|end|>"]
    assert tokenizer.decode(encoded.ids) == "a<tab>b"


def test_nothing_is_put_before_a_text():
    assert byte_level("llama-bpe", added=[("<s>", CONTROL)]).encode("a").tokens == ["a"]


def test_names_that_are_not_known_are_one_sentence():
    with pytest.raises(GlintError, match=r"as 'chatglm-bpe' does.*llama-bpe.*smollm"):
        byte_level("chatglm-bpe")
    with pytest.raises(GlintError, match="kind 't5'; only gpt2 and llama"):
        read_tokenizer({"tokenizer.ggml.model": "t5"}.get)


WORDS = ("the", "then", "there", "hen", "he", "heat", "tea", "eat")
SCORED = sorted(
    {SPACE, *"thenra", *(SPACE + w[: i + 1] for w in WORDS for i in range(len(w))), "th", "he", "en", "er", "ea", "at"},
    key=lambda token: (len(token) == 1, -len(token) % 3, token),
)


def sentence_piece(**more):
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    tokens = ["<unk>", "<s>", "</s>", *bytes_, *SCORED]
    fields = {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [UNKNOWN, CONTROL, CONTROL, *[BYTE] * 256, *[NORMAL] * len(SCORED)],
        "tokenizer.ggml.scores": [0.0] * 259 + [float(-i) for i in range(len(SCORED))],
        **more,
    }
    return read_tokenizer(lambda name, default=None: fields.get(name, default))


def by_scores(text: str) -> list[str]:
    """SentencePiece's algorithm as it is written: join the neighbours whose union has the best score, left to right."""
    score = {token: -i for i, token in enumerate(SCORED)}
    symbols = list(text.replace(" ", SPACE))
    while True:
        joined = [a + b for a, b in itertools.pairwise(symbols)]
        known = [(score[token], -i) for i, token in enumerate(joined) if token in score]
        if not known:
            return symbols
        at = -max(known)[1]
        symbols[at : at + 2] = [joined[at]]


@pytest.mark.parametrize("text", ["then there", "the heat  then tea", "hentheeat", " eat", "earthen teeth"])
def test_sentence_piece_joins_by_score(text):
    assert sentence_piece().encode(text).tokens == by_scores(" " + text)
    assert sentence_piece(**{"tokenizer.ggml.add_space_prefix": False}).encode(text).tokens == by_scores(text)


def test_sentence_piece_falls_back_to_bytes_and_back():
    tokenizer = sentence_piece()
    assert tokenizer.encode("thé").tokens == [SPACE + "th", "<0xC3>", "<0xA9>"]
    for text in ("the thé", " the", "東\n then"):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text

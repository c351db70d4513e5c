"""The tokenizer that a GGUF file carries, rebuilt as one of the tokenizers library.

Knows the fields and what llama.cpp means by the names in them (its llama-vocab.cpp). Does not open the file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from models.errors import GlintError

_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED = (
    1,
    2,
    3,
    4,
)  # gguf's token types; <|im_start|> and its like are control tokens
_SPACE = "\u2581"  # SentencePiece's

_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN2 = _LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
_TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_GPT2_NAMES = ("gpt-2", "mpt", "olmo", "jais", "default")
_DIGITS_NAMES = ("smollm", "starcoder", "refact", "command-r", "codeshell", "minerva-7b")
_SPLITS = {  # by tokenizer.ggml.pre
    **dict.fromkeys(("llama-bpe", "llama3", "llama-v3", "smaug-bpe", "dbrx", "falcon3"), _LLAMA3),
    **dict.fromkeys(("qwen2", "stablelm2", "deepseek-r1-qwen", "megrez"), _QWEN2),
    "tekken": _TEKKEN,
}


def read_tokenizer(field: Callable[..., Any]) -> Tokenizer:
    """field: gives a field's content by name, or the default in its second argument.

    Nothing is put before or after a text (no begin token). Raises GlintError for a kind that is not known.
    """
    kind = field("tokenizer.ggml.model")
    readers = {"gpt2": _byte_level, "llama": _sentence_piece}
    if kind not in readers:
        raise GlintError(f"The GGUF file has a tokenizer of kind {kind!r}; only {' and '.join(readers)} can be read.")
    tokens, kinds = field("tokenizer.ggml.tokens"), field("tokenizer.ggml.token_type")
    tokenizer = readers[kind](tokens, kinds, field)
    added = [
        AddedToken(token, special=kind == _CONTROL, normalized=False)
        for token, kind in zip(tokens, kinds, strict=True)
        if kind in (_CONTROL, _USER_DEFINED)
    ]
    tokenizer.add_special_tokens([token for token in added if token.special])
    tokenizer.add_tokens([token for token in added if not token.special])
    return tokenizer


def _byte_level(tokens: list[str], kinds: list[int], field: Callable[..., Any]) -> Tokenizer:
    """Byte-level BPE, as GPT-2's; what differs from model to model is where a text is split first."""
    name = field("tokenizer.ggml.pre", "default")
    merges = [tuple(pair.split(" ", 1)) for pair in field("tokenizer.ggml.merges")]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    split = _SPLITS.get(name)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=split in (_LLAMA3, _TEKKEN)))
    first: list[pre_tokenizers.PreTokenizer] = []
    if split is not None:
        first = [pre_tokenizers.Split(Regex(split), "isolated")]
    elif name in _DIGITS_NAMES:
        first = [pre_tokenizers.Digits(individual_digits=True)]
    elif name not in _GPT2_NAMES:
        known = ", ".join(sorted({*_GPT2_NAMES, *_DIGITS_NAMES, *_SPLITS} - {"default"}))
        raise GlintError(f"The GGUF file's tokenizer splits texts as {name!r} does, which is not known; {known} are.")
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=split is None)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*first, level])
    if split == _QWEN2:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _sentence_piece(tokens: list[str], kinds: list[int], field: Callable[..., Any]) -> Tokenizer:
    """SentencePiece's BPE: of all neighbours whose union is a token, those of the highest score are joined first.

    As merges: every way to cut a token into two, in the order of the scores (Hugging Face's conversion does the same).
    """
    vocabulary = {token: i for i, token in enumerate(tokens)}
    scores = field("tokenizer.ggml.scores")
    ranked = []
    for token, score, kind in zip(tokens, scores, kinds, strict=True):
        for cut in range(1, len(token) if kind == _NORMAL else 0):
            left, right = token[:cut], token[cut:]
            if left in vocabulary and right in vocabulary:
                ranked.append((-score, vocabulary[left], vocabulary[right], left, right))
    merges = [(left, right) for *_, left, right in sorted(ranked)]
    unknown = next((token for token, kind in zip(tokens, kinds, strict=True) if kind == _UNKNOWN), None)
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary, merges=merges, unk_token=unknown, fuse_unk=True, byte_fallback=True)
    )
    prefix = field("tokenizer.ggml.add_space_prefix", True)
    space = normalizers.Replace(" ", _SPACE)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(_SPACE), space]) if prefix else space
    first = [decoders.Strip(content=" ", left=1)] if prefix else []
    spaced = decoders.Replace(_SPACE, " ")
    tokenizer.decoder = decoders.Sequence([spaced, decoders.ByteFallback(), decoders.Fuse(), *first])
    return tokenizer

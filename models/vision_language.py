"""The vision-language model in use: look at a picture once, then ask it anything, any number of times.

All that depends on the picture alone is read into a key/value cache when the picture is seen; a question only costs its
own tokens. Which markers surround what is the bundle's business (models.prompt).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from tokenizers import Tokenizer

from models.bundle import TOKENIZER_FILE, Bundle
from models.decoder import Decoder, KVCache
from models.errors import GlintError
from models.object_hints import ObjectHints
from models.prompt import HintRule, PromptTemplate, hint_text, named
from models.vision import Seen, VisionEncoder

MAX_ANSWER_TOKENS = 48


@dataclass(frozen=True, eq=False)
class View:
    """A picture the model has looked at, ready for questions.

    picture: uint8 RGB [height, width, 3], as it was looked at. hints: (label, name, probability) of what the encoder's
    heads found, best first in each block; milliseconds of encoding and of reading the picture into the cache. seen: all
    that the encoder made of it.
    """

    picture: np.ndarray
    cache: KVCache
    hints: tuple[tuple[str, str, float], ...]
    encode_ms: float
    prefill_ms: float
    seen: Seen


@dataclass
class Reply:
    """An answer as it forms. `text` grows while it is iterated; the times are milliseconds since the question.

    log_probabilities: of each token, and of the end marker where there was one.
    """

    text: str = ""
    tokens: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    prefill_ms: float = 0.0
    first_token_ms: float = 0.0
    total_ms: float = 0.0

    @property
    def chance(self) -> float:
        """The probability of the answer as far as it goes, 0..1."""
        return float(np.exp(sum(self.log_probabilities)))


class VisionLanguageModel:
    """Picture encoder, tokenizer, prompt and decoder of one bundle."""

    def __init__(self, encoder: VisionEncoder, decoder: Decoder, tokenizer: Tokenizer, config: dict):
        self.encoder, self.decoder, self.tokenizer = encoder, decoder, tokenizer
        self._template = PromptTemplate(**config["prompt"])
        self._rules = [HintRule(**rule) for rule in config["hints"]]
        self.object_hints: ObjectHints | None = None  # set, it tells in place of a block of hints what the head found
        self._end = tokenizer.token_to_id(self._template.end)
        self._head = decoder.new_cache()
        self._read(self._head, self._template.head)

    @classmethod
    def load(cls, bundle: Bundle, threads: int = 2) -> VisionLanguageModel:
        """Loads every part and checks every file's hash meanwhile. Raises GlintError when one is damaged or absent."""
        tokenizer = _tokenizer(bundle)  # first: the memory that reading it takes for a moment then serves the decoder
        decoder = Decoder.load(bundle, threads)
        if "prompt" not in bundle.config:
            raise GlintError(f"The model {bundle.name} in {bundle.folder} describes no prompt, so it cannot be asked.")
        return cls(VisionEncoder(bundle, threads), decoder, tokenizer, dict(bundle.config))

    def _ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def _read(self, cache: KVCache, text: str) -> np.ndarray:
        return self.decoder.prefill(cache, self.decoder.embed(self._ids(text)))

    def look(self, picture: np.ndarray, with_hints: bool = True) -> View:
        """Encodes a picture, uint8 RGB [height, width, 3], and reads it into a cache of its own."""
        start = perf_counter()
        seen = self.encoder.encode(picture)
        encoded = perf_counter()
        objects = self.object_hints
        told = {objects.label: objects.words(seen.objects)} if objects is not None else {}
        hints = hint_text(seen.scores, self._rules, told) if with_hints else ""
        after = self._ids(self._template.after_image(hints))
        cache = self._head.branch()
        self.decoder.prefill(cache, np.concatenate([seen.tokens, self.decoder.embed(after)]) if after else seen.tokens)
        found = tuple((rule.label, *pair) for rule in self._rules for pair in named(seen.scores, rule))
        times = 1e3 * (encoded - start), 1e3 * (perf_counter() - encoded)
        return View(picture, cache, found, *times, seen)

    def ask(
        self,
        view: View,
        question: str,
        reply: Reply,
        max_tokens: int = MAX_ANSWER_TOKENS,
        deadline_s: float | None = None,
    ) -> Iterator[str]:
        """Streams the answer to a question about a view, piece by piece, and keeps `reply` up to date.

        The view stays as it was and can be asked again. Stops at the end marker, after `max_tokens` or after
        `deadline_s` seconds. Raises GlintError for an empty question.
        """
        question = " ".join(question.split())
        if not question:
            raise GlintError("The question is empty; ask something about the picture.")
        start = perf_counter()
        length = view.cache.length
        try:
            logits = self._read(view.cache, self._template.question(question))
            reply.prefill_ms = 1e3 * (perf_counter() - start)
            written = self.decoder.generate(
                view.cache, logits, max_tokens, (self._end,), deadline_s, reply.log_probabilities
            )
            for token in written:
                if not reply.tokens:
                    reply.first_token_ms = 1e3 * (perf_counter() - start)
                reply.tokens.append(token)
                whole = self.tokenizer.decode(reply.tokens)
                piece = "" if whole.endswith("\ufffd") else whole[len(reply.text) :]
                reply.text += piece
                reply.total_ms = 1e3 * (perf_counter() - start)
                if piece:
                    yield piece
        finally:
            view.cache.rewind(length)

    def answer(self, view: View, question: str, **limits) -> Reply:
        """The whole answer at once; arguments and errors as `ask`."""
        reply = Reply()
        for _ in self.ask(view, question, reply, **limits):
            pass
        return reply


def _tokenizer(bundle: Bundle) -> Tokenizer:
    path = bundle.path(TOKENIZER_FILE)
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more special
        bundle.verify()
        raise GlintError(f"{path} cannot be read ({error}); fetch the model again.") from error

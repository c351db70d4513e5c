"""The vision-language model in use: look at a picture once, then ask it anything, any number of times.

All that depends on the picture alone is read into a key/value cache when the picture is seen; a question only costs its
own tokens. Which markers surround what is the bundle's business (models.prompt, models.picture_plan). A language model
without an encoder is asked without a picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from models.answer_head import AnswerHead
from models.bundle import ADAPTER_FILE, ANSWERS_FILE, CAPTIONS_FILE, NAMES_FILE, TOKENIZER_FILE, Bundle
from models.captioner import Captioner
from models.decoder import Decoder, KVCache
from models.errors import GlintError
from models.hub_files import read_tokenizer
from models.namer import Namer
from models.object_hints import ObjectHints
from models.prompt import HintRule, PromptTemplate, hint_text, named
from models.prompt_ids import PromptIds
from models.vision import Seen, VisionEncoder

MAX_ANSWER_TOKENS = 48
_TALK = 256  # tokens of the context that a picture leaves to question and answer, or half of a short one


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

    log_probabilities: of each token (a captioner's: word), and of the end marker where there was one. by: who answers.
    """

    text: str = ""
    tokens: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    prefill_ms: float = 0.0
    first_token_ms: float = 0.0
    total_ms: float = 0.0
    by: str = "the language model"

    @property
    def chance(self) -> float:
        """The probability of the answer as far as it goes, 0..1."""
        return float(np.exp(sum(self.log_probabilities)))


class VisionLanguageModel:
    """Picture encoder (None: it answers without pictures), decoder, tokenizer and prompt of one model.

    side_by_side: whether the decoder answers several prompts as one batch (models.joint_decoding). adapter: SHA-256 of
    the weights that its language model was adapted with, "" where there are none.
    """

    side_by_side = True

    def __init__(
        self, encoder: VisionEncoder | None, decoder: Decoder, tokenizer: Tokenizer, config: Mapping[str, Any]
    ):
        """config: of the manifest. Raises GlintError when its description of the prompt does not fit the tokenizer."""
        self._encoder, self.decoder, self.tokenizer = encoder, decoder, tokenizer
        try:
            self._template = PromptTemplate(**config["prompt"])
            self._rules = [HintRule(**rule) for rule in config.get("hints", ())]
        except (TypeError, LookupError) as error:
            raise GlintError(f"The model's description of its prompt is damaged ({error}).") from error
        self.name = str(config.get("name", "the model"))
        self.adapter = str(config.get("adapter", ""))
        self.object_hints: ObjectHints | None = None  # set, it tells in place of a block of hints what the head found
        self.captioner: Captioner | None = None  # set, it answers the one question that it was made for
        self.namer: Namer | None = None  # set, it answers what asks for a name alone
        self.answer_head: AnswerHead | None = None  # set, it answers what a word or two of its list answer
        self._prompt = PromptIds(tokenizer, self._template, encoder.plan if encoder is not None else None)
        self.end_ids = self._prompt.ends
        self._head = decoder.new_cache()
        if encoder is not None and (head := self._prompt.head()):
            self._read(self._head, head)
        self._most_tiles = self._room_for_tiles()

    @classmethod
    def load(cls, bundle: Bundle, threads: int = 2) -> VisionLanguageModel:
        """Loads every part and checks every file's hash meanwhile. Raises GlintError when one is damaged or absent."""
        tokenizer = _tokenizer(bundle)  # first: the memory that reading it takes for a moment then serves the decoder
        decoder = Decoder.load(bundle, threads)
        if "prompt" not in bundle.config:
            raise GlintError(f"The model {bundle.name} in {bundle.folder} describes no prompt, so it cannot be asked.")
        encoder = VisionEncoder(bundle, threads) if bundle.sees else None
        made_of = {"name": bundle.name, "adapter": bundle.sources.get(ADAPTER_FILE, "")}
        model = cls(encoder, decoder, tokenizer, {**bundle.config, **made_of})
        if bundle.captions:
            model.captioner = Captioner(bundle.path(CAPTIONS_FILE), threads)
        if bundle.names:
            model.namer = Namer(bundle.path(NAMES_FILE), threads)
        if bundle.answers:
            head = AnswerHead(bundle.path(ANSWERS_FILE), tokenizer, threads)
            model.answer_head = head if head.about.adapter == model.adapter else None
        return model

    @property
    def encoder(self) -> VisionEncoder:
        """Raises GlintError for a language model, which has none."""
        if self._encoder is None:
            raise GlintError(f"{self.name} is a language model and sees no pictures; ask it without one.")
        return self._encoder

    @property
    def sees(self) -> bool:
        """Whether it can be asked about pictures."""
        return self._encoder is not None

    @property
    def reads(self) -> bool:
        """Whether it can be asked without a picture."""
        return bool(self._template.alone)

    def _read(self, cache: KVCache, ids: list[int]) -> np.ndarray:
        return self.decoder.prefill(cache, self.decoder.embed(ids))

    def _room_for_tiles(self) -> int | None:
        """Tiles that the context holds beside a talk about them; None where that is not known."""
        each = self._encoder.tile_tokens if self._encoder is not None else None
        if each is None:
            return None
        longest = self.decoder.layout.max_tokens
        room = longest - self._head.length - min(_TALK, longest // 2)
        return max(1, room // (each + self._prompt.tokens_between()))

    def read_question(self, cache: KVCache, question: str) -> np.ndarray:
        """Reads a question into the cache of a view; logits [vocabulary] of what its answer begins with."""
        return self._read(cache, self._prompt.question(question))

    def values_of(self, text: str, most_tokens: int) -> np.ndarray:
        """What a text puts into the cache as values, read as if it stood where a picture stands: float32 [layers,
        tokens, key/value heads * head size], of at most so many tokens.

        ValueError for a text without tokens.
        """
        cache = self._head.branch()
        start = cache.length
        self._read(cache, self._prompt.text(text)[:most_tokens])
        return self.values_since(cache, start)

    @staticmethod
    def values_since(cache: KVCache, start: int) -> np.ndarray:
        """The values of all tokens of a cache from one on: float32 [layers, tokens, key/value heads * head size]."""
        values = cache.memory[:, 1, 0, :, start : cache.length].swapaxes(1, 2)
        return values.reshape(*values.shape[:2], -1)

    def prompt_ids(self, view: View | None, question: str, with_hints: bool = True) -> list[int]:
        """The whole prompt of a question, visual tokens as that which stands for one, or as -1 where none does."""
        if view is None:
            return self._prompt.without_picture(question)
        seen, hints = view.seen, self._hints(view.seen, with_hints)
        each = len(seen.tokens) // (seen.rows * seen.columns + 1)
        return self._prompt.whole(seen.rows, seen.columns, each, question, hints)

    def _hints(self, seen: Seen, wanted: bool) -> str:
        objects = self.object_hints
        told = {objects.label: objects.words(seen.objects)} if objects is not None else {}
        return hint_text(seen.scores, self._rules, told) if wanted else ""

    def look(self, picture: np.ndarray, with_hints: bool = True) -> View:
        """Encodes a picture, uint8 RGB [height, width, 3], and reads it into a cache of its own.

        Raises GlintError when the model has no encoder, or its context no room for a picture.
        """
        start = perf_counter()
        seen = self.encoder.encode(picture, self._most_tiles)
        encoded = perf_counter()
        if seen.tokens.shape[1] != self.decoder.layout.hidden:
            raise GlintError(f"The encoder and the decoder of {self.name} are not of the same model.")
        first, *others = self._prompt.around(seen.rows, seen.columns, self._hints(seen, with_hints))
        tiles = np.split(seen.tokens, len(others))
        parts = [self.decoder.embed(first)] if first else []
        for tile, text in zip(tiles, others, strict=True):
            parts += [tile, self.decoder.embed(text)] if text else [tile]
        cache = self._head.branch()
        self.decoder.prefill(cache, np.concatenate(parts) if len(parts) > 1 else parts[0])
        found = tuple((rule.label, *pair) for rule in self._rules for pair in named(seen.scores, rule))
        times = 1e3 * (encoded - start), 1e3 * (perf_counter() - encoded)
        return View(picture, cache, found, *times, seen)

    def ask(
        self,
        view: View | None,
        question: str,
        reply: Reply,
        max_tokens: int = MAX_ANSWER_TOKENS,
        deadline_s: float | None = None,
    ) -> Iterator[str]:
        """Streams the answer to a question about a view, piece by piece, and keeps `reply` up to date.

        The view stays as it was and can be asked again; without one the question is about no picture. Stops at an end
        marker, after `max_tokens` or after `deadline_s` seconds. Raises GlintError for an empty question, and without a
        view where the model is not made for that.
        """
        question = " ".join(question.split())
        if not question:
            raise GlintError("The question is empty; ask something about the picture.")
        if view is None and not self.reads:
            raise GlintError(f"{self.name} answers questions about pictures; give it one.")
        start = perf_counter()
        if view is not None and (seen := self._said_of(view, question, reply)):
            reply.first_token_ms = reply.total_ms = 1e3 * (perf_counter() - start)
            yield seen
            return
        cache = view.cache if view is not None else self.decoder.new_cache()
        length = cache.length
        try:
            logits = (
                self.read_question(cache, question)
                if view is not None
                else self._read(cache, self._prompt.without_picture(question))
            )
            reply.prefill_ms = 1e3 * (perf_counter() - start)
            if view is not None and (listed := self._listed(view, cache, length, logits, reply)):
                reply.first_token_ms = reply.total_ms = 1e3 * (perf_counter() - start)
                yield listed
                return
            written = self.decoder.generate(
                cache, logits, max_tokens, self.end_ids, deadline_s, reply.log_probabilities
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
            cache.rewind(length)

    def _said_of(self, view: View, question: str, reply: Reply) -> str:
        """What a network that saw the picture says to a question that the language model need not read."""
        captioner, namer, cells = self.captioner, self.namer, view.seen.cells
        if cells is None:
            return ""
        if namer is not None and question in namer.names.questions and (thing := namer.name(cells)) is not None:
            return self._by(reply, "the network for names", thing.answer, [np.log(thing.chance)])
        if captioner is None or question != captioner.question:
            return ""
        if any(label == captioner.leaves for label, *_ in view.hints):
            return ""
        caption = captioner.caption(cells)
        return self._by(reply, "the captioner", caption.text, caption.log_probabilities)

    def _by(self, reply: Reply, who: str, text: str, log_probabilities: Iterable[float]) -> str:
        """Makes a reply one that another network gave, whole."""
        reply.by, reply.text, reply.tokens = who, text, self.tokenizer.encode(text, add_special_tokens=False).ids
        reply.log_probabilities += map(float, log_probabilities)
        return text

    def _listed(self, view: View, cache: KVCache, length: int, logits: np.ndarray, reply: Reply) -> str:
        """The answer out of the list, if it is there. length: of the cache before the question."""
        if self.answer_head is None or view.seen.cells is None:
            return ""
        choice = self.answer_head.choose(self.values_since(cache, length), view.seen, logits)
        if choice.answer is None:
            return ""
        return self._by(reply, "the network for short answers", choice.answer, [np.log(choice.chance)])

    def answer(self, view: View | None, question: str, **limits) -> Reply:
        """The whole answer at once; arguments and errors as `ask`."""
        reply = Reply()
        for _ in self.ask(view, question, reply, **limits):
            pass
        return reply


def _tokenizer(bundle: Bundle) -> Tokenizer:
    try:
        return read_tokenizer(bundle.path(TOKENIZER_FILE))
    except GlintError:
        bundle.verify()
        raise

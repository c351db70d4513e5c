"""A language model that chooses one of several names: what it would do without a router around it.

It reads what the names stand for once, then each phrasing, and writes; only what begins a name may be written, so that
every answer is one. Greedy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.vision_language import VisionLanguageModel

_TASK = "<|im_start|>user\nWhich of these does somebody want?\n{kinds}\n"
_ASK = 'Somebody says: "{text}"\nAnswer with one of the names above.<|im_end|>\n<|im_start|>assistant\n'


def chooser(model: VisionLanguageModel, kinds: Mapping[str, str]) -> Callable[[str], str]:
    """kinds: what each name stands for. Returns a function of a phrasing that tells the name the model chooses."""
    decoder, tokenizer = model.decoder, model.tokenizer

    def ids(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False).ids

    spelled = {tuple(ids(name)): name for name in kinds}
    cache = decoder.new_cache()
    decoder.prefill(
        cache, decoder.embed(ids(_TASK.replace("{kinds}", "\n".join(f"{k}: {v}" for k, v in kinds.items()))))
    )
    known = cache.length
    end = tokenizer.token_to_id("<|im_end|>")

    def choose(text: str) -> str:
        cache.rewind(known)
        logits = decoder.prefill(cache, decoder.embed(ids(_ASK.replace("{text}", text))))
        written: tuple[int, ...] = ()
        while True:
            begun = [name for name in spelled if name[: len(written)] == written]
            if len(begun) == 1 or (written in spelled and not any(len(name) > len(written) for name in begun)):
                return spelled[begun[0]]
            # A name that is the beginning of another ends where the model would rather end the answer.
            options = {name[len(written)] if len(name) > len(written) else end for name in begun}
            best = max(options, key=lambda token: logits[token])
            if best == end:
                return spelled[written]
            written = (*written, best)
            logits = decoder.prefill(cache, decoder.embed([best]))

    return choose

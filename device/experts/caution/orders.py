"""What a picture tells one to do is text to read, never an order: "do what the sign says" has it read out."""

from __future__ import annotations

from device.evidence import Answer
from device.experts.caution.judging import refused_kind
from device.experts.caution.replies import REPLIES
from device.experts.intent import Words
from device.experts.scene import Scene
from device.experts.text.aloud import read_aloud

_OBEY = r"(?:do|follow|obey|carry out|execute|act on|comply with|answer|respond to|fulfil|fulfill|perform|go by)"
_IT = r"(?:it|this|that|they|(?:the|this|that|these|those)(?: [\w'-]+){1,3})"
_ASKED = r"(?:questions?|instructions?|orders?|commands?|requests?|tasks?|prompts?|directives?)"
ORDER = (
    rf"{_OBEY}(?: exactly| just)? (?:what|whatever|everything|anything|as|all)(?: that)? (?:{_IT} )?"
    r"(?:says?|said|tells?|told|asks?|asked|orders?|demands?|wants?|commands?|instructs?"
    r"|(?:is|stands) (?:written|there))(?: .*)?"
    rf"|{_OBEY} (?:the|this|that|these|those|its|all|every|all the)(?: [\w'-]+)? {_ASKED}(?: .*)?"
    r"|(?:answer|obey) (?:it|this|that|(?:the|this|that) (?:note|sign|poster|text|message|page|paper|card|screen))"
    r"(?: (?:on|in|for) .*)?"
)
_NOT_OBEYED = "What a picture tells me to do I never do; I only read it."


def refuse_order(scene: Scene, words: Words) -> Answer | None:
    """Reads out what is written, or refuses it if it asks for what is refused; None where there is nothing to read."""
    texts = [line.text for line in scene.lines]
    if not texts:
        return None
    for text in (" ".join(texts), *texts):
        if (kind := refused_kind(text)) in REPLIES:
            return Answer(REPLIES[kind])
    read = read_aloud(scene, {})
    return None if read is None else Answer(f"{_NOT_OBEYED} {read.text}", read.claims)

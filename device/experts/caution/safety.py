"""Whether something is safe is never told from a picture: a wrong answer could hurt."""

from __future__ import annotations

from device.evidence import Answer
from device.experts.intent import Intent, Words
from device.experts.scene import Scene

_IT = r"(?:it|this|that|these|those|they|he|she|there|(?:the|this|that|these|those|my) (?!an?\b)[\w'-]+(?: [\w'-]+)?)"
_HARM = r"(?:safe|unsafe|dangerous|poisonous|toxic|edible|harmful|venomous|contagious|infected)"
_DO = r"(?:cross|go|walk|drive|eat|drink|swallow|touch|pet|swim|climb|enter|step|jump|turn)"


def _unjudged(scene: Scene, words: Words) -> Answer:
    return Answer("Whether that is safe I cannot judge, and a wrong answer could hurt you. Please make sure yourself.")


SAFETY = Intent(
    "is it safe",
    rf"(?:is|are) {_IT}(?: (?!an?\b)[\w'-]+)? {_HARM}(?: .*)?"
    rf"|is it (?:ok|okay|all right|alright|clear|fine) (?:for me )?to {_DO}\b.*"
    rf"|(?:can|may|should|could) (?:i|we) (?:now |safely |just )?{_DO}\b.*"
    rf"|(?:is|are) the (?:road|street|way|path|crossing|crosswalk|coast) (?:clear|free|safe).*"
    r"|(?:am i|are we) (?:safe|in danger).*",
    _unjudged,
)

"""One turn: a question somebody asked while looking at something, and the answer they heard.

The record is the only bookkeeping there is: the trace, the receipt and the benchmark are all read from it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from device.cards.card import Card
from device.evidence import Claim
from device.glasses import Frame
from device.privacy import Receipt
from device.steps import Step


@dataclass
class Turn:
    """Filled in as the turn goes on.

    timings_ms: milliseconds each stage took, in the order of the stages; `first_token` and `first_audio` count from the
    end of the question. costs: `answer_tokens`, `peak_rss_mb` and whatever else was spent. question_from is "text" or
    the recogniser's name; answered_by a row of device.experts.table, "model", "coach", "evidence", "not_caught", or
    "spent" where power or time ran short. steps: what was done in this turn to find the answer, in order. receipt: of a
    live turn. frame: the picture itself, until the turn is over; it is in no record. card: the answer to look at.
    """

    picture: str | None = None
    question_from: str = "text"
    transcript: str = ""
    answer: str = ""
    answered_by: str = ""
    evidence: list[Claim] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    timings_ms: dict[str, float] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)
    spoken_to: str | None = None
    receipt: Receipt | None = None
    frame: Frame | None = field(default=None, repr=False, compare=False)
    card: Card | None = field(default=None, repr=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; times rounded to a tenth of a millisecond."""
        record = asdict(replace(self, frame=None, card=None))
        del record["frame"]
        record["card"] = self.card.as_dict() if self.card is not None else None
        record["timings_ms"] = {stage: round(ms, 1) for stage, ms in self.timings_ms.items()}
        for step in record["steps"]:
            step["ms"] = None if step["ms"] is None else round(step["ms"], 1)
        return record

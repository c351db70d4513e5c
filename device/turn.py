"""One turn: a question somebody asked while looking at something, and the answer they heard.

The record is the only bookkeeping there is: the trace, the receipt and the benchmark are all read from it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Evidence:
    """What an answer rests on: where it comes from ("objects", "words", ...), what was found, and how sure (0..1)."""

    source: str
    finding: str
    confidence: float


@dataclass
class Turn:
    """Filled in as the turn goes on.

    timings_ms: milliseconds each stage took, in the order of the stages; `first_token` and `first_audio` count from the
    end of the question. costs: `answer_tokens`, `peak_rss_mb` and whatever else was spent. question_from is "text" or
    the recogniser's name.
    """

    picture: str | None = None
    question_from: str = "text"
    transcript: str = ""
    answer: str = ""
    evidence: list[Evidence] = field(default_factory=list)
    timings_ms: dict[str, float] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)
    spoken_to: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; times rounded to a tenth of a millisecond."""
        record = asdict(self)
        record["timings_ms"] = {stage: round(ms, 1) for stage, ms in self.timings_ms.items()}
        return record

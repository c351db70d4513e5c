"""The one gate that every answer passes on its way to voice and display: facts need a claim, or are said to be a guess.

Numbers, prices, dates, names of drugs and products are what people act on. A clause whose facts are all borne out by
claims passes as it is. Otherwise a number or a name is called a guess, and what nobody should guess (a price, a date, a
medicine) is not said. Voice and display take a `Sayable`, which only this module makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from device.evidence import Basis, Claim
from device.thinking.facts import Fact, Kind, facts_in, legible, numbers_in

SURE = 0.5  # a network's opinion below this supports nothing
READ = 0.3  # the same for what was read or measured
_REFUSALS = {
    Kind.PRICE: "I cannot read a price there.",
    Kind.DATE: "I cannot read a date there.",
    Kind.TIME: "I cannot read the time there.",
    Kind.IDENTIFIER: "I cannot read a number there, and will not guess one.",
    Kind.DRUG: "I cannot read for certain which medicine that is, and will not guess.",
}
_DOSE = re.compile(r"\b(?:mg|milligrams?|mcg|micrograms?|tablets?|pills?|capsules?|doses?|dosage|medicines?)\b", re.I)
_SENTENCE_END = re.compile(r"[.!?][\"')\]]*$")
_SHORT = 3  # words; a shorter answer is a fragment, not a sentence
_HEDGED = re.compile(r"\b(?:I think|my guess|perhaps|I am not sure|maybe|might be|may be)\b", re.I)
_SUBJECT = re.compile(r"^(?:it|there|this|that|these|those|they|he|she|we|i)\b", re.I)
# How the sentences of a describing model begin; whatever else stands first may be a name and keeps its capital.
_LOWERED = re.compile(
    r"^(?:An?|The|There|This|That|These|Those|It|They|He|She|We|Some|Several|Many|Two|Three|Four|Five|Six|Seven|Eight"
    r"|Nine|Ten|One|Yes|No|Both|In|On|At|People|Men|Women)\b"
)


class Sayable(str):
    """A text that has passed the gate."""

    __slots__ = ()


class Gate:
    """Of one answer: clauses come in order, so that "I think" is said once a sentence."""

    def __init__(self, claims: Iterable[Claim] = ()):
        self._claims = tuple(claims)
        self._hedged = self._withheld = False
        self._opening = True

    def passed(self, clause: str) -> Sayable:
        """What may be said of a clause; "" when nothing of it may that has not been said."""
        written, clause = clause, legible(clause)
        unsupported = [fact for fact in facts_in(clause) if not supported(fact, clause, self._claims)]
        withheld = next((_refusal(fact, clause) for fact in unsupported if _refusal(fact, clause)), None)
        if withheld is not None:
            said = "" if self._withheld else withheld
            self._withheld = True
            return self._end(clause, said)
        if not unsupported:
            return self._end(clause, written)
        if not self._hedged and not _HEDGED.search(clause):
            self._hedged = True
            return self._end(clause, _as_guess(clause, unsupported[0], self._opening))
        return self._end(clause, clause)

    def _end(self, clause: str, said: str) -> Sayable:
        self._opening = bool(_SENTENCE_END.search(clause))
        if self._opening:
            self._hedged = False
        return Sayable(said)


def passed(text: str, claims: Iterable[Claim] = ()) -> Sayable:
    """A whole text, sentence by sentence."""
    return Sayable(" ".join(passed_clauses(re.split(r"(?<=[.!?])\s+", text.strip()), claims)))


def passed_clauses(clauses: Iterable[str], claims: Iterable[Claim] = ()) -> Iterator[Sayable]:
    """The same, clause by clause as they are written."""
    gate = Gate(claims)
    for clause in clauses:
        if said := gate.passed(clause):
            yield said


def own_words(text: str) -> Sayable:
    """A sentence of the assistant about itself. Raises ValueError for one that states facts: those need claims."""
    if facts := facts_in(legible(text)):
        raise ValueError(f"{text!r} states {facts[0].text!r}, for which there is no claim")
    return Sayable(text)


def supported(fact: Fact, clause: str, claims: Iterable[Claim]) -> bool:
    """Whether a claim that is sure enough holds the fact: the same number for the same thing, the same words."""
    return any(_holds(claim, fact, clause) for claim in claims)


def _holds(claim: Claim, fact: Fact, clause: str) -> bool:
    if claim.confidence < (SURE if claim.basis is Basis.INFERRED else READ):
        return False
    stated = legible(f"{claim.finding} | {claim.line or ''}").lower()
    if fact.value is not None:
        if fact.value not in numbers_in(stated):
            return False
        # A network that counted two dogs has not counted two cats.
        return claim.basis is not Basis.INFERRED or _same_thing(claim.finding, clause)
    words = r"\W+".join(map(re.escape, re.findall(r"\w+", fact.text.lower())))
    return bool(words) and re.search(rf"\b{words}\b", stated) is not None


def _same_thing(finding: str, clause: str) -> bool:
    things = {_stem(word) for word in _words(finding) if not numbers_in(word)}
    return not things or bool(things & _stems(clause))


def _stem(word: str) -> str:
    return re.sub(r"(?:e?s)$", "", word)


def _refusal(fact: Fact, clause: str) -> str | None:
    if fact.kind is Kind.NUMBER and _DOSE.search(clause):
        return _REFUSALS[Kind.DRUG]
    return _REFUSALS.get(fact.kind)


def _as_guess(clause: str, fact: Fact, opening: bool) -> str:
    if not opening:
        return f"{clause[: fact.start]}perhaps {clause[fact.start :]}"
    if len(clause.split()) <= _SHORT and not _SUBJECT.match(clause) and clause[-1:] != ",":
        return f"My guess is {uncapitalised(clause)}"
    return f"I think {uncapitalised(clause)}"


def names_a_sign(clause: str, claims: Iterable[Claim]) -> bool:
    """Whether it names something that a claim which is sure enough is about."""
    return any(claim.confidence >= SURE and _stems(clause) & _stems(claim.finding) for claim in claims)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]{3,}", text.lower())


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in _words(text)}


def uncapitalised(clause: str) -> str:
    """As it stands within a sentence: a first word that may be a name keeps its capital."""
    return clause[:1].lower() + clause[1:] if _LOWERED.match(clause) else clause

"""What is asked of the finder, and what it says."""

from __future__ import annotations

import re

from device.evidence import Answer, Basis, Claim
from device.experts.finder.place import direction, where
from device.experts.finder.search import DOUBTFUL_BOX, Count, Sighting, Verdict, count, find, is_own, look
from device.experts.finder.words import bare, plural, singular, with_article
from device.experts.intent import Intent, Words
from device.experts.scene import Scene

SOURCE = "finder"
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
NAMED_AT_MOST = 5  # things in a list that is spoken
_DETERMINER = "the|a|an|any|some|another|my|your|our|his|her|their|nearest|closest"
_THING = (
    rf"(?P<thing>(?:(?:{_DETERMINER}) )*"
    rf"(?!(?:{_DETERMINER}|i|we|you|he|she|it|this|that|these|those|there|they|here|am|is|are|everything|words?|text)\b)"
    r"\w[\w'-]*(?: [\w'-]+){0,2}?)"
)
_HERE = (
    r"(?: (?:here|there|around|nearby|now|anywhere|located|ahead|in front of (?:me|us)|around (?:me|here)|"
    r"near (?:me|here)|(?:do|can) you see|"
    r"in (?:the|this|my) (?:picture|photo|image|view|scene|shot|room|kitchen|place|street|frame)))*"
)
_PLACED = r"(?: (?:in|on|at|near|by|under|around) (?:the|this|my) [\w'-]+)?"
_ASKING_WHERE = (
    r"(?:where(?:'s| is| are)|where (?:did|have|do) i (?:put|leave|left)|(?:help me )?(?:find|locate|spot)(?: me)?|"
    r"(?:i'm |i am )?looking for|search for|look for|(?:point|direct|guide|lead|take) me to|point (?:to|at|out)|"
    r"show me where(?: is)?|which way (?:is|are)|in (?:which|what) direction (?:is|are))"
)
_ASKING_WHETHER = r"(?:(?:is|are) there|(?:do you |can you |can i |do i )?(?:see|spot|have))"
_VISIBLE = (
    r"(?: (?:are|is|r) there| (?:do|can) (?:you|i|we) see| (?:are|is|can be) (?:visible|seen|shown|in view)| are| is)?"
)
_ASKING_WHAT = (
    r"(?:(?:what|which) (?:objects|things|items)"
    r"(?: (?:do|can) you (?:see|recognise|recognize|find)| are (?:there|here|around))|"
    r"(?:list|name) (?:the |all |all the )?(?:objects|things|items))"
)


_SOUGHT = re.compile(
    r"\b(?:my|find|locate|spot|looking for|search for|look for|(?:point|direct|guide|lead|take) me to|which way"
    r"|(?:what|which) direction)\b"
)
_VAGUE = re.compile(r"\b(?:some|any|every)(?:thing|one|body|where)\b|\bway\b|\bout\b|\bwh\w+")


def claims_of(sighting: Sighting, scene: Scene, most: int = 1) -> tuple[Claim, ...]:
    """The thing itself, and the direction in which its best box lies."""
    if sighting.verdict is Verdict.NO:
        return (Claim(SOURCE, f"no {sighting.word or sighting.name}", 1 - sighting.chance),)
    if not sighting.boxes:
        return (Claim(SOURCE, sighting.name, sighting.chance),)
    claims = [
        Claim(SOURCE, name, min(score, 1.0), sighting.basis, box, sighting.line)
        for name, box, score in sighting.boxes[:most]
    ]
    _, box, score = sighting.boxes[0]
    return (*claims, Claim(SOURCE, direction(box, scene.size), min(score, 1.0), Basis.MEASURED, box))


def _doubt(sighting: Sighting) -> str:
    """The honest rest where a word says more than what can be told apart."""
    if not sighting.word or sighting.word == sighting.name:
        return ""
    return f" Whether it is {with_article(bare(sighting.word))}, I cannot tell."


def where_it_is(scene: Scene, sighting: Sighting) -> str:
    """One or two sentences on what a search came to."""
    if sighting.verdict is Verdict.NO:
        return f"I don't see {with_article(sighting.word or sighting.name)} here."
    if sighting.basis is Basis.VERBATIM:
        return f"I read “{sighting.line}” {where(sighting.boxes[0][1], scene.size)}."
    thing = with_article(sighting.name)
    if not sighting.boxes:
        if sighting.verdict is Verdict.YES:
            return f"I think there is {thing}, but I cannot tell where.{_doubt(sighting)}"
        return f"There may be {thing}, but I am not sure, and I cannot tell where."
    name, box, score = sighting.boxes[0]
    place = where(box, scene.size)
    if sighting.verdict is Verdict.UNSURE:
        return f"There may be {with_article(name)} {place}, but I am not sure."
    if score < DOUBTFUL_BOX:
        return f"I think there is {with_article(name)}, perhaps {place}.{_doubt(sighting)}"
    return f"I see {with_article(name)} {place}.{_doubt(sighting)}"


def _where(scene: Scene, words: Words) -> Answer | None:
    sighting = find(scene, words["thing"])
    if sighting is not None:
        return Answer(where_it_is(scene, sighting), claims_of(sighting, scene))
    if not _SOUGHT.search(words["question"].lower()) or _VAGUE.search(words["thing"]):
        return None
    thing = bare(words["thing"])
    looks = f"{thing} look like" if singular(thing) != thing else f"{with_article(thing)} looks like"
    rest = "" if is_own(words["thing"]) else ", and I cannot read the word here"
    return Answer(f"I do not know what {looks}{rest}.")


def _is_there(scene: Scene, words: Words) -> Answer | None:
    sighting = look(scene, words["thing"])
    if sighting is None:
        return None
    text = where_it_is(scene, sighting)
    lead = {Verdict.YES: "Yes. " if not _doubt(sighting) else "", Verdict.NO: "No, as far as I can tell. "}
    return Answer(lead.get(sighting.verdict, "") + text, claims_of(sighting, scene))


def _how_many(scene: Scene, words: Words) -> Answer | None:
    sighting = look(scene, words["thing"])
    if sighting is None or sighting.word:
        return None
    if sighting.verdict is not Verdict.YES:
        text = where_it_is(scene, sighting)
        return Answer(text, claims_of(sighting, scene))
    least = count(sighting).least
    number = NUMBERS[min(least, len(NUMBERS) - 1)]
    finding = f"at least {number} {sighting.name if least == 1 else plural(sighting.name)}"
    boxes = tuple(Claim(SOURCE, name, score, box=box) for name, box, score in sighting.boxes[:least])
    # The head tells things apart on a coarse grid: exact numbers were right less often than not, so none is said.
    return Answer(f"I see {finding}; I cannot count them exactly.", (Claim(SOURCE, finding, sighting.chance), *boxes))


def counted(scene: Scene, question: str) -> Count | None:
    """How many there are; None for a question that is not about how many of something that the head knows."""
    words = next(
        (words for intent in INTENTS if intent.answer is _how_many and (words := intent.match(question))), None
    )
    sighting = look(scene, words["thing"]) if words else None
    return None if sighting is None else count(sighting)


def _what_things(scene: Scene, words: Words) -> Answer | None:
    found = scene.objects
    names = [name for name in sorted(found.presence, key=lambda n: -found.presence[n]) if found.sees(name)]
    if not names:
        return None
    claims = []
    for name in names[:NAMED_AT_MOST]:
        box = next((d.box for d in found.of(name)), None)
        claims.append(Claim(SOURCE, name, found.presence[name], Basis.INFERRED, box))
    *most, last = [with_article(claim.finding) for claim in claims]
    return Answer(f"I see {', '.join(most)}{' and ' if most else ''}{last}.", tuple(claims))


INTENTS = (
    Intent("where is it", f"(?:{_ASKING_WHERE}|where(?= .* (?:is|are)$)) {_THING}(?: is| are)?{_HERE}", _where),
    Intent("is there one", f"{_ASKING_WHETHER} {_THING}{_HERE}", _is_there),
    Intent("how many", f"how many {_THING}{_VISIBLE}{_PLACED}{_HERE}", _how_many),
    Intent("what things", f"{_ASKING_WHAT}{_HERE}", _what_things),
)

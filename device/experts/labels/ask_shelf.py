"""Answers about prices, sizes and dates: what does it cost, how big is it, which is cheaper, is it past its date."""

from __future__ import annotations

from dataclasses import dataclass

from device.evidence import Answer, Basis, Claim
from device.experts.intent import Words
from device.experts.labels.dates import Stamp, said_day
from device.experts.labels.fact import Fact, distinct
from device.experts.labels.prices import said_per, said_price
from device.experts.labels.quantity import factor, kind_of, shown
from device.experts.labels.view import Named, in_view, joined, labels_of, pair_of, told, upper_first
from device.experts.scene import Scene


def price(scene: Scene, words: Words) -> Answer | None:
    """ "How much is it?", "what is the price per kilo?" """
    seen = [
        one for one in in_view(labels_of(scene), scene.size) if one.label.prices.price or one.label.prices.unit_price
    ]
    if not seen:
        return Answer("I can't read a price here. Point at the tag, and come closer.")
    sentences, claims = [], []
    for one in seen:
        prices = one.label.prices
        parts = []
        if prices.price:
            parts.append(said_price(prices.price))
            claims.append(one.claim(prices.price.claim(parts[-1], one.size)))
        if prices.unit_price:
            parts.append(f"{said_price(prices.unit_price)} {said_per(prices.unit_price)}")
            claims.append(one.claim(prices.unit_price.claim(parts[-1], one.size)))
        sentences.append(upper_first(f"{one.where}it says {', that is '.join(parts)}."))
        if prices.price and not prices.price.unit:
            sentences.append("I can't read the currency.")
        for offer in prices.offers:
            sentences.append(f"There is an offer: {offer.value}.")
            claims.append(one.claim(offer.claim(offer.value, one.size)))
    return told(sentences, claims)


def size(scene: Scene, words: Words) -> Answer | None:
    """ "How much is in it?": None where no size is printed, as it may be about the thing's extent."""
    seen = [one for one in in_view(labels_of(scene), scene.size) if one.label.prices.size]
    if not seen:
        return None
    sentences, claims = [], []
    for one in seen:
        fact = one.label.prices.size
        assert fact is not None
        said = fact.spoken()
        if "count" in fact.note:
            said = f"{fact.note['count']} times {shown(fact.note['each'])} {fact.unit}, {said} in all"
        sentences.append(upper_first(f"{one.where}it says {said}."))
        claims.append(one.claim(fact.claim(said, one.size)))
    return told(sentences, claims)


def dates(scene: Scene, words: Words) -> Answer | None:
    """ "Is it past its date?", "when does it expire?" """
    found = [stamp for one in in_view(labels_of(scene), scene.size) for stamp in one.label.dates]
    telling = [stamp for stamp in found if stamp.kind not in ("made", "")] or [s for s in found if s.kind == ""]
    if not telling:
        made = "I can read only when it was made, no date to use it by." if found else "I can't read a date here."
        return Answer(f"{made} It is often on the lid, the edge or the bottom.")
    stamp = telling[0]
    day = said_day(stamp.day, stamp.whole_month)
    kind = stamp.kind or "a date, without saying what for"
    claims = [stamp.fact.claim(f"{stamp.kind} {day}".strip(), scene.size)]
    if stamp.other is not None:
        other = said_day(stamp.other)
        claims.append(stamp.fact.claim(f"{stamp.kind} {other}".strip(), scene.size))
        sentences = [f"It says {kind}: {day}, or {other} if the month comes first; I can't tell which."]
        if (stamp.day < scene.today) == (stamp.other < scene.today):
            sentences.append("Both have passed." if stamp.day < scene.today else "Neither has passed.")
        return told(sentences, claims)
    passed, claim = _passed(stamp, scene)
    return told([f"It says {kind}: {day}.", passed], [*claims, claim])


def _passed(stamp: Stamp, scene: Scene) -> tuple[str, Claim]:
    days = (stamp.day - scene.today).days
    if days == 0:
        said = "that is today"
    else:
        length = "1 day" if abs(days) == 1 else f"{abs(days)} days"
        said = f"that is in {length}" if days > 0 else f"that was {length} ago"
    return f"{upper_first(said)}.", Claim(
        "labels", said, stamp.fact.confidence, Basis.MEASURED, None, f"{stamp.fact.line} (today {scene.today:%Y-%m-%d})"
    )


@dataclass(frozen=True)
class _Offer:
    """What a thing costs: per kilogram or litre where kind is "mass" or "volume", in all where it is ""."""

    value: float
    currency: str
    kind: str
    facts: tuple[Fact, ...]


def _offers(one: Named) -> list[_Offer]:
    prices = one.label.prices
    found = []
    if prices.unit_price:
        unit = prices.unit_price.note["per_unit"]
        kind = kind_of(unit)
        amount = prices.unit_price.note["per"] * factor(unit, "kg" if kind == "mass" else "l")
        found.append(_Offer(prices.unit_price.value / amount, prices.unit_price.unit, kind, (prices.unit_price,)))
    if prices.price and prices.size:
        kind = kind_of(prices.size.unit)
        amount = prices.size.value * factor(prices.size.unit, "kg" if kind == "mass" else "l")
        found.append(_Offer(prices.price.value / amount, prices.price.unit, kind, (prices.price, prices.size)))
    if prices.price:
        found.append(_Offer(prices.price.value, prices.price.unit, "", (prices.price,)))
    return found


def cheaper(scene: Scene, words: Words) -> Answer | None:
    """ "Which is cheaper?": by weight or volume where both can be worked out, else by the price alone."""
    pair = [one for one in pair_of(scene) if one.label.prices.price or one.label.prices.unit_price]
    if len(pair) < 2:
        known = "I can read only a single price" if pair else "I can't read any price"
        return Answer(f"{known}, so I can't compare. Show me both tags side by side, or ask again at the other.")
    both = [
        (first, second)
        for first in _offers(pair[0])
        for second in _offers(pair[1])
        if first.kind == second.kind and first.currency == second.currency
    ]
    if not both:
        said = joined([said_price(f) for one in pair if (f := one.label.prices.price or one.label.prices.unit_price)])
        claims = [
            one.claim(f.claim(said_price(f), one.size))
            for one in pair
            if (f := one.label.prices.price or one.label.prices.unit_price)
        ]
        return told([f"I read {said}, but they are not in the same units, so I can't compare."], claims)
    first, second = both[0]
    per = {"mass": " per kilogram", "volume": " per litre", "": ""}[first.kind]
    dearer = words.get("way", "") in ("more expensive", "dearer", "most expensive")
    offers = sorted(zip((first, second), pair, strict=True), key=lambda side: side[0].value, reverse=dearer)
    (best, winner), (worst, _) = offers
    spoken = [said_price(Fact(round(side.value, 2), side.currency, (), 1.0)) for side in (best, worst)]
    sure = min(fact.confidence for side in (first, second) for fact in side.facts)
    lines = " | ".join(line.text for line in distinct(*(f.lines for side in (first, second) for f in side.facts)))
    if spoken[0] == spoken[1]:
        said = f"both cost the same: {spoken[0]}{per}"
    else:
        said = f"{winner.name} is {'dearer' if dearer else 'cheaper'}: {spoken[0]} against {spoken[1]}{per}"
    sentences = [f"{upper_first(said)}."]
    if not first.kind:
        sentences.append("I can't read how much is in them.")
    return told(sentences, [Claim("labels", said, sure, Basis.MEASURED, None, lines)])

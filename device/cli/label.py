"""`glint label`: what stands on a package or a price tag, each value with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from device.cli.expert import finish, open_scene, photo_options

if TYPE_CHECKING:
    from device.evidence import Claim
    from device.experts.labels.label import Label


class _Day(click.ParamType):
    name = "YYYY-MM-DD"

    def convert(self, value, param, ctx) -> date:
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no day; write it as 2026-03-31.", param, ctx)


@click.command()
@photo_options
@click.option("--today", type=_Day(), help="The day that dates are compared with; else the computer's.")
def label(image: Path, as_json: bool, show: Path | None, threads: int, offline: bool, today: date | None) -> None:
    """Read nutrition facts, ingredients, allergens, price, size and dates off a photo.

    Understands tables as in the EU and UK, the US and Australia, and facts in one sentence, in English, German and
    French. Nothing is guessed: each value comes with the line it was read from and how sure that is. Values that cannot
    be right (more sugars than carbohydrate, kJ that are not the kcal) are said to contradict each other.

    \b
    With --json:
      fields        {name: {value, unit, line, confidence, basis}} per 100 g or ml, of energy (kcal), fat, saturates,
                    carbohydrate, sugars, fibre, protein, salt, sodium (g); basis is "measured" where it was computed,
                    as from a serving; below is true where "less than" is printed
      per_serving   the same per serving; per_unknown where the label does not say what its values are per
      basis         "100 g" or "100 ml"; serving: the size of a serving
      ingredients, allergens, claims, price, unit_price, offers, size, dates, contradictions
      labels        the same of each, where several labels are in view; the rest is then about the middle one

    \b
    Examples:
      glint label --image cereal.jpg
      glint label --image tag.jpg --json
      glint label --image lid.jpg --today 2026-03-31 --show lid-read.png
    """
    from device.experts.labels.label import Label
    from device.experts.labels.view import in_view, labels_of

    scene = open_scene(image, threads, offline, today)
    labels = labels_of(scene)
    named = in_view(labels, scene.size)
    chosen = named[0].label if named else Label()
    record = chosen.record()
    if len(labels) > 1:
        record["labels"] = [one.record() for one in labels]
    finish(scene.pixels, _claims(labels, scene.size), record, _text(labels, bool(scene.lines)), as_json, show)


def _claims(labels: list[Label], size: tuple[int, int]) -> list[Claim]:
    found = []
    for one in labels:
        for name, fact in one.nutrition.printed.items():
            if "from" not in fact.note:  # salt that follows from sodium stands where the sodium does
                found.append(fact.claim(f"{name} {fact.spoken()}", size))
        others = (one.prices.price, one.prices.unit_price, one.prices.size, *(stamp.fact for stamp in one.dates))
        found += [other.claim(other.line, size) for other in others if other is not None]
    return found


def _text(labels: list[Label], any_text: bool) -> str:
    told = [text for text in map(_told, labels) if text]
    if told:
        return "\n\n".join(told)
    return "There is text, but nothing of a label or a price tag in it." if any_text else "I see no text."


def _told(one: Label) -> str:
    nutrition, prices, ingredients = one.nutrition, one.prices, one.ingredients
    lines = []
    serving = f"per serving of {nutrition.serving.spoken()}" if nutrition.serving else "per serving"
    for per, values in (
        (f"per 100 {nutrition.basis}", nutrition.per_100),
        (serving, nutrition.per_serving),
        ("per how much I cannot read", nutrition.unknown),
    ):
        if values:
            lines.append(f"{per}:")
            lines += [f"  {name:<13} {fact.spoken():<22} {_source(fact)}" for name, fact in values.items()]
    if ingredients.list_text:
        lines.append(f"ingredients: {ingredients.list_text}")
    for may, word in ((False, "allergens"), (True, "may contain")):
        names = dict.fromkeys(f"{a.name} ({a.word})" for a in ingredients.allergens if a.may is may)
        if names:
            lines.append(f"{word}: {', '.join(names)}")
    for name, fact in (("price", prices.price), ("unit price", prices.unit_price), ("size", prices.size)):
        if fact is not None:
            lines.append(f"{name}: {_source(fact)}")
    lines += [f"offer: {offer.value}" for offer in prices.offers]
    lines += [f"{stamp.kind or 'date'}: {stamp.day} {_source(stamp.fact)}" for stamp in one.dates]
    lines += [f"contradiction: {fact.value}" for fact in nutrition.contradictions]
    return "\n".join(lines)


def _source(fact) -> str:
    computed = " (computed)" if fact.basis.value == "measured" else ""
    return f"[{fact.line}]{computed} {fact.confidence:.2f}"

"""What can be asked of a chart, and the sentences that answer it.

A value read off an axis is "about" and MEASURED, rounded to what the axis supports; a printed one is VERBATIM.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from itertools import pairwise

from rapidfuzz import fuzz, process

from device.evidence import Answer, Basis, Claim
from device.experts.charts.chart import HORIZONTAL, LINES, PARTIAL, Chart, read_chart
from device.experts.charts.values import Label, Point
from device.experts.intent import Words
from device.experts.scene import Scene

SOURCE = "charts"
LIKE = 80  # of 100, between a name that is asked for and one that stands there
CLOSE = 0.015  # of the axis; measured values nearer than that are called about equal
_LOW = ("low", "small", "short", "least", "fewest", "worst", "minimum", "min")

_read: tuple[weakref.ref[Scene], Chart | None] | None = None


def chart_of(scene: Scene) -> Chart | None:
    """The chart in the scene, None where there is none. The last one is kept: a chart is asked about several times."""
    global _read
    if _read is None or _read[0]() is not scene:
        chart = read_chart(scene.pixels, scene.lines, lambda page: scene.instruments.reader().read(page))
        _read = weakref.ref(scene), chart
    return _read[1]


def about(answer: Callable[[Chart, Words], Answer | None]) -> Callable[[Scene, Words], Answer | None]:
    """The answer of an Intent: None where there is no chart."""

    def asked(scene: Scene, words: Words) -> Answer | None:
        chart = chart_of(scene)
        return None if chart is None else answer(chart, words)

    return asked


# --- what is said of one thing


def _verbatim(label: Label, finding: str | None = None) -> Claim:
    return Claim(SOURCE, finding or label.text, label.confidence, Basis.VERBATIM, label.box, label.line)


def spoken(chart: Chart, value: float) -> str:
    """As the axis supports it: 42, 1,250, 0.35, with its unit."""
    rounded = round(value / chart.step) * chart.step
    text = f"{rounded:,.10g}" if abs(rounded) < 1e9 else f"{rounded:.4g}"
    text = "0" if text in ("-0", "0") else text
    return text + "%" if chart.unit == "%" else chart.unit + text


def _value(chart: Chart, point: Point) -> tuple[str, list[Claim]]:
    """The words for its value, and the claim; no words where it is not known."""
    if point.printed is not None:
        text = point.printed.text
        return text, [_verbatim(point.printed), *_of_legend(point)]
    if point.value is None:
        return "", []
    text = spoken(chart, point.value)
    line = point.category.line if point.category else None
    measured = Claim(SOURCE, text, point.confidence, Basis.MEASURED, point.box, line)
    return f"about {text}", [measured, *_of_legend(point)]


def _of_legend(point: Point) -> list[Claim]:
    """That the point belongs to a series, where there are several: its colour tells."""
    return [Claim(SOURCE, point.series, point.confidence, Basis.MEASURED, point.box)] if point.series else []


def _name(chart: Chart, point: Point) -> str:
    if point.category is not None:
        return point.category.text
    others = [other for other in chart.points if other.series == point.series]
    mark = "bar" if chart.kind != LINES else "point"
    return f"{mark} {others.index(point) + 1}"


def _named(chart: Chart, point: Point, confidence: float) -> Claim:
    line = point.category.line if point.category else None
    sure = min(confidence, point.category.confidence if point.category else 0.5)
    return Claim(SOURCE, _name(chart, point), sure, Basis.MEASURED, point.box, line)


def _where(chart: Chart, point: Point) -> str:
    """Norway, or Norway in Plan where there are several series."""
    return _name(chart, point) + (f" in {point.series}" if point.series else "")


# --- the kinds of questions


def title(chart: Chart, words: Words) -> Answer:
    if chart.title is None:
        return Answer("I see a chart, but no title that I can read.")
    return Answer(f"The title is {_sentence(chart.title.text)}", (_verbatim(chart.title),))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else text + "."


def subject(chart: Chart, words: Words) -> Answer:
    kind = f"{_article(chart.kind)} {chart.kind}" if chart.kind else "a chart"
    claims: list[Claim] = [_verbatim(chart.title)] if chart.title else []
    text = f"It is {kind}" + (f" with the title {chart.title.text}" if chart.title else " without a title I can read")
    if chart.value_label is not None:
        text += f", and shows {chart.value_label.text}"
        claims.append(_verbatim(chart.value_label))
        if chart.category_label is not None:
            text += f" by {chart.category_label.text}"
            claims.append(_verbatim(chart.category_label))
    return Answer(_sentence(text), tuple(claims))


def _article(word: str) -> str:
    return "an" if word[:1] in "aeiou" else "a"


def axis(chart: Chart, words: Words) -> Answer:
    vertical = words["axis"] in ("y", "vertical", "why")
    of_values = vertical != (chart.kind == HORIZONTAL)
    label = chart.value_label if of_values else chart.category_label
    claims: list[Claim] = []
    ends = chart.ends if of_values else _outer(chart)
    name = f"The {'y' if vertical else 'x'} axis"
    if label is not None:
        claims.append(_verbatim(label))
        text = f"{name} shows {label.text}"
    else:
        text = f"{name} has no label that I can read"
    if ends is not None and ends[0].text != ends[1].text:
        claims += [_verbatim(ends[0]), _verbatim(ends[1])]
        text += f", from {ends[0].text} to {ends[1].text}"
    return Answer(_sentence(text), tuple(claims))


def _outer(chart: Chart) -> tuple[Label, Label] | None:
    labels = [point.category for point in chart.points if point.category is not None]
    return (labels[0], labels[-1]) if labels else None


def extreme(chart: Chart, words: Words) -> Answer | None:
    """Which is the highest; what is the highest value."""
    low = words["most"].startswith(_LOW)
    points, series = _of_series(chart, words.get("series", ""))
    if points is None:
        return _no_such(chart, words.get("series", ""))
    if not points:
        return _nothing(chart)
    ordered = sorted(points, key=lambda point: point.size if point.value is None else point.value, reverse=not low)
    best, rivals = ordered[0], _rivals(chart, ordered)
    superlative = "lowest" if low else "highest"
    value, claims = _value(chart, best)
    where = _name(chart, best) if series else _where(chart, best)
    scope = (f" in {series}" if series else "") + (" of those I can read" if chart.trouble == PARTIAL else "")
    if rivals:
        names = " and ".join(_where(chart, point) for point in (best, *rivals))
        every = [_named(chart, point, 0.5) for point in (best, *rivals)]
        text = f"{names} are about equal and the {superlative}{scope}" + (f", at {value}" if value else "")
        return Answer(_sentence(text), (*claims, *every) if "value" in words else (*every, *claims))
    who = _named(chart, best, best.confidence)
    if "value" in words:
        if not value:
            return Answer(f"I cannot tell its value. {chart.trouble}".strip(), ())
        return Answer(f"The {superlative} value{scope} is {value}, for {where}.", (*claims, who))
    return Answer(
        _sentence(f"The {superlative}{scope} is {where}" + (f", at {value}" if value else "")), (who, *claims)
    )


def _rivals(chart: Chart, ordered: Sequence[Point]) -> list[Point]:
    """Others that may as well be the first: measured, and too near to tell."""
    best = ordered[0]
    if best.value is None:
        return []
    exact = [point for point in ordered[1:] if point.value is not None]
    near = CLOSE * chart.span
    return [
        point
        for point in exact
        if abs((point.value or 0.0) - (best.value or 0.0))
        <= (near if point.printed is None or best.printed is None else 0.0)
    ]


def _of_series(chart: Chart, asked: str) -> tuple[list[Point] | None, str]:
    """The points of the series that is asked for, all where none is; None where there is none of that name."""
    if not asked:
        return list(chart.points), ""
    found = _like(asked, [name for name in chart.series if name])
    if found is None:
        return (
            (list(chart.points), "") if asked in ("this chart", "the chart", "the graph", "it", "all") else (None, "")
        )
    return [point for point in chart.points if point.series == found], found


def _like(asked: str, names: Sequence[str]) -> str | None:
    """The name that is meant, as it stands there."""
    lowered = {name.lower().strip(" .:"): name for name in names}
    if asked in lowered:
        return lowered[asked]
    best = process.extractOne(asked, list(lowered), scorer=fuzz.ratio, score_cutoff=LIKE)
    return lowered[best[0]] if best else None


def of_name(chart: Chart, words: Words) -> Answer | None:
    """The value of a bar or point that is named, perhaps with its series."""
    if not chart.points:
        return _nothing(chart)
    names = list(dict.fromkeys(point.category.text for point in chart.points if point.category))
    asked, series = _split(chart, words["name"], names)
    if asked is None:
        return _no_such(chart, words["name"])
    points = [point for point in chart.points if point.category and point.category.text == asked]
    points = [point for point in points if not series or point.series == series]
    if not points:
        return _no_such(chart, words["name"])
    parts, claims = [], []
    for point in points:
        value, found = _value(chart, point)
        if value:
            parts.append(value + (f" in {point.series}" if point.series and not series else ""))
            claims += found
    if not parts:
        return Answer(f"I see {asked}, but cannot tell its value. {chart.trouble}".strip(), ())
    scope = f"{asked} in {series}" if series else asked
    return Answer(f"For {scope} it is {' and '.join(parts)}.", (*claims, _named(chart, points[0], 1.0)))


def _split(chart: Chart, asked: str, names: Sequence[str]) -> tuple[str | None, str]:
    """ "plan in finland" or "finland in plan" -> the category and the series."""
    found = _like(asked, names)
    if found is not None:
        return found, ""
    known = [name for name in chart.series if name]
    parts = asked.split()
    for at in range(1, len(parts)):
        one = " ".join(parts[:at]).removesuffix(" in").removesuffix(" for").removesuffix(" of")
        other = " ".join(parts[at:])
        for linking in ("in ", "for ", "of ", "the "):
            other = other.removeprefix(linking)
        for category, series in ((one, other), (other, one)):
            name, line = _like(category, names), _like(series, known)
            if name is not None and line is not None:
                return name, line
    return None, ""


def _no_such(chart: Chart, asked: str) -> Answer | None:
    labels = {point.category.text: point.category for point in chart.points if point.category}
    if not labels:
        return _nothing(chart)
    listed = list(labels)
    names = ", ".join(listed[:-1]) + " and " + listed[-1] if len(listed) > 1 else listed[0]
    what = "that" if any(letter.isdigit() for letter in asked) else asked  # a number is said only where it stands
    return Answer(
        f"I do not see {what} in this chart. It has {names}.", tuple(_verbatim(label) for label in labels.values())
    )


def _nothing(chart: Chart) -> Answer:
    return Answer(f"I see a chart, but cannot read its values. {chart.trouble}".strip())


def kind(chart: Chart, words: Words) -> Answer:
    if not chart.kind:
        return Answer(f"It looks like a chart, but I cannot tell which kind. {chart.trouble}")
    sure = max((point.confidence for point in chart.points), default=0.5)
    text = f"It is {_article(chart.kind)} {chart.kind}."
    return Answer(text, (Claim(SOURCE, chart.kind, sure, Basis.MEASURED),))


def trend(chart: Chart, words: Words) -> Answer | None:
    points, series = _of_series(chart, words.get("series", ""))
    if points is None:
        return _no_such(chart, words.get("series", ""))
    sentences, claims = [], []
    for name in [series] if series else list(chart.series):
        run = [point for point in points if point.series == name]
        if len(run) < 2:
            continue
        text, found = _course(chart, run)
        sentences.append(f"{name or 'It'} {text}.")
        claims += found
    return Answer(" ".join(sentences), tuple(claims)) if sentences else _nothing(chart)


def _course(chart: Chart, run: Sequence[Point]) -> tuple[str, list[Claim]]:
    """ "goes up, from about 3 in 2019 to about 8 in 2022"."""
    sizes = [point.size for point in run]
    whole = (max(sizes) - min(sizes)) or 1.0
    steps = [(b - a) / whole for a, b in pairwise(sizes)]
    change = (sizes[-1] - sizes[0]) / whole
    steady = all(step > -0.08 for step in steps) or all(step < 0.08 for step in steps)
    if abs(change) < 0.08:
        course = "ends about where it began"
    elif steady or abs(change) > 0.75:
        course = "goes up" if change > 0 else "goes down"
    else:
        course = "goes up and down, and ends " + ("higher" if change > 0 else "lower") + " than it began"
    (start, began), (end, ended) = _value(chart, run[0]), _value(chart, run[-1])
    claims = [*began, *ended, _named(chart, run[0], 1.0), _named(chart, run[-1], 1.0)]
    if start and end:
        return f"{course}, from {start} in {_name(chart, run[0])} to {end} in {_name(chart, run[-1])}", claims
    return course, []


def describe(chart: Chart, words: Words) -> Answer:
    start = subject(chart, words)
    if not chart.points:
        return Answer(f"{start.text} {chart.trouble}".strip(), start.claims)
    high, low = (extreme(chart, {"most": most}) for most in ("highest", "lowest"))
    parts = [start, *(part for part in (high, low) if part is not None)]
    text = " ".join([*(part.text for part in parts), chart.trouble]).strip()
    return Answer(text, tuple(claim for part in parts for claim in part.claims))


def of_known_name(chart: Chart, words: Words) -> Answer | None:
    """As of_name where the chart has that name; the words alone could ask for a price or for a number of things."""
    names = [point.category.text for point in chart.points if point.category]
    return of_name(chart, words) if _split(chart, words["name"], names)[0] is not None else None


def highest_value(chart: Chart, words: Words) -> Answer | None:
    """As extreme, the value first."""
    return extreme(chart, {**words, "value": "value"})

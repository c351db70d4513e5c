"""Cards about charts: the values as bars, what was asked for highlighted."""

from __future__ import annotations

from collections.abc import Sequence

from device.cards.card import Part, Picture, Rows, Shape
from device.cards.found import Found, number, reading, row
from device.evidence import Basis, Claim

SOURCE = "charts"


def bars(found: Found) -> Sequence[Part]:
    """All values of the chart where it is at hand, else the one that was told."""
    return _whole(found) or _told(found)


def _whole(found: Found) -> Sequence[Part]:
    if found.scene is None:
        return ()
    from device.experts.charts.answers import chart_of, spoken

    chart = chart_of(found.scene)
    if chart is None or not any(point.value is not None for point in chart.points):
        return ()
    told = {claim.finding for claim in found.turn.evidence}
    rows = []
    for point in chart.points:
        if point.category is None or point.value is None:
            continue
        category, printed = point.category, point.printed
        text = printed.text if printed else spoken(chart, point.value)
        basis = Basis.VERBATIM if printed else Basis.MEASURED
        sure = printed.confidence if printed else point.confidence
        claim = Claim(SOURCE, text, sure, basis, point.box, category.line)
        found.claims += [claim, Claim(SOURCE, category.text, category.confidence, Basis.VERBATIM, None, category.line)]
        found.claims += [Claim(SOURCE, point.series, sure, Basis.MEASURED)] if point.series else []
        name = f"{category.text}, {point.series}" if point.series else category.text
        best = category.text in told and (not point.series or point.series in told)
        value = text if printed else f"about {text}"
        rows.append(row(claim, name, value, amount=point.value, best=best))
    if chart.title is not None:
        title = chart.title
        found.claims.append(Claim(SOURCE, title.text, title.confidence, Basis.VERBATIM, title.box, title.line))
    return (Rows(tuple(rows), Shape.BARS, chart.title.text if chart.title else ""), Picture()) if rows else ()


def _told(found: Found) -> Sequence[Part]:
    """One value and what it is of."""
    values = [claim for claim in found.claims if number(claim.finding) is not None and claim.box]
    names = [claim for claim in found.claims if number(claim.finding) is None and claim.box]
    if len(values) != 1 or len(names) != 1:
        return ()
    about = "about " if values[0].basis is Basis.MEASURED else ""
    return reading(values[0], about + values[0].finding, caption=names[0].finding), Picture()

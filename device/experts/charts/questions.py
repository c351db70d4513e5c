"""What can be asked of a chart: a row for each way of asking."""

from __future__ import annotations

from device.experts.charts.answers import (
    about,
    axis,
    describe,
    extreme,
    highest_value,
    kind,
    of_known_name,
    of_name,
    subject,
    title,
    trend,
)
from device.experts.intent import Intent

_CHART = r"(?:chart|graph|diagram|plot|figure)"
_THIS = rf"(?:this|the|that) (?:bar |line )?{_CHART}"
_HERE = rf"(?: (?:on|in|of) {_THIS})?"
_IS = r"(?: is| was| are| were|'s)"
_ONE = (
    r"(?: (?:one|bar|line|point|column|category|item|value|month|year|day|hour|quarter|country|city|group|class|team))?"
)
_MOST = (
    r"(?P<most>highest|largest|biggest|tallest|longest|greatest|best|most|maximum|max|top"
    r"|lowest|smallest|shortest|least|fewest|worst|minimum|min)"
)
_SERIES = rf"(?: (?:for|in|of|among) (?P<series>(?!{_THIS}).+?))?"
_AXIS = r"(?P<axis>x|y|why|horizontal|vertical)[ -]axis"
_BAR = r"(?: bar| column| line)?"
_CHANGE = r"(?:go|going|gone|rise|rising|rose|fall|falling|increas(?:e|ing)|decreas(?:e|ing)|trending)"

INTENTS: tuple[Intent, ...] = (
    Intent("chart title", rf"what{_IS} the (?:title|heading|headline){_HERE}", about(title)),
    Intent("chart title", rf"(?:read )?the title of {_THIS}|what{_IS} {_THIS} called", about(title)),
    Intent(
        "chart subject", rf"what{_IS} {_THIS} about|what does {_THIS} (?:show|say|tell(?: me| us)?)", about(subject)
    ),
    Intent("chart subject", rf"what{_IS} (?:shown )?(?:on|in) {_THIS}", about(subject)),
    Intent("chart axis", rf"what does the {_AXIS} (?:show|say|mean|stand for|measure){_HERE}", about(axis)),
    Intent(
        "chart axis", rf"what{_IS}(?: shown)?(?: the label)?(?: on| of)? the {_AXIS}(?: label)?{_HERE}", about(axis)
    ),
    Intent("chart axis", rf"(?:read )?the (?:label|title|name) (?:of|on) the {_AXIS}{_HERE}", about(axis)),
    Intent(
        "chart highest value",
        rf"(?:what|how (?:high|much|many|large|big)){_IS} the {_MOST} (?:value|number|amount|point|figure)"
        rf"{_HERE}{_SERIES}",
        about(highest_value),
    ),
    Intent(
        "chart highest value",
        rf"(?:what{_IS} the (?:value|height) of|how (?:high|much|many|large|big){_IS}) the {_MOST}"
        rf"(?: bar| point| one| column){_HERE}",
        about(highest_value),
    ),
    Intent("chart highest", rf"(?:which|what|who){_ONE}{_IS}(?: the)? {_MOST}{_ONE}{_HERE}{_SERIES}", about(extreme)),
    Intent(
        "chart highest",
        rf"(?:which|what|who){_ONE} (?:has|have|had|got|shows) (?:the )?{_MOST}(?: \w+)?{_HERE}{_SERIES}",
        about(extreme),
    ),
    Intent(
        "chart value",
        rf"what{_IS} the (?:value|number|figure|amount|height) (?:of|for|in|at|on) (?:the )?(?P<name>.+?){_BAR}{_HERE}",
        about(of_name),
    ),
    Intent("chart value", rf"what does {_THIS} (?:say|show) (?:for|at|in) (?:the )?(?P<name>.+)", about(of_name)),
    Intent(
        "chart value",
        rf"how (?:much|many|high|tall|large|big){_IS}(?: it)?(?: in| for| at)?(?: the)? (?P<name>.+?){_BAR}{_HERE}",
        about(of_known_name),
    ),
    Intent("chart trend", rf"what{_IS} the trend{_HERE}{_SERIES}", about(trend)),
    Intent(
        "chart trend",
        rf"(?:does|is|did|has) (?:it|{_THIS}|the (?:line|trend|value|curve)) {_CHANGE}(?: up| down)?"
        rf"(?: or (?:(?:go |going )?(?:up|down)|{_CHANGE}))?",
        about(trend),
    ),
    Intent("chart trend", rf"how does (?:it|{_THIS}|the line) (?:change|develop|go)(?: over time)?", about(trend)),
    Intent(
        "chart kind",
        rf"what (?:kind|type|sort) of (?:a )?{_CHART}(?: (?:is|do i see) ?(?:this|that|it|here|shown)?)?",
        about(kind),
    ),
    Intent("chart description", rf"(?:describe|explain|summari[sz]e|read)(?: me)? {_THIS}", about(describe)),
)

"""Reads bar and line charts: title, axes, largest, smallest and named values, by recognised text and geometry."""

from device.experts.charts.answers import chart_of
from device.experts.charts.questions import INTENTS

__all__ = ["INTENTS", "chart_of"]

"""Finds things: where something is, whether it is there, and how many there are."""

from device.experts.finder.questions import INTENTS
from device.experts.finder.search import Sighting, Verdict, count, find, look

__all__ = ["INTENTS", "Sighting", "Verdict", "count", "find", "look"]

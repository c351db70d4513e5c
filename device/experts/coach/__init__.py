"""What is wrong with a picture, and what to do about it."""

from device.experts.coach.faults import INTENTS, advice, coach, find_blindness, find_fault

__all__ = ["INTENTS", "advice", "coach", "find_blindness", "find_fault"]

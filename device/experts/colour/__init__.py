"""The everyday name of a colour, with the light taken out."""

from device.experts.colour.naming import INTENTS, colour_claims, spoken

__all__ = ["INTENTS", "colour_claims", "spoken"]

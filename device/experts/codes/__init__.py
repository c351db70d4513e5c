"""QR codes, bar codes and their like: read with their checksums, announced by what they hold, never opened."""

from device.experts.codes.scan import INTENTS, describe, find_codes, no_code

__all__ = ["INTENTS", "describe", "find_codes", "no_code"]

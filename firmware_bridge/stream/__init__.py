"""Glasses over a plain stream of bytes, for whoever brings a firmware of their own (docs/wire.md)."""

from firmware_bridge.stream.glasses import StreamGlasses, open_stream

__all__ = ["StreamGlasses", "open_stream"]

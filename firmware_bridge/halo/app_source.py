"""Our app for the glasses, as it is sent to them, and the version by which it is told whether they have it already."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.resources import files

from firmware_bridge.halo.messages import VERSION_CHARACTERS

APP = "glint"  # the name that is required on the glasses; the wearer's own main.lua is left alone
PARTS = "talking", "showing", "sounding", "seeing", "glint"  # each knows those before it
FILE, VERSION_FILE = f"{APP}.lua", f"{APP}.ver"
READY = f"{APP} ready"  # what it prints once it runs


@lru_cache(1)
def source() -> str:
    """All parts as one file: one upload, and one chunk of Lua, whose locals they share."""
    folder = files("firmware_bridge.halo").joinpath("app")
    return "\n".join(folder.joinpath(f"{part}.lua").read_text(encoding="utf-8") for part in PARTS)


def version() -> str:
    """A hash of the source: VERSION_CHARACTERS hexadecimal digits."""
    return hashlib.sha256(source().encode()).hexdigest()[:VERSION_CHARACTERS]

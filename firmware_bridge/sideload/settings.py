"""What the assistant is started with on a device, and the profiles that settings are first made from.

The archive brings one settings file; /etc/glint/settings.toml, which updates leave alone, counts before it.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from models.errors import GlintError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROFILES = Path(__file__).with_name("profiles.toml")
FILE = "settings.toml"
LOCAL = Path("/etc/glint") / FILE


@dataclass(frozen=True)
class Settings:
    """Options of `glint run`, by their names there; an empty text is that option left out."""

    glasses: str = "laptop"
    camera: str = ""
    mic: str = ""
    speaker: str = ""
    threads: int = 2
    push_to_talk: bool = False
    wake_words: str = "hey_jarvis"
    voice: str = "piper"
    no_smart_turn: bool = False
    no_echo: bool = False
    patience: float = 1.0

    def arguments(self) -> list[str]:
        """For `glint run`. Nothing is fetched, and turns go nowhere but to the standard output."""
        chosen = ["--offline", "--json"]
        for field in fields(self):
            value, option = getattr(self, field.name), "--" + field.name.replace("_", "-")
            if isinstance(value, bool):
                chosen += [option] if value else []
            elif value != "":
                chosen += [option, str(value)]
        return chosen

    def as_toml(self) -> str:
        """The file's content."""
        lines = [f"# Options of `glint run` on this device; {LOCAL} counts before this file, and updates keep it.", ""]
        for field in fields(self):
            value = getattr(self, field.name)
            said = str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else value
            lines.append(f"{field.name} = {said}")
        return "\n".join(lines) + "\n"


def read_settings(paths: Iterable[Path]) -> Settings:
    """Those of the files that are there, the later ones counting before the earlier.

    Raises GlintError, naming file and key, for what cannot be read, is unknown or of the wrong kind.
    """
    settings = Settings()
    for path in paths:
        if path.is_file():
            settings = replace(settings, **_checked(path, _table(path)))
    return settings


@dataclass(frozen=True)
class Profile:
    """A kind of device. memory_max_mb and cpu_percent are what the service may use of it."""

    name: str
    title: str
    threads: int
    memory_max_mb: int
    cpu_percent: int
    patience: float = 1.0
    warning: str = ""

    @property
    def settings(self) -> Settings:
        return Settings(threads=self.threads, patience=self.patience)


def read_profile(name: str) -> Profile:
    """Raises GlintError for a name that there is not."""
    profiles = _table(PROFILES)
    if name not in profiles:
        nearest = difflib.get_close_matches(name, profiles, n=1, cutoff=0.4)
        hint = f"did you mean {nearest[0]}?" if nearest else f"choose from {', '.join(profiles)}."
        raise GlintError(f"There is no profile {name!r}; {hint}")
    return Profile(name=name, **profiles[name])


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GlintError(f"{path} cannot be read as settings ({error}).") from error


def _checked(path: Path, table: dict[str, Any]) -> dict[str, Any]:
    kinds = {field.name: type(getattr(Settings(), field.name)) for field in fields(Settings)}
    for key, value in table.items():
        if key not in kinds:
            raise GlintError(f"{path}: there is no setting {key!r}; choose from {', '.join(kinds)}.")
        if type(value) is not kinds[key] and not (type(value) is int and kinds[key] is float):
            raise GlintError(f"{path}: {key} must be {_KINDS[kinds[key]]}, not {value!r}.")
    return table


_KINDS = {str: "a text in quotes", int: "a whole number", float: "a number", bool: "true or false"}

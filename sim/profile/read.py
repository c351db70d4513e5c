"""What a device profile is, and how it is read from its TOML file in sim/profiles/, with a source for each figure."""

from __future__ import annotations

import difflib
import re
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from models.errors import GlintError
from sim.scenario.lines import Lines

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parents[1] / "profiles"

if TYPE_CHECKING:
    from sim.profile.device import Device

Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1, le=4096)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file in which every key has a meaning."""


class Processor(Table, frozen=True):
    """linpack_gflops: 10^9 operations a second that all cores reach on a dense system of equations in float64."""

    cores: Count
    linpack_gflops: Positive


class Memory(Table, frozen=True):
    """MB (10^6 bytes). free_mb: what is left for an application once the system is up."""

    total_mb: Positive
    free_mb: Positive


class CameraTable(Table, frozen=True):
    """Pictures no larger than width x height, at most `rate` a second, as JPEG of `quality`."""

    width: Count
    height: Count
    rate: Positive
    quality: Annotated[int, msgspec.Meta(ge=1, le=100)]


class RadioTable(Table, frozen=True):
    """Between the glasses and their host, each way: seconds until a packet is there, and bytes a second.

    sound_bytes_per_s: what coded sound takes of them.
    """

    latency_s: NotNegative
    bytes_per_s: Positive
    sound_bytes_per_s: Positive


class PowerTable(Table, frozen=True):
    """Watts. idle_w: awake and doing nothing; the others come on top while all cores, the camera, the radio work."""

    idle_w: Positive
    cpu_w: NotNegative = 0.0
    camera_w: NotNegative = 0.0
    radio_w: NotNegative = 0.0


class BatteryTable(Table, frozen=True):
    wh: Positive


class HeatTable(Table, frozen=True):
    """One body that is warmed by all power and cools into air of ambient_c.

    kelvin_per_w: how much warmer a watt makes it in the end; seconds: its time constant. Above limit_c it is slowed
    down, at hard_c to throttled_speed of its speed. skin_share: of its excess over ambient_c that reaches the skin.
    """

    ambient_c: float
    kelvin_per_w: Positive
    seconds: Positive
    limit_c: float
    hard_c: float
    throttled_speed: Share
    skin_share: Share


class Profile(Table, frozen=True):
    """A device. processor and memory are absent where the assistant runs elsewhere, radio where nothing is between."""

    title: str
    about: str
    camera: CameraTable
    battery: BatteryTable
    power: PowerTable
    heat: HeatTable
    processor: Processor | None = None
    memory: Memory | None = None
    radio: RadioTable | None = None
    name: str = ""  # of its file

    def applied(self, enforce: bool = False, slow: bool = True) -> AbstractContextManager[Device]:
        """As sim.profile.device.applied."""
        from sim.profile.device import applied

        return applied(self, enforce, slow)


def profiles() -> list[str]:
    """The names of those that come along."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def open_profile(name: str) -> Profile:
    """One that comes along, by name, or a TOML file. Raises GlintError for one that there is not or that is wrong."""
    known = profiles()
    if name in known:
        return read_profile(FOLDER / f"{name}.toml")
    path = Path(name)
    if path.suffix == ".toml" and path.is_file():
        return read_profile(path)
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise GlintError(f"There is no device profile {name}; {hint}There are {', '.join(known)}.")


def read_profile(file: Path) -> Profile:
    """Raises GlintError, with line and key, for a file that is no profile."""
    try:
        text = file.read_text(encoding="utf-8")
        profile = msgspec.convert(tomllib.loads(text), Profile)
    except OSError as error:
        raise GlintError(f"{file} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError:
        raise GlintError(f"{file} is not UTF-8 text; save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise GlintError(f"{file} is not TOML: {error}.") from None
    except msgspec.ValidationError as error:
        raise GlintError(_wrong(file, text, str(error))) from None
    lines = Lines(text)
    heat = profile.heat
    if not heat.ambient_c < heat.limit_c < heat.hard_c:
        line = lines.of(["heat", "limit_c"])
        raise GlintError(f"{file}, line {line}, limit_c: it lies between ambient_c and hard_c.")
    if profile.radio and profile.radio.sound_bytes_per_s >= profile.radio.bytes_per_s:
        line = lines.of(["radio", "sound_bytes_per_s"])
        raise GlintError(f"{file}, line {line}, sound_bytes_per_s: bytes_per_s must leave some for pictures.")
    return msgspec.structs.replace(profile, name=file.stem)


def _wrong(file: Path, text: str, error: str) -> str:
    what, _, at = error.partition(" - at `")
    path: list[str | int] = list(re.findall(r"\.(\w+)", at))
    lines = Lines(text)
    if unknown := re.search(r"unknown field `(.*)`", what):
        return f"{file}, line {lines.of([*path, unknown[1]])}, {unknown[1]}: there is no such key."
    if missing := re.search(r"missing required field `(.*)`", what):
        return f"{file}, line {lines.of(path)}, {missing[1]}: this key is missing."
    key = path[-1] if path else ""
    what = what[:1].lower() + what[1:].replace("`", "")
    return f"{file}, line {lines.of(path)}, {key}: {what}."

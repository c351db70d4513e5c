"""Chooses what the glasses consist of: devices of this computer, files, or some of both."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from device.assembled import Assembled, Closable
from device.files import PICTURES, VIDEOS, FileCamera, FileMicrophone, FileSpeaker, NoButton, Pacing
from device.glasses import Button, Camera, Glasses, Microphone, Speaker
from device.laptop import Camera as LaptopCamera
from device.laptop import Keyboard
from device.laptop import Microphone as LaptopMicrophone
from device.laptop import Speaker as LaptopSpeaker
from models.errors import GlintError

SOUNDS = frozenset({".wav", ".flac", ".ogg", ".mp3"})
Part = TypeVar("Part", bound=Closable)


def open_glasses(
    camera: str | None = None, mic: str | None = None, speaker: str | None = None, realtime: bool = True
) -> Glasses:
    """A pair of glasses. Each part is a device's number or name, None for the default one, or a file.

    `camera` may be a picture, a folder of pictures (one a second) or a video, `mic` a WAV, `speaker` a WAV that is
    written anew. A WAV for a microphone is the clock of file cameras and speakers; without `realtime` it is read as
    fast as asked for. The keyboard is the button unless everything is a file.

    Raises GlintError for a file that is not there, cannot be read or cannot be written; devices say what they lack
    when they are first used.
    """
    seen, heard, spoken = (
        _existing(camera, "picture, folder or video"),
        _existing(mic, "recording"),
        _recording(speaker),
    )
    if heard and spoken and spoken.exists() and spoken.samefile(heard):
        raise GlintError(f"{spoken} cannot be heard and written at once; give the speaker another file.")
    parts: list[Closable] = []

    def kept(part: Part) -> Part:
        parts.append(part)
        return part

    ear: Microphone
    eye: Camera
    mouth: Speaker
    button: Button
    clock = None
    if heard:
        ear = kept(recording := FileMicrophone(heard, realtime))
        clock = recording.heard_s
    else:
        ear = kept(LaptopMicrophone(_device(mic)))
    eye = kept(FileCamera(seen, clock=clock) if seen else LaptopCamera(_device(camera) or 0))
    if spoken:
        mouth = kept(written := FileSpeaker(spoken))
        ear = Pacing(ear, written)
    else:
        mouth = kept(LaptopSpeaker(_device(speaker)))
    button = NoButton() if seen and heard and spoken else kept(Keyboard())
    return Assembled(ear, eye, mouth, button, parts)


def _device(name: str | None) -> int | str | None:
    return int(name) if name is not None and name.strip().isdecimal() else name


def _existing(name: str | None, what: str) -> Path | None:
    """The file or folder that `name` is; None for what must be a device. Raises GlintError for a missing file."""
    if name is None or isinstance(_device(name), int):
        return None
    path = Path(name).expanduser()
    if path.is_file() or path.is_dir():
        return path
    if _looks_like_a_path(name):
        raise GlintError(f"There is no {what} at {path}; check the path.")
    return None


def _recording(name: str | None) -> Path | None:
    """The WAV to write that `name` is; None for what must be a device."""
    if name is None or not _looks_like_a_path(name):
        return None
    path = Path(name).expanduser()
    if path.suffix.lower() != ".wav":
        raise GlintError(f"{path} cannot be written: speech goes into a WAV file; give a name that ends in .wav.")
    return path


def _looks_like_a_path(name: str) -> bool:
    """By its beginning or its ending; the names of devices may have slashes and dots within."""
    if name.startswith(("/", "./", "../", "~")):
        return not name.startswith("/dev/")
    return Path(name).suffix.lower() in SOUNDS | PICTURES | VIDEOS

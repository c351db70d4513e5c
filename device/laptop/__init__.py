"""A laptop as a pair of glasses: its camera, microphone and speaker, and its keyboard for a button."""

from __future__ import annotations

from device.assembled import Assembled
from device.laptop.camera import Camera
from device.laptop.keyboard import Keyboard
from device.laptop.microphone import Microphone
from device.laptop.speaker import Speaker

__all__ = ["Camera", "Keyboard", "Laptop", "Microphone", "Speaker"]


class Laptop(Assembled):
    """Implements device.glasses.Glasses. Devices are numbers or names, None the default; each opens at first use."""

    def __init__(
        self,
        camera: int | str | None = None,
        mic: int | str | None = None,
        speaker: int | str | None = None,
    ) -> None:
        parts = Microphone(mic), Camera(0 if camera is None else camera), Speaker(speaker), Keyboard()
        super().__init__(*parts, parts=parts)

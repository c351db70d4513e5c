"""The camera of a device: what it is shown comes smaller, less often and through JPEG."""

from __future__ import annotations

import cv2
import numpy as np

from device.glasses import Camera, Frame
from sim.profile.read import CameraTable

_EARLY = 0.9  # of the time between two pictures: a camera of the same rate is never quite on time


class DeviceCamera:
    """Implements device.glasses.Camera. `looks` counts how often it was looked through, `pictures` those it took."""

    def __init__(self, camera: Camera, table: CameraTable) -> None:
        self._camera, self._table = camera, table
        self._last: tuple[Frame, Frame, int] | None = None  # as it was, as it comes, bytes of JPEG
        self.looks = self.pictures = 0

    def latest(self) -> Frame | None:
        """As the protocol says."""
        taken = self.take()
        return taken[0] if taken else None

    def take(self) -> tuple[Frame, int] | None:
        """The newest frame and how many bytes it has as JPEG; the same again until it is time for the next."""
        self.looks += 1
        frame = self._camera.latest()
        if frame is None:
            return None
        if self._last is not None:
            before, small, size = self._last
            # By the frames' own clock: that of a recording is not this machine's.
            if frame is before or 0 <= frame.at - before.at < _EARLY / self._table.rate:
                return small, size
        pixels, size = self._through_jpeg(frame.pixels)
        self._last = frame, Frame(pixels, frame.at), size
        self.pictures += 1
        return self._last[1], size

    def _through_jpeg(self, pixels: np.ndarray) -> tuple[np.ndarray, int]:
        height, width = pixels.shape[:2]
        scale = min(1.0, self._table.width / width, self._table.height / height)
        if scale < 1:
            size = max(1, round(width * scale)), max(1, round(height * scale))
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        quality = [cv2.IMWRITE_JPEG_QUALITY, self._table.quality]
        jpeg = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), quality)[1]
        decoded = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
        assert decoded is not None
        return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), len(jpeg)

"""Battery and heat, as the simplest models that behave like them: a store of energy, and one body that is warmed.

Pure arithmetic: it is told what was used for how long. Knows no clock and no process.
"""

from __future__ import annotations

import math

from sim.profile.read import Profile


class Physics:
    """battery: 0..1 of what it holds; celsius: of the body. Both may be set, and go on from there."""

    def __init__(self, profile: Profile) -> None:
        self._power, self._heat, self._wh = profile.power, profile.heat, profile.battery.wh
        self.battery = 1.0
        self.celsius = self._settled(self._power.idle_w)  # it has been on for a while
        self.hottest = self.celsius
        self._seconds = self._joules = 0.0

    def step(self, seconds: float, cpu: float, camera: float = 0.0, radio: float = 0.0) -> None:
        """`seconds` pass; cpu, camera, radio: shares of them, 0..1, in which all cores, the camera, the radio work."""
        if seconds <= 0:
            return
        # A slower clock takes less power, roughly as much less as it is slower.
        power, cpu = self._power, min(1.0, cpu) * self.speed
        watts = power.idle_w + cpu * power.cpu_w + min(1.0, camera) * power.camera_w + min(1.0, radio) * power.radio_w
        self._seconds += seconds
        self._joules += watts * seconds
        self.battery = max(0.0, self.battery - watts * seconds / 3600 / self._wh)
        settled = self._settled(watts)
        self.celsius = settled + (self.celsius - settled) * math.exp(-seconds / self._heat.seconds)
        self.hottest = max(self.hottest, self.celsius)

    @property
    def speed(self) -> float:
        """Of what the processor can do when it is cool: 1, less above limit_c, throttled_speed at hard_c."""
        heat = self._heat
        over = (self.celsius - heat.limit_c) / (heat.hard_c - heat.limit_c)
        return 1 - (1 - heat.throttled_speed) * min(1.0, max(0.0, over))

    @property
    def skin_celsius(self) -> float:
        """Of what touches the skin."""
        return self._heat.ambient_c + self._heat.skin_share * (self.celsius - self._heat.ambient_c)

    @property
    def mean_w(self) -> float:
        """Watts, over all that has passed."""
        return self._joules / self._seconds if self._seconds else self._power.idle_w

    @property
    def hours(self) -> float:
        """That a full battery lasts when it goes on like this."""
        return self._wh / self.mean_w

    def settled_at_mean(self) -> float:
        """Degrees Celsius of the body after hours like this."""
        return self._settled(self.mean_w)

    def _settled(self, watts: float) -> float:
        return self._heat.ambient_c + self._heat.kelvin_per_w * watts

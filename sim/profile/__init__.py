"""Glasses-class devices: what limits this process to one, and models of what cannot be limited here.

docs/profiles.md says what is measured, what is modelled and where the figures come from.
"""

from sim.profile.device import Device, applied
from sim.profile.guard import guard
from sim.profile.read import Profile, open_profile, profiles

__all__ = ["Device", "Profile", "applied", "guard", "open_profile", "profiles"]

"""Emulated Halo glasses behind a Bluetooth that needs no radio: see README.md for what they can tell."""

from sim.radio.bluetooth import fake_bluetooth
from sim.radio.clock import run_fast
from sim.radio.glasses import EmulatedHalo
from sim.radio.link import DOWN, UP, Link, Storm

__all__ = ["DOWN", "UP", "EmulatedHalo", "Link", "Storm", "fake_bluetooth", "run_fast"]

"""Halo as glasses: opened and closed, in real time, from several threads."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import firmware_bridge.halo
from device.cards.card import text_card
from device.glasses import RATE, Light, Unplugged
from firmware_bridge.halo import open_halo
from firmware_bridge.halo.session import State
from models.errors import GlintError

radio = pytest.importorskip("sim.radio")


def fast(**halo):
    """Glasses on a link that is faster than any, so that nobody waits for the app to be sent."""
    return radio.EmulatedHalo(mtu=512, link=radio.Link(bytes_per_s=2e6, latency_s=0.001), **halo)


def until(fulfilled, seconds=20.0):
    end = time.monotonic() + seconds
    while not fulfilled():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_importing_it_costs_nothing():
    heavy = "{'bleak', 'brilliant_ble', 'lc3', 'lz4', 'numpy'}"
    code = f"import sys, firmware_bridge.halo; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_what_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(firmware_bridge.halo, "find_spec", lambda name: None if name == "lc3" else object())
    with pytest.raises(GlintError, match=r"need lc3; install with: pip install 'glint\[halo\]'"):
        open_halo()


def test_it_starts_at_the_first_use_and_ends_when_it_is_closed():
    states: list[State] = []
    notes: list[str] = []
    with radio.fake_bluetooth([halo := fast()]):
        glasses = open_halo(on_note=notes.append, on_state=states.append)
        assert not any(thread.name == "glint halo" for thread in threading.enumerate())
        with pytest.raises(Unplugged, match="looking"):
            glasses.microphone.read(0.1)
        until(lambda: states[-1:] == [State.RUN])
        assert notes == ["Halo 4F is there (firmware 0.8.12)."]
        halo.press()
        until(glasses.button.pressed, 3)
        glasses.light(Light.GREEN)
        glasses.show([text_card("Glint", "Hello.")])
        until(lambda: tuple(np.asarray(halo.screen())[245, 127, :3]) == (0, 200, 80), 5)
        assert glasses.condition().battery == 0.85
        until(lambda: glasses.camera.latest() is not None, 5)
        until(lambda: glasses.microphone.read(0.1) is not None, 5)
        assert glasses.microphone.late_s() < 1
        glasses.speaker.play(np.full(RATE // 2, 0.3, np.float32), RATE)
        until(lambda: glasses.speaker.pending_s() == 0, 3)
        began = time.monotonic()
        glasses.close()
        assert time.monotonic() - began < 2.5
        assert states[-1] is State.CLOSED
        assert not halo.listening
        assert halo.sounds == []  # a host that goes in order is not lost
        glasses.close()
        with pytest.raises(GlintError, match="closed"):
            glasses.microphone.read(0.1)
    assert not any(thread.name == "glint halo" for thread in threading.enumerate())


def test_closing_what_was_never_used():
    open_halo().close()


def test_many_threads_at_once_and_a_link_that_comes_and_goes():
    with radio.fake_bluetooth([halo := fast()]):
        glasses = open_halo()
        failures: list[BaseException] = []
        over = threading.Event()

        def use(what):
            while not over.is_set():
                began = time.monotonic()
                try:
                    what()
                except Unplugged:
                    pass
                except BaseException as error:
                    failures.append(error)
                    return
                if time.monotonic() - began > 3:  # on a machine that others use
                    failures.append(AssertionError(f"{what} blocked"))
                time.sleep(0.01)

        uses = [
            lambda: glasses.microphone.read(0.05),
            glasses.camera.latest,
            lambda: glasses.speaker.play(np.zeros(800, np.float32), RATE),
            glasses.speaker.stop,
            glasses.speaker.pending_s,
            glasses.pressed,
            lambda: glasses.show([text_card("Glint", str(time.monotonic()))]),
            glasses.condition,
        ]
        threads = [threading.Thread(target=use, args=(what,)) for what in uses]
        for thread in threads:
            thread.start()
        try:
            for _ in range(3):
                until(lambda: glasses.driver.session.state is State.RUN)
                time.sleep(0.5)
                halo.drop()
                until(lambda: glasses.driver.session.state is not State.RUN)
        finally:
            over.set()
            for thread in threads:
                thread.join(3)
            glasses.close()
        assert failures == []
        assert not any(thread.is_alive() for thread in threads)

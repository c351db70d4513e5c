"""Real Chromium for tests of the page, with a microphone that plays a recording and a loudspeaker that can be heard."""

import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def chromium_path():
    """Fails the test where there is none: the page is what the simulator is about."""
    path = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail("the page is tested in Chromium; run: sudo apt-get install chromium")
    return path


@contextmanager
def browser(devices="fake"):
    """devices: "fake" ones; "real", those of the system's sound server; None, which the wearer does not permit."""
    from playwright.sync_api import sync_playwright

    flags = list(FLAGS)
    if devices == "fake":  # which fakes the loudspeaker too
        flags.append("--use-fake-device-for-media-stream")
    flags.append("--use-fake-ui-for-media-stream" if devices else "--deny-permission-prompts")
    with sync_playwright() as playwright:
        heard = ["--mute-audio"]  # what playwright does to a browser without a window
        running = playwright.chromium.launch(executable_path=chromium_path(), args=flags, ignore_default_args=heard)
        try:
            yield running
        finally:
            running.close()


@contextmanager
def simulator(*options):
    """`glint sim` in a process of its own; the address that it prints."""
    command = [sys.executable, "-m", "device", "sim", "--port", "0", "--offline", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if found := re.search(r"https?://\S+", line):
                break
        else:
            pytest.fail("glint sim ended: " + "".join(lines))
        yield found[0]
        assert process.poll() is None, "glint sim has ended during the test"
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def until(true, timeout_s=60.0):
    """Waits until `true()` is, and returns it."""
    deadline = time.monotonic() + timeout_s
    while not (result := true()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return result

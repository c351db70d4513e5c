import os
import subprocess
import sys
from pathlib import Path

import pytest

from device.laptop import Keyboard

pytestmark = pytest.mark.real_time

ROOT = Path(__file__).parents[2]


PRESSES = """
import sys, time
from device.laptop import Keyboard
button = Keyboard()
print("pressed" if button.pressed() else "ready", flush=True)
for _ in range(3):
    deadline = time.monotonic() + 10
    while not (pressed := button.pressed()) and time.monotonic() < deadline:
        time.sleep(0.01)
    print("pressed" if pressed else "late", button.pressed(), flush=True)
button.close()
print("closed", flush=True)
print("typed", input(), flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_enter_and_space_in_the_terminal_are_the_button():
    import pty

    process, terminal = pty.fork()
    if process == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-c", PRESSES])
    seen = b""

    def until(text):
        nonlocal seen
        while text not in seen:
            seen += os.read(terminal, 1024)
        seen = seen.split(text, 1)[1]

    try:
        until(b"ready")
        os.write(terminal, b"x y")
        until(b"pressed False")
        os.write(terminal, b"\r")
        until(b"pressed False")
        os.write(terminal, b"\n\n")
        until(b"pressed False")
        until(b"closed")
        os.write(terminal, b"as before\n")  # seen and line by line
        until(b"as before")
        until(b"typed as before")
    finally:
        os.close(terminal)
        os.waitpid(process, 0)


@pytest.mark.parametrize("stdin", ["", "<&-", "</dev/null", "<<< '   '"])
def test_without_a_terminal_the_button_is_never_pressed(stdin):
    script = "from device.laptop import Keyboard; b = Keyboard(); print(b.pressed(), b.pressed()); b.close(); b.close()"
    command = f'"{sys.executable}" -c "{script}" {stdin}'
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, stdin=subprocess.PIPE, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "False False\n", done.stderr


def test_a_closed_keyboard_is_never_pressed():
    button = Keyboard()
    button.close()
    assert not button.pressed()

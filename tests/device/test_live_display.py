import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo-terminals", allow_module_level=True)

from terminal import Terminal

pytestmark = pytest.mark.real_time

ROOT = Path(__file__).parents[2]
BEGINNING = """
import sys, time
from device.cli.live_display import open_display
from device.laptop import Keyboard
from device.turn import Turn
TURN = Turn(transcript="What is this?", answer="A pineapple.", timings_ms={
    "endpoint": 450.0, "transcribe": 120.0, "first_token": 150.0, "first_speech": 600.0, "first_audio": 810.0})
"""


@pytest.fixture
def terminal():
    opened = []

    def start(script, columns=80, **environment):
        opened.append(Terminal("-c", BEGINNING + script, columns=columns, environment=environment))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


SHOWS = """
with open_display(hint="say hello") as show:
    def step(kind, text):
        show.event(kind, text)
        sys.stdin.readline()
    sys.stdin.readline()
    step("state", "listening")
    step("partial", "What is")
    show.event("state", "thinking")
    step("transcript", "What is this?")
    show.event("state", "speaking")
    step("saying", "A pine")
    show.turn(TURN)
    step("state", "listening")
    step("note", "The camera is gone; plug it in again.")
    show.event("transcript", "Stop.")
    show.event("command", "stop")
    step("state", "asleep")
"""


def test_the_live_line_shows_the_turn_as_it_goes_and_what_is_over_scrolls_above(terminal):
    shown = terminal(f"import os; os.system('stty -echo'){SHOWS}")

    def last(screen):
        return screen.lines[-1]

    for begins, says in [
        ("\u25cb asleep", "say hello"),
        ("\u25cf listening", ""),
        ("\u25cf listening", "What is"),
        ("\u25c6 thinking", "What is this?"),
        ("\u25b6 speaking", "A pine"),
        ("\u25cf listening", ""),
        ("\u25cf listening", ""),
        ("\u25cb asleep", "say hello"),
    ]:
        shown.until(lambda s, begins=begins, says=says: last(s).startswith(begins) and last(s).rstrip().endswith(says))
        assert not shown.screen.cursor
        shown.type("\n")
    assert shown.wait() == 0
    assert shown.screen.cursor
    assert [line.rstrip() for line in shown.screen.lines if line.strip()] == [
        "      you  What is this?",
        "    glint  A pineapple.",
        "     time  first sound 0.81 s: pause 0.45, wait 0.36 (words 0.12, speech 0.60)",
        "     note  The camera is gone; plug it in again.",
        "      you  Stop.",
        "  command  stop",
    ]


PRICE = """
from device.evidence import Basis, Claim
with open_display() as show:
    TURN.answer, TURN.answered_by = "It says 2.49 euros.", "price"
    TURN.evidence = [Claim("labels", "2.49 euros", 0.95, Basis.VERBATIM, (0.2, 0.3, 0.6, 0.5))]
    show.turn(TURN)
    show.event("note", "over")
    sys.stdin.readline()
"""


@pytest.mark.parametrize(("columns", "carded"), [(80, True), (30, False)])
def test_what_is_better_seen_is_a_card_below_the_answer_where_there_is_room(terminal, columns, carded):
    shown = terminal(PRICE, columns)
    shown.until(lambda screen: any("note  over" in line for line in screen.lines))
    assert any("\u20ac2.49" in line for line in shown.screen.lines) is carded
    shown.type("\n")
    assert shown.wait() == 0


@pytest.mark.parametrize("columns", [4, 12, 30, 80])
def test_a_long_transcript_shows_its_end_on_one_line(terminal, columns):
    shown = terminal(
        """
with open_display() as show:
    show.event("state", "listening")
    for count in range(60):
        show.event("partial", "\u6c34\\n\\x1b[2J[bold]" + "word " * count)
    show.event("partial", "word " * 60 + "END")
    sys.stdin.readline()
""",
        columns,
    )
    shown.until(lambda screen: screen.lines[-1].endswith("\u2026" if columns == 4 else "END"))
    assert "\u2026" in shown.screen.lines[-1]
    shown.type("\n")
    assert shown.wait() == 0
    assert shown.screen.wrapped == 0


def test_a_long_turn_wraps_above_the_live_line_and_is_not_drawn_over(terminal):
    shown = terminal(
        """
with open_display(trace=True) as show:
    TURN.answer = "word " * 60 + "END"
    for _ in range(3):
        show.turn(TURN)
        show.event("state", "listening")
        show.event("state", "asleep")
""",
        40,
    )
    assert shown.wait() == 0
    whole = "".join(line.ljust(40) for line in shown.screen.lines)
    assert whole.count("word") == 180
    assert whole.count("END") == 3
    assert sum("first speech" in line for line in shown.screen.lines) == 3
    assert not any("asleep" in line for line in shown.screen.lines)


BUTTON = """
button = Keyboard()
with open_display(hint="ready") as show:
    presses = 0
    button.pressed()
    show.event("note", "go")
    while True:
        presses += button.pressed()
        show.event("partial", f"presses {presses}")
        if presses == 3:
            show.turn(TURN)
            presses = 4
        time.sleep(0.01)
"""


def test_the_button_and_the_live_line_share_the_terminal(terminal):
    shown = terminal(BUTTON)
    shown.until(lambda screen: "go" in screen.lines[0])
    for count, keys in [(1, "\n"), (2, "abc "), (4, "\r")]:
        shown.type(keys)
        shown.until(lambda screen, count=count: f"presses {count}" in screen.lines[-1])
    assert [line.split()[:2] for line in shown.screen.lines[:-1]] == [
        ["note", "go"],
        ["you", "What"],
        ["glint", "A"],
        ["time", "first"],
    ]
    assert "abc" not in "".join(shown.screen.lines)
    assert not shown.echoes()
    os.kill(shown.process, signal.SIGINT)
    assert shown.wait() != 0
    assert shown.screen.cursor
    assert shown.echoes()
    assert sum("presses" in line for line in shown.screen.lines if "show.event" not in line and "+=" not in line) == 0


def test_an_exception_gives_the_cursor_back(terminal):
    shown = terminal(
        """
with open_display() as show:
    show.event("state", "thinking")
    raise ValueError("out of luck")
"""
    )
    assert shown.wait() == 1
    assert shown.screen.cursor
    assert "ValueError: out of luck" in "".join(shown.screen.lines)
    assert not any("thinking" in line and "show" not in line for line in shown.screen.lines)


def test_where_the_terminal_can_do_nothing_there_are_plain_lines(terminal):
    shown = terminal("with open_display() as show: show.event('state', 'listening'); show.turn(TURN)", TERM="dumb")
    assert shown.wait() == 0
    assert [line.split()[0] for line in shown.screen.lines if line] == ["state", "glint", "time"]


def piped(script, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", BEGINNING + script],
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


EVENTS = """
with open_display(as_json={as_json}, trace={trace}) as show:
    show.event("state", "listening")
    show.event("note", "[red]" + "long " * 40)
    show.event("transcript", "What is this?")
    show.event("saying", "A pine")
    show.turn(TURN)
    sys.stdin.readline()
"""


def test_in_a_pipe_there_are_plain_lines_at_once():
    with piped(EVENTS.format(as_json=False, trace=False), FORCE_COLOR="1", TTY_COMPATIBLE="1") as process:
        lines = [process.stdout.readline().decode() for _ in range(5)]  # while the program still runs
        assert process.poll() is None
        out, err = process.communicate(b"\n", timeout=30)
    assert out == err == b""
    assert lines == [
        "    state  listening\n",
        "     note  [red]" + " ".join(["long"] * 40) + "\n",
        "      you  What is this?\n",
        "    glint  A pineapple.\n",
        "     time  first sound 0.81 s: pause 0.45, wait 0.36 (words 0.12, speech 0.60)\n",
    ]


def test_in_a_pipe_the_trace_is_plain_too():
    with piped(EVENTS.format(as_json=False, trace=True), PYTHONIOENCODING="ascii") as process:
        out, err = process.communicate(b"\n", timeout=30)
    assert err == b""
    assert b"\x1b" not in out
    assert out.count(b" ms\n") == 5


def test_with_json_the_turns_alone_are_on_standard_output():
    with piped(EVENTS.format(as_json=True, trace=True), FORCE_COLOR="1") as process:
        line = process.stdout.readline()
        out, err = process.communicate(b"\n", timeout=30)
    assert json.loads(line)["answer"] == "A pineapple."
    assert out == b""
    assert err.startswith(b"     note  [red]long long")
    assert b"\x1b" not in err


def test_a_reader_that_goes_away_ends_the_program_without_a_traceback():
    with piped(
        "with open_display(as_json=True) as show:\n    while True: show.turn(TURN); time.sleep(0.01)"
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        start = time.monotonic()
        assert process.wait(30) == 1
        assert time.monotonic() - start < 5
        assert process.stderr.read() == b""

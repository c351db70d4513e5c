"""Slows another process down evenly: lets it run for a moment, holds it for the rest of a period, over and over.

Started by sim.profile.slowdown as a script of its own, with the process to hold as its parent: it must start fast and
import nothing of ours. Reads the factor from standard input, a line each time it changes, and ends with it. Sleeps are
never exact: what a moment was too long or a rest too short is made up for in the next rest.
"""

import contextlib
import os
import select
import signal
import sys
import time

PERIOD_S = 0.010  # of one moment and one rest, as far as a moment is not shorter than MOMENT_S then
MOMENT_S = 0.002
LONGEST_DEBT_S = 1.0


def main() -> None:
    process, factor, said = int(sys.argv[1]), 1.0, b""
    owed = 0.0  # seconds of rest
    # Ctrl-C is for the process; the end of standard input is for this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())  # through finally
    try:
        while os.getppid() == process:
            if select.select([0], [], [], 0 if factor > 1 else 0.5)[0]:
                more = os.read(0, 4096)
                if not more:
                    return
                *lines, said = (said + more).split(b"\n")
                factor = float(lines[-1]) if lines else factor
                owed = 0.0
            if factor <= 1:
                continue
            start = time.monotonic()
            time.sleep(max(MOMENT_S, PERIOD_S / factor))
            stopped = time.monotonic()
            os.kill(process, signal.SIGSTOP)
            owed = min(LONGEST_DEBT_S, owed + (stopped - start) * (factor - 1))
            time.sleep(max(0.0, owed))
            os.kill(process, signal.SIGCONT)
            owed -= time.monotonic() - stopped
    except ProcessLookupError:
        pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            if os.getppid() == process:
                os.kill(process, signal.SIGCONT)


if __name__ == "__main__":
    main()

"""Work in a process of its own, so that an assistant that goes on to answer does not keep the memory it took.

The process reports in JSON lines on its standard output. Knows nothing about the work.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from models.errors import GlintError

Work = Callable[[Callable[[float], None]], object]
"""Called with what it is to call with the share done, 0 to 1."""


def run_apart(module: str, *arguments: Path, progress: Callable[[float], None]) -> None:
    """Runs `python -m module arguments`, whose main is `report`. progress: called with the share done, 0 to 1.

    Raises the GlintError or OSError that the work raised; GlintError too when the process dies.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    path = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    error: Exception | None = None
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}) as worker:
        assert worker.stdout is not None
        try:
            for line in worker.stdout:
                said = json.loads(line)
                if "share" in said:
                    progress(said["share"])
                elif "errno" in said:
                    error = OSError(said["errno"], said["error"], said["file"])
                else:
                    error = GlintError(said["error"])
        except BaseException:
            worker.terminate()
            raise
    if error:
        raise error
    if worker.returncode:
        raise GlintError(
            f"Preparing a model broke off (exit code {worker.returncode}); it needs 400 MB of memory: free some."
        )


def report(work: Work) -> int:
    """Does the work and prints how it goes, for `run_apart` at the other end. Returns the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing half made is left
    try:
        work(lambda share: _print(share=share))
    except GlintError as error:
        _print(error=str(error))
    except OSError as error:
        _print(errno=error.errno, error=error.strerror, file=error.filename)
    except KeyboardInterrupt:
        return 1
    return 0


def _print(**what: object) -> None:
    print(json.dumps(what), flush=True)

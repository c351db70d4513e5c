"""How fast this machine is, by what the devices were measured with: a dense system of equations in float64 (LINPACK).

`python -m sim.profile.linpack` is the measurement, in a process of its own: numpy's library settles its threads when it
is loaded, and the matrices are no memory of the assistant's. One core is measured, by its processor time, so that what
else the machine does hardly matters.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from models.errors import GlintError

ORDER = 2000  # of the matrix: large enough for full speed, 32 MB
RUNS = 12
_LIMIT_S = 120.0
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def measured_gflops() -> float:
    """Of one core, by the fastest of RUNS runs, 10^9 operations a second. Takes about three seconds."""
    command = [sys.executable, "-m", "sim.profile.linpack"]
    path = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": path} | dict.fromkeys(_THREADS, "1")
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=_LIMIT_S, check=True)
        return float(done.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        raise GlintError(f"The speed of this machine could not be measured ({error}); try again.") from error


def main() -> None:
    import numpy as np

    random = np.random.default_rng(0)
    matrix, right = random.normal(size=(ORDER, ORDER)), random.normal(size=ORDER)
    best = float("inf")
    for _ in range(RUNS):
        start = time.thread_time()
        np.linalg.solve(matrix, right)
        best = min(best, time.thread_time() - start)
    print((2 / 3 * ORDER**3 + 2 * ORDER**2) / best / 1e9)


if __name__ == "__main__":
    main()

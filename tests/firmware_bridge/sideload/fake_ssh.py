"""A program `ssh` for tests: runs the command on this machine, in a home of its own, and breaks when it is told to.

It takes ssh's options and forgets them. In FAKE_SSH, a folder: `home` is where commands run; `breaks`, a list of byte
counts, one a line: each transfer takes the next one and ends, with ssh's own status 255, after so many bytes; `log`
gets every command.
"""

import os
import subprocess
import sys
from pathlib import Path

LOST = 255


def main(words):
    folder = Path(os.environ["FAKE_SSH"])
    command = words[words.index("--") + 2] if len(words) > words.index("--") + 2 else ""
    with (folder / "log").open("a") as log:
        log.write(command + "\n")
    if "-O" in words:
        return 0
    breaks = (folder / "breaks").read_text().split() if (folder / "breaks").exists() else []
    home = folder / "home"
    environment = {**os.environ, "HOME": str(home), "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    if not command.startswith("cat >>") or not breaks:
        return subprocess.run(["sh", "-c", command], cwd=home, env=environment).returncode
    (folder / "breaks").write_text("\n".join(breaks[1:]))
    with subprocess.Popen(["sh", "-c", command], cwd=home, env=environment, stdin=subprocess.PIPE) as there:
        left = int(breaks[0])
        while left and (piece := sys.stdin.buffer.read(min(left, 4096))):
            there.stdin.write(piece)
            left -= len(piece)
    print("client_loop: send disconnect: Broken pipe", file=sys.stderr)
    return LOST


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

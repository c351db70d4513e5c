"""A driver for test_sideload_power_cut.py: runs the installer again and again, and cuts the power in it.

`python power_cut.py SCENE WORDS...`: each round starts from a copy of the folder SCENE; WORDS are the installer's,
with {root} for the copy. In round n the process dies at its n-th call that changes the disk (half of what it writes is
then written); the last round is the one that no cut comes in. Prints one JSON object a round: n, the call, the copy.
"""

import json
import os
import shutil
import sys
from pathlib import Path

CUT = 99
CALLS = ("open", "write", "fchmod", "fsync", "sync", "replace", "symlink", "mkdir", "unlink", "rmdir")
FLUSHES = ("fsync", "sync")  # counted and not done: a process that dies loses nothing of what it wrote


def die_at(n, told):
    """Makes the n-th of the calls the last one that this process makes."""
    count = 0

    def cut(name, real):
        def call(*words, **more):
            nonlocal count
            count += 1
            if count == n:
                if name == "write":
                    real(words[0], words[1][: len(words[1]) // 2])
                os.write_really(told, f"{name} {words[:1]}".encode())
                os._exit(CUT)
            return None if name in FLUSHES else real(*words, **more)

        return call

    os.write_really = os.write
    for name in CALLS:
        setattr(os, name, cut(name, getattr(os, name)))


def main(scene, *words):
    from firmware_bridge.sideload.on_device.main import main as installer

    n, died = 0, True
    while died:
        n += 1
        root = Path(f"{scene}-{n}")
        shutil.copytree(scene, root, symlinks=True)
        reading, told = os.pipe()
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            die_at(n, told)
            os._exit(installer([word.format(root=root) for word in words]))
        os.close(told)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        call = os.read(reading, 1000).decode()
        os.close(reading)
        died = status == CUT
        print(json.dumps({"n": n, "call": call, "root": str(root), "status": status}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

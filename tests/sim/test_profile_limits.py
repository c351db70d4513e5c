"""What a device profile does to a process: cores, speed, memory."""

import json
import os
import subprocess
import sys
import textwrap
import threading

import pytest

from sim.profile import applied, cores, open_profile
from sim.profile.linpack import measured_gflops

pytestmark = pytest.mark.real_time

linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux lets a process choose cores and tells its memory"
)

BUSY = """
import hashlib, json, os, sys, threading, time
from sim.profile.slowdown import Slowdown

def cost(cpu_s=0.3):
    "Seconds that a second of processor time takes."
    start, cpu = time.monotonic(), time.process_time()
    while time.process_time() - cpu < cpu_s:
        sum(range(1000))
    return (time.monotonic() - start) / cpu_s

def native_cost(cpu_s=0.6):
    "The same of two threads that do not hold the interpreter."
    def hash():
        while time.process_time() - cpu < cpu_s:
            hashlib.sha256(block).digest()
    block = bytes(1 << 19)
    start, cpu = time.monotonic(), time.process_time()
    threads = [threading.Thread(target=hash) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return (time.monotonic() - start) / cpu_s
"""


def python(code, **more):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120, **more
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@linux
def test_every_thread_is_kept_to_the_cores_and_let_go_again():
    before = os.sched_getaffinity(0)
    one = cores.usable()[:1]
    ready, done = threading.Event(), threading.Event()
    others = []

    def other():
        others.append(threading.get_native_id())
        ready.set()
        done.wait()

    thread = threading.Thread(target=other)
    thread.start()
    ready.wait()
    with cores.only(one) as can:
        assert can
        assert os.sched_getaffinity(0) == set(one) == os.sched_getaffinity(others[0])
    assert os.sched_getaffinity(0) == before == os.sched_getaffinity(others[0])
    done.set()
    thread.join()


def test_a_busy_loop_takes_as_many_times_longer_as_the_factor_says():
    before, three, eight, after = python(
        BUSY
        + """
with Slowdown(3.0): three = cost()
with Slowdown(8.0): eight = cost()
print(json.dumps([cost(), three, eight, cost()]))
"""
    )
    busy = max(before, after, 1.0)  # other work here slows both
    assert 0.5 * 3 < three < 3 * 2.5 * busy
    assert 0.5 * 8 < eight < 8 * 2.5 * busy


def test_the_factor_can_be_changed_and_native_threads_are_held_too():
    free, six, freed = python(
        BUSY
        + """
free = native_cost()
with Slowdown(1.0) as slowdown:
    slowdown.factor = 6.0
    time.sleep(0.6)
    six = native_cost()
    slowdown.factor = 1.0
    time.sleep(0.3)
    freed = native_cost()
print(json.dumps([free, six, freed]))
"""
    )
    assert 0.5 * 6 / 2 < six < 6 * 2.5 * max(free, freed, 1.0)  # two cores need half the time
    assert freed < six / 1.5


def test_a_process_whose_helper_is_ended_from_outside_goes_on():
    code = """
with Slowdown(20.0) as slowdown:
    time.sleep(0.3)
    slowdown._governor.terminate()
    slowdown._governor.wait()
    slowdown.factor = 5.0
    print(json.dumps(cost(0.1)))
"""
    assert python(BUSY + code) > 0


def test_a_command_that_a_shell_would_watch_runs_as_a_child_of_itself():
    code = """
        import json, os
        from sim.profile.guard import guard, watched
        outer = watched()
        guard()
        print(json.dumps([outer, watched(), os.getpid() == os.getsid(0)]))
    """
    assert python(code) == [False, False, False]  # this process does not watch it
    # One that begins a group of its own, as a shell's job does; what is printed is the child's.
    assert python(code, start_new_session=True) == [False, False, False]
    own = "from sim.profile.guard import guard, watched; assert watched() == (os.getpid() == os.getsid(0)); guard()"
    ended = subprocess.run([sys.executable, "-c", f"import os; {own}; os._exit(7)"], start_new_session=True, timeout=60)
    assert ended.returncode == 7


@linux
def test_an_allocation_is_seen_and_a_mapped_file_is_not(tmp_path):
    (tmp_path / "file").write_bytes(os.urandom(1 << 20) * 64)
    # In a process of its own: here other tests may have left what is collected, and given back, at any moment.
    code = f"""
        import json, time
        import numpy as np
        from sim.profile.memory import MemoryWatch, memory_mb
        full = []
        ceiling = memory_mb() + 60
        with MemoryWatch(ceiling, lambda: full.append(True)) as watch:
            mapped = np.memmap({str(tmp_path / "file")!r}, np.uint8, "r")
            assert mapped.max() > 0
            time.sleep(0.2)
            before = watch.full_after_s
            held = np.ones(100_000_000, np.uint8)
            time.sleep(0.3)
        print(json.dumps([before, full, watch.full_after_s, watch.peak_mb - ceiling, int(held[0])]))
    """
    before, full, full_after_s, above_mb, _ = python(code)
    assert before is None
    assert full == [True]
    assert full_after_s >= 0.2
    assert above_mb > 30


@linux
def test_a_device_limits_this_process_and_tells_what_it_did():
    before = os.sched_getaffinity(0)
    with applied(open_profile("pi-5"), slow=False) as device:
        assert len(os.sched_getaffinity(0)) == device.threads == min(4, len(before))
        sum(range(3_000_000))
        device.step()
        report = device.report()
    assert os.sched_getaffinity(0) == before
    assert report["measured"]["cpu_seconds"] > 0
    assert report["measured"]["peak_anonymous_mb"] > 10
    assert report["modelled"]["slowdown"] == 1
    assert report["modelled"]["battery_hours"] < 18.5 / 2.4
    assert json.loads(json.dumps(report)) == report
    assert any("speed is this machine's" in note for note in report["notes"])


@linux
def test_too_little_memory_is_said_and_ends_it_where_that_is_wanted():
    code = """
        import json, msgspec, time
        from models.errors import GlintError
        from sim.profile import applied, open_profile
        profile = open_profile("pi-zero-2-w")
        small = msgspec.structs.replace(profile.memory, free_mb=150)
        profile = msgspec.structs.replace(profile, memory=small)
        with applied(profile, slow=False) as device:
            held = bytearray(b"1") * 200_000_000
            time.sleep(0.3)
        del held
        said = device.report()["notes"][-1]
        try:
            with applied(profile, enforce=True, slow=False) as device:
                held = bytearray(b"1") * 200_000_000
                for _ in range(200):
                    time.sleep(0.1)
                ended = "it went on"
        except GlintError as error:
            ended = str(error)
        print(json.dumps([said, ended]))
    """
    said, ended = python(code)
    assert said.startswith("Raspberry Pi Zero 2 W has 150 MB for an application and would have killed this one after")
    assert ended.startswith("Raspberry Pi Zero 2 W has 150 MB for an application and would have killed this one after")


def test_this_machine_is_measured_alike_twice():
    one, two = measured_gflops(), measured_gflops()
    assert one > 0.5
    assert 0.5 < one / two < 2

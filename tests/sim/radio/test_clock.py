"""A loop on a clock of its own, and threads that share its time."""

import asyncio
import time

import pytest

from sim.radio.clock import Stuck, processor, run_fast


def test_an_hour_takes_no_time():
    async def wait():
        loop = asyncio.get_running_loop()
        await asyncio.sleep(3600)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 60)
        assert time.monotonic() == loop.time()
        return loop.time()

    begun = time.perf_counter()
    assert run_fast(wait()) == pytest.approx(3660)
    assert time.perf_counter() - begun < 5
    assert time.monotonic() != pytest.approx(3660, abs=1e-3)


def test_threads_and_the_loop_see_the_same_time():
    async def play():
        loop = asyncio.get_running_loop()
        seen, thread = [], processor(loop)

        def main():
            for _ in range(3):
                thread.sleep(1.0, wakes=False)
                seen.append(("thread", thread.now()))
            thread.post(0.5, lambda: seen.append(("posted", loop.time())))

        thread.start(main)
        for _ in range(2):
            await asyncio.sleep(1.25)
            seen.append(("loop", loop.time()))
        await asyncio.sleep(2)
        thread.join()
        return seen

    assert run_fast(play()) == [
        ("thread", 1.0),
        ("loop", 1.25),
        ("thread", 2.0),
        ("loop", 2.5),
        ("thread", 3.0),
        ("posted", 3.5),
    ]


def test_a_thread_that_fails_ends_the_run():
    async def play():
        def main():
            raise ZeroDivisionError

        processor(asyncio.get_running_loop()).start(main)
        await asyncio.sleep(1)

    with pytest.raises(ZeroDivisionError):
        run_fast(play())


@pytest.mark.parametrize("run", [run_fast, asyncio.run])
def test_a_sleeping_thread_is_woken(run):
    async def play():
        loop = asyncio.get_running_loop()
        thread = processor(loop)
        woken = []

        def main():
            thread.sleep(30.0)
            woken.append(thread.now())

        begun = loop.time()
        thread.start(main)
        await asyncio.sleep(0.1)
        thread.wake()
        await asyncio.sleep(0.1)
        thread.join()
        return woken[0] - begun

    assert run(play()) == pytest.approx(0.1, abs=0.09)


def test_what_waits_for_ever_is_found():
    with pytest.raises(Stuck, match="nothing will ever happen"):
        run_fast(asyncio.wait_for(asyncio.Event().wait(), None))


def test_what_spins_is_found():
    async def spin():
        while True:
            await asyncio.sleep(0)

    with pytest.raises(Stuck, match="no time goes by"):
        run_fast(spin())


def test_computations_elsewhere_are_made_here_and_now():
    async def compute():
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 / 0)
        return await asyncio.to_thread(sum, [1, 2]), asyncio.get_running_loop().time()

    assert run_fast(compute()) == (3, 0.0)

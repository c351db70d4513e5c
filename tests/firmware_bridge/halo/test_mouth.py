"""Sound to the glasses: paced, whole frames, silent at once."""

import numpy as np
import pytest

from device.glasses import RATE, Unplugged
from firmware_bridge.halo.codec import Decoder, frame_bytes
from firmware_bridge.halo.messages import Codec
from firmware_bridge.halo.mouth import AHEAD_S, Mouth


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mouth(clock) -> Mouth:
    mouth = Mouth("No link yet.", clock)
    mouth.up()
    return mouth


def tone(seconds: float, rate: int = RATE) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def taken(mouth: Mouth, clock: Clock, room: int, kbps: int = 32, step: float = 0.01) -> list[tuple[float, bytes]]:
    """Everything, as a loop that looks every `step` seconds takes it away."""
    sent = []
    while mouth.queued:
        while packet := mouth.packet(clock.now, room, Codec.LC3, kbps):
            sent.append((clock.now, packet))
        clock.now += step
    return sent


@pytest.mark.parametrize("room", [509, 244, 182])
@pytest.mark.parametrize("kbps", [16, 32, 64])
def test_never_too_far_ahead_and_always_whole_frames_that_fit(mouth, clock, room, kbps):
    mouth.play(tone(2.0), RATE)
    began = clock.now
    size, frames = frame_bytes(Codec.LC3, kbps), 0
    for at, packet in taken(mouth, clock, room, kbps):
        assert len(packet) <= room
        assert len(packet) % size == 0
        frames += len(packet) // size
        assert frames * 0.01 - (at - began) <= AHEAD_S + 0.01
    assert frames == 200


def test_a_loop_that_is_late_does_not_run_behind(mouth, clock):
    mouth.play(tone(2.0), RATE)
    began = clock.now
    taken(mouth, clock, 244, step=0.1)
    assert clock.now - began <= 2.0


def test_it_is_what_was_said(mouth, clock):
    sound = tone(1.0, 22050)
    mouth.play(sound[:9000], 22050)
    mouth.play(sound[9000:], 22050)
    decoder = Decoder()
    frames = b"".join(packet for _, packet in taken(mouth, clock, 244))
    heard = np.concatenate([decoder.decode(frames[at : at + 40], Codec.LC3) for at in range(0, len(frames), 40)])
    spectrum = np.abs(np.fft.rfft(heard[:RATE]))
    assert abs(len(heard) - RATE) <= 320
    assert abs(int(spectrum.argmax()) - 440) <= 2


def test_pending_counts_what_is_queued_and_what_is_on_the_way(mouth, clock):
    mouth.play(tone(1.0), RATE)
    assert mouth.pending_s() == pytest.approx(1.0)
    while mouth.packet(clock.now, 244, Codec.LC3, 32):
        pass
    assert mouth.pending_s() == pytest.approx(1.0)
    clock.now += 0.2
    assert mouth.pending_s() == pytest.approx(0.8)
    taken(mouth, clock, 244)
    clock.now += 1.0
    assert mouth.pending_s() == 0.0


def test_stop_is_silence_at_once_and_the_glasses_must_hear_of_it(mouth, clock):
    mouth.play(tone(5.0), RATE)
    mouth.packet(clock.now, 244, Codec.LC3, 32)
    mouth.stop()
    assert mouth.stopped
    assert mouth.pending_s() == 0.0
    assert not mouth.queued
    assert mouth.packet(clock.now, 244, Codec.LC3, 32) == b""


def test_stopping_nothing_needs_no_message(mouth):
    mouth.stop()
    assert not mouth.stopped


def test_without_a_link_there_is_no_speaker_and_what_was_queued_is_lost(mouth, clock):
    mouth.play(tone(5.0), RATE)
    mouth.end("The link is lost.")
    assert mouth.pending_s() == 0.0
    with pytest.raises(Unplugged, match="lost"):
        mouth.play(tone(1.0), RATE)
    mouth.up()
    assert mouth.packet(clock.now, 244, Codec.LC3, 32) == b""


def test_the_glasses_cancel_their_own_echo(mouth):
    assert not mouth.played(512).any()

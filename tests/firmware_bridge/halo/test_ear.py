"""Sound from the glasses: the codec, gaps, doubles, and nothing once the link is down."""

import numpy as np
import pytest
from said import said

from device.glasses import CHUNK, RATE, Unplugged
from device.heard_chunks import BEHIND_S
from firmware_bridge.halo.codec import Decoder, Encoder, frame_bytes, frame_samples
from firmware_bridge.halo.ear import Ear
from firmware_bridge.halo.messages import Audio, Codec


def frames(samples: np.ndarray, codec: Codec = Codec.LC3, kbps: int = 32) -> list[bytes]:
    encoder, length = Encoder(), frame_samples(codec)
    return [
        encoder.encode(samples[at : at + length], codec, kbps) for at in range(0, len(samples) - length + 1, length)
    ]


def packets(coded: list[bytes], stream: int = 1, many: int = 4, first: int = 0) -> list[Audio]:
    return [Audio(stream, (first + at) % 65536, b"".join(coded[at : at + many])) for at in range(0, len(coded), many)]


def read_all(ear: Ear) -> np.ndarray:
    chunks = []
    while (chunk := ear.read(0)) is not None:
        assert chunk.shape == (CHUNK,)
        assert chunk.dtype == np.float32
        chunks.append(chunk)
    return np.concatenate(chunks) if chunks else np.zeros(0, np.float32)


def listening(kbps: int = 32, codec: Codec = Codec.LC3) -> Ear:
    ear = Ear("No link yet.")
    ear.up()
    ear.begin(1, codec, kbps)
    return ear


def tone(seconds: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


@pytest.mark.parametrize(("kbps", "least_db"), [(16, 5.0), (24, 8.0), (32, 11.0), (48, 17.0), (64, 22.0)])
def test_speech_survives_lc3(kbps, least_db):
    speech = said("What is written on the sign above the door?")
    decoder = Decoder()
    heard = np.concatenate([decoder.decode(frame, Codec.LC3) for frame in frames(speech, kbps=kbps)])
    delay = 40  # samples: lc3's get_delay_samples for frames of 10 ms at 16 kHz
    sent = speech[: len(heard) - delay]
    noise = heard[delay:] - sent
    assert 10 * np.log10(np.sum(sent**2) / np.sum(noise**2)) > least_db
    assert all(len(frame) == kbps * 10 // 8 for frame in frames(speech[:1600], kbps=kbps))


@pytest.mark.parametrize("codec", [Codec.PCM16, Codec.PCM8])
def test_pcm_is_what_it_was(codec):
    samples = tone(0.1)
    if codec is Codec.PCM8:
        coded = [np.round(samples[at : at + 80] * 127).astype(np.int8).tobytes() for at in range(0, len(samples), 80)]
    else:
        coded = frames(samples, codec)
    ear = listening(codec=codec)
    for packet in packets(coded, many=1):
        ear.heard(packet)
    heard = read_all(ear)[240:]
    samples = samples[240:]  # a stream begins with silence
    assert np.abs(heard - samples[: len(heard)]).max() < (0.02 if codec is Codec.PCM8 else 1e-3)
    assert frame_bytes(codec, 0) == len(coded[0])


def test_everything_that_comes_is_heard_in_order():
    ear = listening()
    for packet in packets(frames(tone(1.0))):
        ear.heard(packet)
    heard = read_all(ear)
    assert len(heard) == RATE // CHUNK * CHUNK
    assert ear.lost_frames == 0


def test_what_comes_twice_is_heard_once():
    once, twice = listening(), listening()
    for packet in packets(frames(tone(0.5))):
        once.heard(packet)
        twice.heard(packet)
        twice.heard(packet)
    assert np.array_equal(read_all(once), read_all(twice))


def test_what_is_missing_is_silence_of_the_same_length():
    ear = listening()
    sent = packets(frames(tone(1.0)))
    del sent[5:10]
    for packet in sent:
        ear.heard(packet)
    heard = read_all(ear)
    assert len(heard) == RATE // CHUNK * CHUNK
    assert ear.lost_frames == 20
    assert np.abs(heard[20 * 160 : 40 * 160]).max() == 0


def test_numbers_go_round():
    ear = listening()
    for packet in packets(frames(tone(1.0)), first=65536 - 30):
        ear.heard(packet)
    assert ear.lost_frames == 0
    assert len(read_all(ear)) == RATE // CHUNK * CHUNK


def test_packets_that_swapped_places_and_half_packets_do_no_harm():
    ear = listening()
    sent = packets(frames(tone(1.0)))
    sent[3], sent[4] = sent[4], sent[3]
    sent[8] = Audio(1, sent[8].number, sent[8].frames[:-3])
    for packet in sent:
        ear.heard(packet)
    assert len(read_all(ear)) == RATE // CHUNK * CHUNK
    assert ear.lost_frames == 8


def test_another_stream_is_not_heard():
    ear = listening()
    for packet in packets(frames(tone(0.5)), stream=2):
        ear.heard(packet)
    assert ear.read(0) is None


def test_without_a_link_there_is_no_microphone_and_nothing_of_before_comes_after():
    ear = listening()
    coded = packets(frames(tone(1.0)))
    for packet in coded[:10]:
        ear.heard(packet)
    ear.end("The link to Halo 4F is lost.")
    assert not ear.on
    with pytest.raises(Unplugged, match="is lost"):
        ear.read(0)
    for packet in coded[10:]:  # still on its way when the link went down
        ear.heard(packet)
    with pytest.raises(Unplugged):
        ear.read(0.01)
    ear.up()
    assert ear.read(0) is None
    ear.begin(2, Codec.LC3, 32)
    for packet in coded:
        ear.heard(packet)
    assert ear.read(0) is None


def test_it_is_wanted_only_while_somebody_listens():
    now = 100.0
    ear = Ear("", clock=lambda: now)
    assert not ear.wanted
    ear.read(0)
    assert ear.wanted
    now += 10
    assert not ear.wanted


def test_a_reader_that_is_late_loses_the_oldest_alone():
    ear = listening()
    for packet in packets(frames(tone(BEHIND_S + 2))):
        ear.heard(packet)
    assert len(read_all(ear)) / RATE == pytest.approx(BEHIND_S, abs=0.1)


def test_late_counts_from_when_the_radio_brought_it():
    now = 100.0
    ear = Ear("", clock=lambda: now)
    ear.begin(1, Codec.LC3, 32)
    for packet in packets(frames(tone(0.2))):
        ear.heard(packet)
    assert ear.late_s() == 0.0
    now += 0.5
    ear.read(0)
    assert 0.5 <= ear.late_s() <= 0.7

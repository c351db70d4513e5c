"""What the speaker says, taken out of what the microphone hears: WebRTC's echo canceller AEC3.

It comes inside the package livekit (Apache-2.0), a toolkit for calls of which nothing else is used and which opens no
connection by itself. Knows nothing about devices: it finds the delay between speaker and microphone on its own.
"""

import numpy as np

from models.errors import GlintError

RATE = 16_000
FRAME = 160  # samples, 10 ms: the engine's fixed step
LATENCY = FRAME + 128  # samples, 18 ms: a frame is held back to allow pieces of any length, the rest is the engine's


class EchoCanceller:
    """The canceller with its running state: feed it consecutive pieces of one conversation.

    It learns the room during the first seconds that something is played. `noise_suppression` takes steady noise out as
    well. Raises GlintError if livekit is missing or has no build for this machine.
    """

    def __init__(self, noise_suppression: bool = False) -> None:
        try:
            from livekit.rtc.apm import AudioProcessingModule
            from livekit.rtc.audio_frame import AudioFrame

            self._engine = AudioProcessingModule(echo_cancellation=True, noise_suppression=noise_suppression)
        except ImportError as error:
            raise GlintError("Cancelling echo needs livekit; run: pip install 'glint[laptop]'.") from error
        self._frame = AudioFrame
        self._waiting = np.zeros((2, 0), np.int16)  # heard and played, less than a frame of each
        self._ready = np.zeros(FRAME, np.int16)

    def cancel(self, heard: np.ndarray, played: np.ndarray) -> np.ndarray:
        """What was heard and what was played in the same stretch of time, float32 [n] in -1..1 at 16 kHz, any n.

        `played` is zeros where the speaker was silent. Returns float32 [n]: what was heard without the echo, LATENCY
        samples late. Where both talk at once the near voice stays audible but is distorted. Raises ValueError if the
        lengths differ.
        """
        if len(heard) != len(played):
            raise ValueError(f"heard has {len(heard)} samples and played {len(played)}; both must cover the same time")
        self._waiting = np.concatenate([self._waiting, _int16(np.stack([heard, played]))], axis=1)
        whole = self._waiting.shape[1] // FRAME * FRAME
        frames, self._waiting = np.split(self._waiting, [whole], axis=1)
        done = [self._process(*frames[:, start : start + FRAME]) for start in range(0, whole, FRAME)]
        clean, self._ready = np.split(np.concatenate([self._ready, *done]), [len(heard)])
        return clean / np.float32(32_768)

    def _process(self, heard: np.ndarray, played: np.ndarray) -> np.ndarray:
        self._engine.process_reverse_stream(self._frame(bytearray(played), RATE, 1, FRAME))
        frame = self._frame(bytearray(heard), RATE, 1, FRAME)
        self._engine.process_stream(frame)
        return np.frombuffer(frame.data, np.int16)


def _int16(samples: np.ndarray) -> np.ndarray:
    return (np.clip(samples, -1, 1) * 32_767).astype(np.int16)

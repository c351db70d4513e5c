"""Whether a speaker who is silent has finished or only pauses: Smart Turn v3.2 (Daily, BSD-2-Clause).

A small audio model that goes by intonation and words alike; it looks at the last 8 seconds, through the log-mel front
end of Whisper (Radford et al. 2022, arXiv:2212.04356), here in numpy alone. Says nothing about whether anybody speaks
at all: ask it once `models.voice_activity` hears a pause.
"""

from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime

from models.errors import GlintError

RATE = 16_000
LONGEST = 8 * RATE  # samples; the model's fixed input
WINDOW, HOP = 400, 160  # samples
BANDS = 80
AT_ONCE = 100  # windows
CONTRAST = 8  # powers of ten in energy; what is softer than the loudest by more is all the same to Whisper
MEL_STEP = np.log(6.4) / 27  # of the logarithmic part of Slaney's mel scale, which begins at 1 kHz, 15 mel


class SmartTurn:
    """The model. `folder` holds smart-turn-v3.2-cpu.onnx, `threads` is how many cores it may use.

    Raises GlintError if the file is missing or damaged.
    """

    def __init__(self, folder: Path, threads: int) -> None:
        try:
            self._session = _open(folder / "smart-turn-v3.2-cpu.onnx", threads)
        except Exception as error:
            raise GlintError(
                f"The end-of-turn model in {folder} is missing or damaged; run 'glint models verify smart-turn-v3'."
            ) from error

    def finished(self, samples: np.ndarray) -> float:
        """float32 [n] at 16 kHz, what the speaker said up to now -> the probability that nothing more will come.

        The last 8 s count. Leave about 0.1 s of the pause at the end: the longer the silence, the surer the answer that
        all is said, also in the middle of a sentence. So it is after less than about 1.5 s of speech.
        """
        return float(self._session.run(None, {"input_features": log_mel(samples)[None]})[0].item())


def log_mel(samples: np.ndarray) -> np.ndarray:
    """float32 [n] at 16 kHz -> float32 [80, 800], what the model hears: the last 8 s, with silence in front of less.

    The same as transformers' WhisperFeatureExtractor(chunk_length=8) makes of them with do_normalize=True.
    """
    heard = samples[-LONGEST:].astype(np.float32)
    heard = np.pad(heard, (LONGEST - len(heard), 0))
    heard = (heard - heard.mean()) / np.sqrt(heard.var() + 1e-7)
    mirrored = np.pad(heard.astype(np.float64), WINDOW // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(mirrored, WINDOW)[:LONGEST:HOP]
    # In parts, because the spectra of all windows would take 6 MB.
    energy = np.concatenate([_energy(part) for part in np.split(windows, len(windows) // AT_ONCE)])
    loudness = np.log10(np.maximum(energy, 1e-10)).T
    return ((np.maximum(loudness, loudness.max() - CONTRAST) + 4) / 4).astype(np.float32)


def _energy(windows: np.ndarray) -> np.ndarray:
    """float64 [n, 400] samples -> [n, 80], in each band."""
    spectrum = np.fft.rfft(windows * np.hanning(WINDOW + 1)[:-1])
    return (spectrum.real**2 + spectrum.imag**2) @ _bands()


@cache
def _bands() -> np.ndarray:
    """float64 [201, 80]: how much each band hears of each frequency. Triangles of equal area (Slaney 1998)."""
    edges = _hertz(np.linspace(0, 15 + np.log(RATE / 2 / 1000) / MEL_STEP, BANDS + 2))
    frequencies = np.linspace(0, RATE / 2, WINDOW // 2 + 1)[:, None]
    rising = (frequencies - edges[:-2]) / np.diff(edges[:-1])
    falling = (edges[2:] - frequencies) / np.diff(edges[1:])
    return np.maximum(0, np.minimum(rising, falling)) * 2 / (edges[2:] - edges[:-2])


def _hertz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * MEL_STEP))


def _open(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # 11 MB less, for the same speed.
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = False  # as models.onnx_session says
    # Without it the 8-bit sums overflow on x86 processors older than VNNI, and the answers are little better than dice.
    options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

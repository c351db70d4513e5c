"""Finds and opens sound devices through PortAudio, which is loaded when the first one is needed.

PortAudio lists the devices once, when it starts, and its functions may not be called at the same time. Here they are
called under one lock, and the list is made anew when a device cannot be opened and no other one would be disturbed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Literal

from device.glasses import Unplugged
from models.errors import GlintError

Kind = Literal["input", "output"]
NAMES = {"input": "microphone", "output": "speaker"}

_lock = threading.Lock()
_streams: list[Stream] = []


class Stream:
    """An open device. Once started it calls back as sounddevice does, with float32 [frames, channels] at `rate`."""

    def __init__(self, raw: Any, kind: Kind, name: str, ended: threading.Event, may_close: Callable[[], bool]) -> None:
        self.kind, self.name, self.rate = kind, name, round(raw.samplerate)
        self.latency_s = float(raw.latency)
        self.taken = False  # closed so that the list of devices could be made anew; open it again
        self.may_close = may_close
        self._raw, self._ended = raw, ended

    def start(self) -> None:
        """Raises Unplugged if the device refuses."""
        try:
            with _lock, _quiet():
                self._raw.start()
        except Exception as error:
            raise Unplugged(_refused(self.kind, self.name, error)) from error

    @property
    def alive(self) -> bool:
        """Whether the device still asks for or brings sound."""
        return not self._ended.is_set()

    def close(self) -> None:
        """Drops what the device still holds. May be called twice."""
        with _lock:
            if self in _streams:
                _streams.remove(self)
                _close(self._raw)


def open_stream(
    kind: Kind,
    device: int | str | None,
    rates: Sequence[int],
    callback: Callable[..., None],
    *,
    block_s: float,
    latency: float | str,
    may_close: Callable[[], bool] = lambda: False,
) -> Stream:
    """Opens a device by number, name (or a part of it) or, with None, the system's default.

    Tries `rates` first, then the device's own, each with one channel before more. `may_close` is asked before another
    device's opening closes this one for a moment (see Stream.taken).

    Raises Unplugged if the device is not there or refuses, GlintError if sounddevice or PortAudio is missing.
    """
    library = _load()
    options = {"dtype": "float32", "latency": latency, "callback": callback}
    with _lock:
        try:
            stream = _open(library, kind, device, rates, block_s, options, may_close)
        except Unplugged:
            if not all(other.may_close() for other in _streams):
                raise
            _list_anew(library)
            stream = _open(library, kind, device, rates, block_s, options, may_close)
        _streams.append(stream)
        return stream


def _load() -> Any:
    try:
        import sounddevice
    except ModuleNotFoundError:
        raise GlintError("Sound needs the Python package sounddevice; run: pip install 'glint[laptop]'.") from None
    except OSError as error:
        raise GlintError(f"Sound needs PortAudio ({error}); run: sudo apt-get install libportaudio2.") from error
    except Exception as error:
        raise GlintError(f"PortAudio does not start ({error}); run: glint doctor.") from error
    return sounddevice


def _open(
    library: Any,
    kind: Kind,
    device: int | str | None,
    rates: Sequence[int],
    block_s: float,
    options: dict[str, Any],
    may_close: Callable[[], bool],
) -> Stream:
    found = _find(library, kind, device)
    most = found[f"max_{kind}_channels"]
    opened = library.InputStream if kind == "input" else library.OutputStream
    refusal: Exception | None = None
    for rate in dict.fromkeys([*rates, round(found["default_samplerate"])]):
        for channels in sorted({1, min(2, most), most}):
            ended = threading.Event()
            try:
                with _quiet():
                    raw = opened(
                        device=found["index"],
                        samplerate=rate,
                        channels=channels,
                        blocksize=round(rate * block_s),
                        finished_callback=ended.set,
                        **options,
                    )
            except library.PortAudioError as error:
                refusal = error
            else:
                return Stream(raw, kind, found["name"], ended, may_close)
    raise Unplugged(_refused(kind, found["name"], refusal))


def _refused(kind: Kind, name: str, error: Exception | None) -> str:
    advice = "plug it in, close what else uses it, or choose another"
    return f"The {NAMES[kind]} {name!r} cannot be opened ({error}); {advice}."


def _find(library: Any, kind: Kind, device: int | str | None) -> dict[str, Any]:
    """The device's entry in PortAudio's list: the one named exactly so, else the first whose name has it in it."""
    usable = [entry for entry in library.query_devices() if entry[f"max_{kind}_channels"] > 0]
    if not usable:
        raise Unplugged(f"There is no {NAMES[kind]}; plug one in.")
    if device is None:
        with suppress(library.PortAudioError):
            return dict(library.query_devices(kind=kind))
        return dict(usable[0])
    if isinstance(device, int):
        found = [entry for entry in usable if entry["index"] == device]
    else:
        wanted = device.casefold()
        found = [entry for entry in usable if entry["name"].casefold() == wanted]
        found = found or [entry for entry in usable if wanted in entry["name"].casefold()]
    if found:
        return dict(found[0])
    known = ", ".join(f"{entry['index']} ({entry['name']})" for entry in usable)
    raise Unplugged(f"There is no {NAMES[kind]} {device!r}; plug it in or choose one of {known}.")


def _list_anew(library: Any) -> None:
    for stream in _streams:
        stream.taken = True
        _close(stream._raw)
    _streams.clear()
    with _quiet():
        library._terminate()
        library._initialize()


def _close(raw: Any) -> None:
    # A device that is gone may refuse both, and is closed for all that.
    with _quiet(), suppress(Exception):
        raw.abort()
    with _quiet(), suppress(Exception):
        raw.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what PortAudio and ALSA have to say, once a second while a device is away, out of the terminal."""
    try:
        kept = os.dup(2)
    except OSError:
        yield
        return
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)

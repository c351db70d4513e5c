"""What carries the frames: a TCP connection or a serial line, opened by an address. Knows nothing of frames."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import SplitResult, parse_qsl, urlsplit

from device.glasses import Unplugged
from models.errors import GlintError

WAIT_S = 0.01  # for bytes, at most
_CONNECTING_S = 3.0
_WRITING_S = 1.0  # for a peer that takes nothing any more
_AT_ONCE = 65536
_SLOW_BAUD = 500_000  # below this 16-bit sound leaves no room for pictures
_BAUDS = range(9_600, 12_000_001)


class Line(Protocol):
    """Both raise Unplugged once the line is gone."""

    def read(self) -> bytes:
        """What has come, b"" if nothing does within WAIT_S."""
        ...

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


class Address(Protocol):
    """Where glasses are. slow: their line is too slow for sound of 16 bits."""

    @property
    def slow(self) -> bool: ...

    def open(self) -> Line:
        """Raises Unplugged where nobody answers, GlintError where a package is missing."""
        ...


def parsed(address: str) -> Address:
    """tcp://HOST:PORT or serial:///dev/NAME?baud=N (serial://COM3 on Windows). Raises GlintError for anything else."""
    try:
        parts = urlsplit(address)
        if parts.scheme == "tcp":
            return _tcp(address, parts)
        if parts.scheme == "serial":
            return _serial(address, parts)
    except ValueError as error:  # of urlsplit and of a port that is no number
        raise GlintError(f"{address} is no address of glasses ({error}); write tcp://HOST:PORT.") from None
    raise GlintError(f"{address} is no address of glasses; write tcp://HOST:PORT or serial:///dev/ttyACM0?baud=921600.")


@dataclass(frozen=True)
class Tcp:
    host: str
    port: int
    slow: bool = False

    def open(self) -> Line:
        try:
            return _TcpLine(socket.create_connection((self.host, self.port), _CONNECTING_S), str(self))
        except OSError as error:
            raise Unplugged(f"The glasses at {self} cannot be reached ({_why(error)}); switch them on.") from error

    def __str__(self) -> str:
        return f"tcp://[{self.host}]:{self.port}" if ":" in self.host else f"tcp://{self.host}:{self.port}"


class _TcpLine:
    def __init__(self, connection: socket.socket, name: str) -> None:
        self._socket, self._name = connection, name
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self) -> bytes:
        self._socket.settimeout(WAIT_S)
        try:
            data = self._socket.recv(_AT_ONCE)
        except TimeoutError:
            return b""
        except OSError as error:
            raise self._gone(_why(error)) from error
        if not data:
            raise self._gone("closed by them")
        return data

    def write(self, data: bytes) -> None:
        self._socket.settimeout(_WRITING_S)
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise self._gone(_why(error)) from error

    def close(self) -> None:
        self._socket.close()

    def _gone(self, why: str) -> Unplugged:
        return Unplugged(f"The connection to the glasses at {self._name} is gone ({why}); waiting for them.")


@dataclass(frozen=True)
class Serial:
    path: str
    baud: int

    @property
    def slow(self) -> bool:
        return self.baud < _SLOW_BAUD

    def open(self) -> Line:
        try:
            import serial
        except ModuleNotFoundError:
            raise GlintError(
                "Glasses on a serial line need the Python package pyserial; run: pip install 'glint[stream]'."
            ) from None
        try:
            port = serial.Serial(self.path, self.baud, timeout=WAIT_S, write_timeout=_WRITING_S, exclusive=True)
        except (OSError, ValueError) as error:  # SerialException is an OSError
            raise Unplugged(f"The serial line {self.path} cannot be opened ({_why(error)}); plug it in.") from error
        return _SerialLine(port, self.path)


class _SerialLine:
    def __init__(self, port: Any, path: str) -> None:  # serial.Serial
        self._port, self._path = port, path

    def read(self) -> bytes:
        try:
            return self._port.read(1) + self._port.read(self._port.in_waiting)
        except (OSError, TypeError) as error:  # TypeError: pyserial's, when a line is closed beneath it
            raise self._gone(error) from error

    def write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except OSError as error:
            raise self._gone(error) from error

    def close(self) -> None:
        with suppress(OSError):
            self._port.close()

    def _gone(self, error: Exception) -> Unplugged:
        return Unplugged(f"The serial line {self._path} to the glasses is gone ({_why(error)}); plug it in again.")


def _tcp(address: str, parts: SplitResult) -> Tcp:
    if not parts.hostname or not parts.port or parts.path.strip("/") or parts.query or parts.username:
        raise GlintError(f"{address} is no address of glasses; write tcp://HOST:PORT with a port from 1 to 65535.")
    return Tcp(parts.hostname, parts.port)


def _serial(address: str, parts: SplitResult) -> Serial:
    path = parts.netloc + parts.path
    options = parse_qsl(parts.query, keep_blank_values=True)
    if not path or any(name != "baud" for name, _ in options) or len(options) > 1:
        raise GlintError(f"{address} is no serial line; write serial:///dev/ttyACM0?baud=921600.")
    baud = options[0][1] if options else "921600"
    if not re.fullmatch(r"[0-9]{1,9}", baud) or int(baud) not in _BAUDS:
        raise GlintError(f"{address} has an impossible baud rate; {_BAUDS[0]} to {_BAUDS[-1]} bits a second work.")
    return Serial(path, int(baud))


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".")

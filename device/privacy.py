"""The receipt of a turn: which sensors were used and for how long, and what left the device.

What leaves is counted where sockets are opened and written to: an audit hook sees every connection that Python code
makes, and the socket classes count the bytes. What native code opens is looked up in the kernel's tables at the end of
a turn (Linux only): a socket that native code opens and closes within one turn is not seen.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import re
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_KERNEL_TABLES = [Path("/proc/self/net") / name for name in ("tcp", "tcp6", "udp", "udp6")]
_SENDING = ("send", "sendall", "sendto", "sendmsg", "sendfile")


@dataclass(frozen=True)
class Receipt:
    """microphone_s, camera_s: seconds that each was listened to and looked through; frames: pictures taken in.

    bytes_left: sent to other machines meanwhile; peers: these, as "address:port".
    """

    microphone_s: float
    camera_s: float
    frames: int
    bytes_left: int
    peers: tuple[str, ...]


class Outgoing:
    """What this process has sent to other machines since `watch_outgoing`: bytes, and to whom, in order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within = threading.local()
        self.bytes = 0
        self.peers: list[str] = []

    def connected(self, address: Any) -> None:
        """A socket goes to `address`, or a datagram does."""
        if _is_elsewhere(address):
            self._add(f"{address[0]}:{address[1]}")

    def _add(self, peer: str) -> None:
        with self._lock:
            if peer not in self.peers:
                self.peers.append(peer)

    def look_up(self) -> None:
        """Adds the peers that the kernel knows of: native code asks nobody before it opens a socket."""
        for peer in _kernel_peers():
            self._add(peer)

    def counted(self, send: Any) -> Any:
        """A method that sends, which counts what it has sent; within another one that does, it does not."""

        @functools.wraps(send)
        def sending(sender: socket.socket, data: Any, *rest: Any, **named: Any) -> Any:
            if getattr(self._within, "sending", False):
                return send(sender, data, *rest, **named)
            self._within.sending = True
            try:
                sent = send(sender, data, *rest, **named)
            finally:
                self._within.sending = False
            if sender.family in (socket.AF_INET, socket.AF_INET6) and _is_elsewhere(_receiver(sender, rest)):
                with self._lock:
                    self.bytes += memoryview(data).nbytes if sent is None else sent
            return sent

        return sending


class Sensors:
    """What is used in the turn that goes on. `receipt` ends it and begins the next."""

    def __init__(self) -> None:
        self._outgoing = watch_outgoing()
        self._begin()

    def _begin(self) -> None:
        self.microphone_s = self.camera_s = 0.0
        self.frames = 0
        self._sent, self._known = self._outgoing.bytes, len(self._outgoing.peers)

    def forget(self) -> None:
        """What was used until now belongs to no turn."""
        self._begin()

    def receipt(self) -> Receipt:
        self._outgoing.look_up()
        receipt = Receipt(
            round(self.microphone_s, 2),
            round(self.camera_s, 2),
            self.frames,
            self._outgoing.bytes - self._sent,
            tuple(self._outgoing.peers[self._known :]),
        )
        self._begin()
        return receipt


@functools.cache
def watch_outgoing() -> Outgoing:
    """Begins to count, in this process and for good; the same record each time."""
    outgoing = Outgoing()
    wrapped = set()

    def wrap(kind: type) -> None:
        if kind not in wrapped:
            wrapped.add(kind)
            for name in _SENDING:
                if name in vars(kind) or kind is socket.socket:
                    setattr(kind, name, outgoing.counted(getattr(kind, name)))

    def hook(event: str, arguments: tuple) -> None:
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            if "ssl" in sys.modules:  # it overrides how its sockets send; whoever uses it connects first
                wrap(sys.modules["ssl"].SSLSocket)
            if arguments[0].family in (socket.AF_INET, socket.AF_INET6):
                outgoing.connected(arguments[1])

    wrap(socket.socket)
    sys.addaudithook(hook)
    return outgoing


def _receiver(sender: socket.socket, rest: tuple) -> Any:
    addresses = [value for value in rest if isinstance(value, tuple)]  # sendto and sendmsg name it last
    if addresses:
        return addresses[-1]
    with suppress(OSError):
        return sender.getpeername()
    return None


def _is_elsewhere(address: Any) -> bool:
    """Whether it is another machine's; a host that is a name and not "localhost" counts as one."""
    if not isinstance(address, tuple) or len(address) < 2:
        return False
    try:
        number = ipaddress.ip_address(str(address[0]).split("%")[0])
    except ValueError:
        return str(address[0]) not in ("localhost", "")
    mapped = getattr(number, "ipv4_mapped", None)
    return not ((mapped or number).is_loopback or number.is_unspecified)


def _kernel_peers() -> list[str]:
    own = set()
    with suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            with suppress(OSError):
                if found := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"/proc/self/fd/{name}")):
                    own.add(found[1])
    peers = []
    for table in _KERNEL_TABLES:
        with suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                fields = line.split()
                if fields[9] in own and int(fields[2].split(":")[1], 16) and _is_elsewhere(peer := _peer(fields[2])):
                    peers.append(f"{peer[0]}:{peer[1]}")
    return peers


def _peer(written: str) -> tuple[str, int]:
    """The kernel writes an address as 32-bit words, each in the machine's byte order."""
    address, port = written.split(":")
    words = [int(address[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(address), 8)]
    return str(ipaddress.ip_address(b"".join(words))), int(port, 16)

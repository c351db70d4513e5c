"""The local server: the page's files, and one WebSocket that carries everything.

Only a page that this server has sent may connect (its origin is checked), and one at a time is worn. Knows nothing of
the loop above the glasses.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from device.cards.web import CSS, SCRIPT
from device.glasses import RATE, Condition
from sim.page.glasses import PageGlasses
from sim.page.messages import (
    Fault,
    Gauges,
    Hello,
    Hold,
    Press,
    Refused,
    Say,
    Sensor,
    Sound,
    parsed,
    unpacked,
)
from sim.page.tab import Tab

STATIC = Path(__file__).parent / "static"
LOOPBACK = ("localhost", "127.0.0.1", "::1", "[::1]")
LONGEST_TYPED = 200  # characters of a question
PAUSE_S = 0.5  # of silence before and after it
HELLO_S = 10.0  # for a page to say who it is
_HEADERS = {  # nothing is loaded from elsewhere, and nobody is told where from
    b"content-security-policy": b"default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"cache-control": b"no-cache",
}
# Why a connection is closed, as WebSocket codes for applications.
REFUSED, NOT_WORN, TAKEN = 4001, 4002, 4003


class Guarded:
    """Adds headers that keep the page to itself: it loads nothing from elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS.items()]
            await send(message)

        await self._app(scope, receive, guarded)


class Server:
    """token: what a page must say to connect, "" for none. greet: what a page that is worn is told first.

    speak: a text -> float32 [n] at RATE, how it sounds, for questions that are typed. put: told where the sliders are.
    """

    def __init__(
        self,
        glasses: PageGlasses,
        token: str = "",
        greet: Callable[[], dict] = dict,
        speak: Callable[[str], np.ndarray] = lambda text: np.zeros(0, np.float32),
        put: Callable[[Condition], None] = lambda condition: None,
    ) -> None:
        self._glasses, self._token = glasses, token
        self._greet, self._speak, self._put = greet, speak, put
        self._prompter = ThreadPoolExecutor(1, "prompter")
        self._worn: WebSocket | None = None
        self._leaving: asyncio.Task | None = None

    def app(self, any_host: bool = False) -> Starlette:
        """any_host: reached by other names than those of this machine's loopback, so a token must be asked for."""
        if any_host and not self._token:
            raise ValueError("a server that others reach needs a token")
        hosts = ["*"] if any_host else list(LOOPBACK)
        routes = [
            Route("/", lambda request: FileResponse(STATIC / "index.html")),
            Route("/favicon.ico", lambda request: Response(status_code=204)),
            Route("/static/card.css", lambda request: Response(CSS, media_type="text/css")),
            Route("/static/card.js", lambda request: Response(SCRIPT, media_type="text/javascript")),
            WebSocketRoute("/glasses", self._connect),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
        return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, hosts), Middleware(Guarded)])

    async def _connect(self, socket: WebSocket) -> None:
        origin, host = urlsplit(socket.headers.get("origin", "")), socket.headers.get("host", "")
        if origin.netloc != host:
            await socket.close(REFUSED, "only this server's own page may connect")
            return
        await socket.accept()
        with suppress(WebSocketDisconnect, asyncio.TimeoutError):
            if await self._admitted(socket):
                await self._wear(socket)

    async def _admitted(self, socket: WebSocket) -> bool:
        """Whether this page is to be worn; else it is told why not."""
        try:
            hello = parsed(await asyncio.wait_for(_text(socket), HELLO_S))
        except Refused as why:
            await socket.close(REFUSED, str(why)[:120])
            return False
        if not isinstance(hello, Hello) or not hmac.compare_digest(hello.token.encode(), self._token.encode()):
            await asyncio.sleep(0.5)  # against guessing
            await socket.close(REFUSED, "token")
            return False
        if self._worn is not None:
            if not hello.take:
                await socket.close(NOT_WORN, "worn in another tab")
                return False
            self._leaving = asyncio.create_task(_take_leave(self._worn))
        return True

    async def _wear(self, socket: WebSocket) -> None:
        tab = Tab(asyncio.get_running_loop())
        self._worn = socket
        tab.send("welcome", **self._greet())
        self._glasses.wear(tab)
        sending = asyncio.create_task(_forward(tab, socket))
        try:
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                try:
                    self._take(message, tab)
                except Refused as why:
                    tab.send("refused", text=str(why))
        finally:
            sending.cancel()
            if self._worn is socket:
                self._worn = None
            if self._glasses.tab is tab:
                self._glasses.wear(None)

    def _take(self, message: Message, tab: Tab) -> None:
        """Raises Refused."""
        glasses = self._glasses
        if glasses.tab is not tab:
            return
        if (data := message.get("bytes")) is not None:
            piece = unpacked(data)
            if isinstance(piece, Sound):
                glasses.ear.heard(piece)
            elif wrong := glasses.eye.saw(piece):
                raise Refused(wrong)
            return
        said = parsed(message.get("text") or "")
        if isinstance(said, Press):
            glasses.press()
        elif isinstance(said, Hold):
            glasses.ear.hold(said.on)
        elif isinstance(said, Sensor):
            if said.name not in ("camera", "microphone"):
                raise Refused(f"There is no sensor {said.name!r}.")
            switch = glasses.eye.switch if said.name == "camera" else glasses.ear.switch
            switch(said.on, said.why[:200])
        elif isinstance(said, Fault):
            if said.name != "radio":
                raise Refused(f"There is no fault {said.name!r}.")
            glasses.reach(not said.on)
            tab.send("state", text=self._greet()["state"])
        elif isinstance(said, Gauges):
            if not (0 <= said.battery <= 1 and -40 <= said.celsius <= 120):
                raise Refused("Battery is 0 to 1, temperature -40 to 120 degrees.")
            self._put(Condition(said.battery, said.celsius))
        elif isinstance(said, Say):
            if not said.text.strip() or len(said.text) > LONGEST_TYPED:
                raise Refused(f"A question has 1 to {LONGEST_TYPED} characters.")
            self._prompter.submit(self._prompt, said.text.strip())

    def _prompt(self, text: str) -> None:
        sound = self._speak(text)
        self._glasses.press()
        pause = np.zeros(round(PAUSE_S * RATE), np.float32)
        self._glasses.ear.prompt(np.concatenate([pause, sound, pause]))


async def _take_leave(socket: WebSocket) -> None:
    """Not waited for: a page that reads nothing is not even told."""
    with suppress(RuntimeError, WebSocketDisconnect, asyncio.TimeoutError):
        await asyncio.wait_for(socket.close(TAKEN, "taken over by another tab"), HELLO_S)


async def _text(socket: WebSocket) -> str:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect
    return message.get("text") or ""


async def _forward(tab: Tab, socket: WebSocket) -> None:
    with suppress(RuntimeError, WebSocketDisconnect):
        while True:
            message = await tab.next()
            await (socket.send_text(message) if isinstance(message, str) else socket.send_bytes(message))

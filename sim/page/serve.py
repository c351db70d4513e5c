"""`glint sim`: serves the page, and runs the live loop on the glasses that it is."""

from __future__ import annotations

import contextlib
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from device.hearing.ears import Ears
from device.thinking.mind import Mind
from models.errors import GlintError
from sim.page.glasses import PageGlasses
from sim.page.messages import LARGEST
from sim.page.server import LOOPBACK, Server
from sim.page.worn import Worn
from sim.profile.device import Device

DEFAULT_PORT = 8765


def serve_page(
    load: Callable[[], tuple[Mind, Ears]],
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    token: str | None = None,
    certificate: tuple[Path, Path] | None = None,
    announce: Callable[[str, str], None] = lambda address, token: None,
    device: Device | None = None,
) -> None:
    """Until Ctrl-C. `load` gives what thinks and listens; `announce` is told the address once pages are answered.

    A host that is not loopback makes a token unless one is given. certificate: files of the certificate and its key,
    for https, without which browsers give other machines no camera. device: what this process is limited to, if so.
    Raises GlintError where the port or the certificate cannot be used.
    """
    public = host not in LOOPBACK
    token = (token or secrets.token_urlsafe(9)) if public else (token or "")
    listening = _listen(host, port)
    with contextlib.closing(listening):
        mind, ears = load()
        try:
            glasses = PageGlasses()
            with Worn(glasses, mind, ears, device) as worn:
                app = Server(glasses, token, worn.greet, worn.speak, worn.put).app(any_host=public)
                config = web_server(app, certificate)
                name = f"[{host}]" if ":" in host else host
                scheme = "https" if certificate else "http"
                announce(f"{scheme}://{name}:{listening.getsockname()[1]}/", token)  # a page that is early waits
                uvicorn.Server(config).run(sockets=[listening])
        finally:
            mind.close()


def web_server(app: ASGIApp, certificate: tuple[Path, Path] | None = None) -> uvicorn.Config:
    """Raises GlintError for a certificate that cannot be used."""
    config = uvicorn.Config(
        app,
        log_level="critical",
        lifespan="off",
        ws="websockets-sansio",
        ws_max_size=LARGEST,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
        ssl_certfile=certificate[0] if certificate else None,
        ssl_keyfile=certificate[1] if certificate else None,
    )
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        raise GlintError(f"The certificate {certificate and certificate[0]} cannot be used ({error}).") from error
    return config


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(16)
    except OSError as error:
        listening.close()
        raise GlintError(
            f"The page cannot be served at {host}, port {port} ({error.strerror or error}); choose another --port."
        ) from error
    return listening

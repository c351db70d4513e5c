"""What `glint sim` does without a scenario: serves the page and says where it is."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from models.errors import GlintError

if TYPE_CHECKING:
    from sim.profile.device import Device


def serve(
    host: str,
    port: int,
    token: str | None,
    certificate: Path | None,
    key: Path | None,
    browse: bool,
    device: Device | None = None,
    **loading: Any,
) -> None:
    """Until Ctrl-C. device: what this process is limited to, if so. `loading`: for device.cli.run.load.

    Raises GlintError for what is wrong with the options.
    """
    from rich.console import Console

    from device.cli.run import load
    from sim.page.serve import serve_page

    if bool(certificate) != bool(key):
        raise GlintError("https needs both --certificate and --key.")
    for file in filter(None, (certificate, key)):
        if not file.is_file():
            raise GlintError(f"There is no file {file}; check the path.")
    status = Console(stderr=True).status("loading the models")

    def announce(address: str, asked: str) -> None:
        status.stop()
        click.echo(f"The glasses are at {address} (Ctrl-C ends)")
        if asked:
            click.echo(f"The page asks for the token: {asked}")
        if not certificate and host not in ("127.0.0.1", "localhost", "::1"):
            click.echo("Browsers on other machines give camera and microphone only over https: see --certificate.")
        if browse:
            click.launch(address)

    with status:
        pair = (certificate, key) if certificate and key else None
        with suppress(KeyboardInterrupt):
            serve_page(partial(load, **loading), host, port, token, pair, announce, device)

"""Options that several benches have, and that `glint bench all` hands to those that have them."""

from __future__ import annotations

import click

THREADS = click.Option(
    ["--threads"],
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="Threads for each model, and for a peer.",
)
NO_PEER = click.Option(["--no-peer"], is_flag=True, help="Leave what it is compared with out.")
OFFLINE = click.Option(
    ["--offline"], is_flag=True, help="Fetch nothing; fail, or leave the peer out, when it is missing."
)
SOAK = click.Option(["--soak"], is_flag=True, help="The soak too, last.")
SHARED = (THREADS, NO_PEER, OFFLINE, SOAK)

"""The command `glint`. Each command lives in a file of its own and is imported when it is called."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import click

from device.heap import share_heap
from models.errors import GlintError

COMMANDS = {  # command: (module, object)
    "ask": ("device.cli.ask", "ask"),
    "run": ("device.cli.run", "run"),
    "sim": ("device.cli.sim", "sim"),
    "models": ("device.cli.models_command", "models_group"),
    "doctor": ("device.cli.doctor", "doctor_command"),
    "read": ("device.cli.read", "read"),
    "scan": ("device.cli.scan", "scan"),
    "colour": ("device.cli.colour", "colour"),
    "label": ("device.cli.label", "label"),
    "find": ("device.cli.find", "find"),
    "card": ("device.cli.card", "card"),
    "evaluate": ("device.cli.evaluate", "evaluate"),
    "sideload": ("device.cli.sideload", "sideload"),
    "bench": ("device.cli.bench", "bench"),
    "export": ("device.cli.export", "export"),
}
NOT_ON_DEVICE = ("sim", "export")  # folders that glint sideload leaves out


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name]
        return getattr(importlib.import_module(module), attribute)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.split(".")[0] not in NOT_ON_DEVICE:
                raise
            raise GlintError(
                f"This needs {error.name.split('.')[0]}/, which is not part of an installation for a device; "
                "use the whole project."
            ) from None


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="glint")
def glint() -> None:
    """Glint: look at something, ask aloud, hear the answer. All of it on this machine.

    \b
    First steps:
      glint doctor                                    what works here, what is missing
      glint models pull                               fetch the models, once
      glint ask --image photo.jpg --text "What is this?"
      glint ask --image photo.jpg --audio question.wav --speak answer.wav
      glint sim --browse                              glasses on a page in the browser

    Models lie in a cache folder (variable GLINT_CACHE). With GLINT_OFFLINE=1 nothing is ever fetched. Every command
    that has --json prints one JSON object on standard output and nothing else there.
    """


def main(arguments: list[str] | None = None) -> Any:
    """Entry point: a GlintError becomes one line on standard error and exit status 1."""
    arguments = sys.argv[1:] if arguments is None else arguments
    share_heap()  # before any thread is started
    try:
        return glint.main(arguments, prog_name="glint", standalone_mode=True)
    except GlintError as error:
        if "--json" in arguments:
            click.echo(json.dumps({"error": str(error)}))
        click.echo(f"glint: {error}", err=True)
        sys.exit(1)

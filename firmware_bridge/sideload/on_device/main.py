"""The installer's command line: `python3.11 install.pyz install|verify|rollback`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from .archive import open_archive
from .install import Wishes, install, roll_back
from .layout import Layout
from .minisign import PublicKey, read_key
from .refusal import Refusal
from .verify import problems

ROOT = Path("/opt/glint")
UNITS = Path("/etc/systemd/system")


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0, or 1 after one sentence on standard error."""
    os.umask(0o022)  # whoever serves it must be able to read it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing half unpacked is left
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(1))  # as when the link to the device breaks
    options = _parser().parse_args(arguments)
    try:
        return int(options.act(options) or 0)
    except Refusal as refusal:
        print(f"glint: {refusal}", file=sys.stderr)
    except KeyboardInterrupt:
        print("glint: interrupted; what was in use is in use.", file=sys.stderr)
    return 1


def _install(options: argparse.Namespace) -> None:
    root = options.root.absolute()
    wishes = Wishes(
        python=options.python,
        key=_key(options.key),
        downgrade=options.allow_downgrade,
        unit_folder=_unit_folder(options, root),
        self_test_s=options.self_test_seconds,
    )
    install(options.archive, Layout(root), wishes, _say, _silent)


def _verify(options: argparse.Namespace) -> int:
    given = _key(options.key)
    if options.what.is_file():
        archive = open_archive(options.what, given or Layout(ROOT).key())
        archive.check(_silent)
        _say(f"{options.what}: {archive.identity} for {archive.manifest.target} is as it was signed")
        return 0
    layout = Layout(options.what.absolute())
    key, active = given or layout.key(), layout.active()
    if key is None or active is None:
        raise Refusal(f"{options.what} holds no installation.")
    wrong = [line for name in filter(None, (active, layout.before())) for line in problems(layout, name, key, _silent)]
    for line in wrong:
        print(f"glint: {line}", file=sys.stderr)
    if not wrong:
        _say(f"{layout.root}: {active} is in use, {layout.before() or 'none'} can be gone back to, all as signed")
    return 1 if wrong else 0


def _roll_back(options: argparse.Namespace) -> None:
    root = options.root.absolute()
    roll_back(Layout(root), _unit_folder(options, root), _say)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="install.pyz", description="Installs archives of Glint on this device.")
    commands = parser.add_subparsers(required=True, metavar="install|verify|rollback")
    put = commands.add_parser("install", help="check an archive, unpack it, try it and use it")
    put.add_argument("archive", type=Path)
    put.add_argument("--allow-downgrade", action="store_true", help="take a version older than the one in use")
    put.add_argument("--python", default=sys.executable, help="runs the self-test; default: the Python that runs this")
    put.add_argument("--self-test-seconds", type=float, default=600, help="for each of its two commands")
    put.set_defaults(act=_install)
    look = commands.add_parser("verify", help="hash an archive or an installation and compare it with its signature")
    look.add_argument("what", type=Path, nargs="?", default=ROOT, help=f"an archive or a folder; default: {ROOT}")
    look.set_defaults(act=_verify)
    back = commands.add_parser("rollback", help="use the version before again")
    back.set_defaults(act=_roll_back)
    for command in (put, look):
        command.add_argument("--key", help="the public key: needed the first time, when none is trusted here yet")
    for command in (put, back):
        command.add_argument("--root", type=Path, default=ROOT, help=f"where it is installed; default: {ROOT}")
        command.add_argument("--unit-folder", type=Path, help=f"where the service goes; default: {UNITS} for {ROOT}")
        command.add_argument("--no-unit", action="store_true", help="no service: install only")
    return parser


def _unit_folder(options: argparse.Namespace, root: Path) -> Path | None:
    if options.no_unit:
        return None
    chosen: Path | None = options.unit_folder
    return chosen or (UNITS if root == ROOT and UNITS.is_dir() else None)


def _key(text: str | None) -> PublicKey | None:
    if text is None:
        return None
    path = Path(text)
    if len(text) != 56 and path.is_file():
        return read_key(path.read_text(encoding="utf-8", errors="replace"), text)
    return read_key(text, "What was given with --key")


def _say(line: str) -> None:
    print(line, flush=True)


def _silent(what: str, done: int, whole: int) -> None:
    """On a device nobody looks at bars."""

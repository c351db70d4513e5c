"""`glint sideload`: Glint onto an ARM Linux device, as one signed archive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from firmware_bridge.sideload.on_device.manifest import Manifest

_FILE = click.Path(path_type=Path)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
LARGEST = 8  # how many of what weighs most are told
AIM_MB = 400


@click.group()
def sideload() -> None:
    """Bring Glint onto an ARM Linux device without a network: a Raspberry Pi, for example.

    \b
      glint sideload build --profile pi-5       one archive with all that it needs
      glint sideload push pi@raspberrypi        carry it over with ssh and install it there
      glint sideload verify glint-0.1.0-aarch64.tar

    An archive holds Python packages, models, settings, a service for systemd and an installer that needs nothing but
    Python 3.11. Its list of files is signed: a key is made at the first build, and a device takes only what was signed
    with the key of its first installation. A new version is tried before it is used, and the one before is kept.
    docs/sideloading.md tells the whole.
    """


@sideload.command("build")
@click.option("--target", default="aarch64", show_default=True, help="The device's processor, as `uname -m` says it.")
@click.option("--profile", default="generic", show_default=True, help="generic, pi-5 or pi-zero-2-w.")
@click.option("--out", type=_FILE, help="The archive to write. Default: glint-VERSION-TARGET.tar here.")
@click.option("--key", type=_FILE, help="Secret key (of minisign, without a password). Default: your own, made once.")
@click.option("--release", help="The version that a device compares with what it has. Default: Glint's own.")
@click.option("--as-installed", is_flag=True, help="Packages in the versions installed here, not the lock's.")
@click.option("--offline", is_flag=True, help="Fetch nothing: fail when a wheel or a model is not here yet.")
@_JSON
def build_command(out: Path | None, as_json: bool, **options: Any) -> None:
    """Make one archive with everything that the device needs.

    Wheels are fetched once, by pip, into the model cache (GLINT_CACHE), and models that are not there yet are fetched
    and assembled first. The same source, versions and key give the same archive, byte for byte.

    What it prints last is the public key: whoever installs compares it once.

    --json prints archive, version, target, profile, size_mb, files, sha256, key, largest (name and megabytes of what
    weighs most) and versions.
    """
    from firmware_bridge.sideload.whole import build_archive

    with _progress(as_json) as progress:
        built = build_archive(out, progress=progress, **options)
    size_mb = built.archive.stat().st_size / 1e6
    facts = {
        "archive": str(built.archive),
        "version": built.manifest.version,
        "target": built.manifest.target,
        "profile": built.manifest.profile,
        "size_mb": round(size_mb, 1),
        "files": len(built.manifest.files),
        "sha256": built.sha256,
        "key": str(built.key),
        "largest": [{"name": name, "mb": round(size / 1e6, 1)} for name, size in _weights(built.manifest)[:LARGEST]],
        "versions": built.manifest.versions,
    }
    if built.warning:
        click.echo(f"glint: {built.warning}", err=True)
    if as_json:
        click.echo(json.dumps(facts))
        return
    click.echo(f"{built.archive}: {size_mb:,.1f} MB (aim: at most {AIM_MB}), {len(built.manifest.files)} files")
    for name, size in _weights(built.manifest)[:LARGEST]:
        click.echo(f"  {size / 1e6:7.1f} MB  {name}")
    click.echo(f"signed with {built.key}")


def _weights(manifest: Manifest) -> list[tuple[str, int]]:
    """Models and packages by their size in the archive, the largest first."""
    sizes: dict[str, int] = {}
    for path, entry in manifest.files.items():
        parts = path.split("/")
        kinds = {"models": f"model {parts[min(1, len(parts) - 1)]}", "wheels": parts[-1].split("-")[0]}
        name = kinds.get(parts[0], path)
        sizes[name] = sizes.get(name, 0) + entry.size
    return sorted(sizes.items(), key=lambda pair: -pair[1])


@contextmanager
def _progress(as_json: bool) -> Iterator[Any]:
    from models.progress import Bars, silent

    if as_json:
        yield silent
        return
    with Bars() as bars:
        yield bars


@sideload.command("push")
@click.argument("where", metavar="HOST|FOLDER")
@click.argument("archive", type=_FILE, required=False)
@click.option("--key", type=_FILE, help="The key it was signed with, secret or public. Default: your own.")
@click.option("--root", help="Where it is installed on the host. Default: /opt/glint, for which sudo asks.")
@click.option("--allow-downgrade", is_flag=True, help="Install a version older than the one in use there.")
@click.option("--no-unit", is_flag=True, help="Install no service.")
@_JSON
def push_command(
    where: str,
    archive: Path | None,
    key: Path | None,
    root: str | None,
    allow_downgrade: bool,
    no_unit: bool,
    as_json: bool,
) -> None:
    """Carry an archive to a device: over ssh, or into a folder such as a memory card's.

    \b
      glint sideload push pi@raspberrypi
      glint sideload push /media/card glint-0.1.0-aarch64.tar

    What is a folder here, or has a slash in it, is a folder: archive and installer are copied there, and the command to
    give on the device is printed. Anything else is a host for ssh, with port, key and user as in ~/.ssh/config: the
    archive is sent and installed, and removed there again. A transfer that breaks goes on where it broke, and after
    Ctrl-C the next push does.

    ARCHIVE is the newest glint-*.tar here unless it is named. It is checked before anything is sent. The
    installer that runs is the one of this Glint.
    """
    from firmware_bridge.sideload import deliver
    from models.errors import GlintError

    public, archive = _public_key(key), archive or _newest()
    folder = Path(where).expanduser()
    if ("/" in where or folder.exists()) and not folder.is_dir():
        raise GlintError(f"There is no folder {folder}; make it, or mount the card first.")
    with _progress(as_json) as progress:
        checked = deliver.checked(archive, public, progress)
        facts = {"archive": str(archive), "version": checked.manifest.version, "identity": checked.identity}
        if folder.is_dir():
            facts |= {"folder": str(folder), "command": deliver.to_folder(checked, public, folder, progress)}
    if folder.is_dir():
        click.echo(json.dumps(facts) if as_json else f"On the device, in that folder:\n  {facts['command']}")
        return
    options = [*(["--root", root] if root else []), *(["--allow-downgrade"] if allow_downgrade else [])]
    options += ["--no-unit"] if no_unit else []
    with _progress(as_json) as progress:
        deliver.to_host(checked, public, where, options, lambda line: click.echo(line, err=True), progress)
    click.echo(json.dumps(facts | {"host": where}) if as_json else f"{checked.identity} is in use on {where}")


@sideload.command("verify")
@click.argument("what", type=_FILE, metavar="FILE|FOLDER")
@click.option("--key", type=_FILE, help="The key, secret or public. Default: the installation's, or your own.")
@_JSON
def verify_command(what: Path, key: Path | None, as_json: bool) -> None:
    """Hash an archive, or an installation, and compare all of it with what was signed.

    An installation is a folder such as /opt/glint, here or on a card that is mounted: the version in use and the one
    before are checked, and files too many are found as well as files that changed.

    The exit status is 0 when everything is right, else 1. --json prints ok, problems, and version, target, versions of
    an archive, or active and previous of an installation.
    """
    from firmware_bridge.sideload import deliver
    from firmware_bridge.sideload.on_device.layout import Layout
    from firmware_bridge.sideload.on_device.refusal import Refusal
    from firmware_bridge.sideload.on_device.verify import problems
    from models.errors import GlintError

    facts: dict[str, Any]
    with _progress(as_json) as progress:
        if what.is_dir():
            layout = Layout(what)
            try:
                public = _public_key(key) if key else layout.key()
            except Refusal as refusal:
                raise GlintError(str(refusal)) from None
            active, before = layout.active(), layout.before()
            if public is None or active is None:
                raise GlintError(f"{what} holds no installation.")
            wrong = [line for name in (active, before) if name for line in problems(layout, name, public, progress)]
            facts = {"active": active, "previous": before}
            summary = f"{what}: {active} is in use, {before or 'nothing'} can be gone back to"
        else:
            try:
                archive, wrong = deliver.checked(what, _public_key(key), progress), []
                manifest = archive.manifest
                facts = {"version": manifest.version, "target": manifest.target, "identity": archive.identity}
                facts |= {"profile": manifest.profile, "versions": manifest.versions}
                summary = f"{what}: {archive.identity} for {manifest.target}, {len(manifest.files)} files"
            except GlintError as error:
                facts, wrong, summary = {}, [str(error)], ""
    if as_json:
        click.echo(json.dumps({"ok": not wrong, "problems": wrong, **facts}))
    for line in wrong:
        click.echo(f"glint: {line}", err=True)
    if wrong:
        raise SystemExit(1)
    if not as_json:
        click.echo(f"{summary}: all as it was signed")


def _newest() -> Path:
    from models.errors import GlintError

    archives = sorted(Path().glob("glint-*.tar"), key=lambda path: path.stat().st_mtime)
    if not archives:
        raise GlintError("There is no glint-*.tar here; `glint sideload build` makes one, or name yours.")
    return archives[-1]


def _public_key(path: Path | None) -> Any:
    from firmware_bridge.sideload.keys import default_place, read_secret_key
    from firmware_bridge.sideload.on_device.minisign import read_key
    from firmware_bridge.sideload.on_device.refusal import Refusal
    from models.errors import GlintError

    path = path or default_place().with_suffix(".pub")
    try:
        return read_key(path.read_text(encoding="utf-8", errors="replace"), str(path))
    except OSError as error:
        raise GlintError(f"The key {path} cannot be read ({error.strerror}); give one with --key.") from None
    except Refusal:
        return read_secret_key(path).public

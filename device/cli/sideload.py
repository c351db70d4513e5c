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
@click.option("--profile", default="generic", show_default=True, help="generic, pi-5, pi-zero-2-w or halo-host.")
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

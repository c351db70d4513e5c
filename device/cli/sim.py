"""`glint sim`: scenarios that are played to the live loop, and the page that is a pair of glasses."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from device.cli.progress_log import told_by

if TYPE_CHECKING:
    from sim.profile.device import Device
    from sim.scenario.play import Played
    from sim.scenario.script import Scenario

_LOG_EVERY_S = 30.0


@click.command()
@click.option(
    "--scenario", "names", multiple=True, help="A file, or the name of one that comes along, or all of these."
)
@click.option("--list", "as_list", is_flag=True, help="Name the scenarios that come along.")
@click.option("--realtime", is_flag=True, help="Play scenarios in real time; else as fast as can be heard.")
@click.option("--profile", metavar="NAME", help="Limit all of it to a device of that class; a name or a TOML file.")
@click.option("--enforce", is_flag=True, help="End where the device of --profile would run out of memory.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="Of the page; 0: any.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of the page; others need a token.")
@click.option("--token", help="What the page asks for. Made up where one is needed and none is given.")
@click.option("--certificate", type=click.Path(path_type=Path), help="For https, with --key; files in PEM.")
@click.option("--key", type=click.Path(path_type=Path), help="For https, with --certificate.")
@click.option("--browse", is_flag=True, help="Open the page in the browser.")
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Threads for each model.")
@click.option("--offline", is_flag=True, help="Fetch nothing; fail when a model is not there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
def sim(
    names: Sequence[str],
    as_list: bool,
    realtime: bool,
    profile: str | None,
    enforce: bool,
    threads: int,
    offline: bool,
    as_json: bool,
    **page: Any,
) -> None:
    """Glasses on this machine: a page in the browser, or scenarios.

    \b
      glint sim                                  serve the page at http://127.0.0.1:8765/
      glint sim --browse                         and open it
      glint sim --list                           the scenarios that come along
      glint sim --scenario describe              play one of them
      glint sim --scenario my.toml --realtime    play a file of yours, in real time
      glint sim --scenario all --json            play all, and print everything that happened
      glint sim --profile pi-5 --browse          the page, as slow as a Raspberry Pi 5
      glint sim --profile halo-host --scenario all --realtime

    The page is a pair of glasses: the browser's camera, or a picture, a folder or a video dropped on it, is the eye,
    its microphone the ear, its speaker the mouth. It shows what the wearer sees and hears, where the time of each turn
    went, what the answer rests on, and what left the device. Buttons, sliders and switches wake it, wear it out and
    break it. Only this machine reaches it unless --host says otherwise; then the page asks for a token.

    A scenario is a file that says what is seen, said and broken, and what must be true of what Glint makes of it;
    docs/scenarios.md is its manual. It is played to the same loop as `glint run` has, with the same models. Played as
    fast as it can be heard, time passes as it really does only while the models are at work; what is heard and answered
    is the same as with --realtime.

    --json prints `passed` and `failed` (how many scenarios), and `scenarios`: of each its `failures` (file, line, what
    was expected, what was so), its `turns` (the record of each, with the seconds on the scenario's clock at which it
    was asked, heard and over) and its `events`. Of a single one, `turns` and `failures` are at the top as well.

    --profile limits cores, speed, camera and radio to those of pi-zero-2-w, pi-5, phone-puck or halo-host, and models
    battery and heat; what it did to it is told at the end. docs/profiles.md says what is modelled and what is measured.

    The exit status is 0 if everything expected was so.
    """
    if as_list:
        _list(as_json)
        return
    with _limited(profile, enforce) as device:
        threads = device.threads if device else threads
        if names:
            passed = _play(names, realtime, threads, offline, as_json, device)
        else:
            from device.cli.sim_page import serve

            serve(device=device, threads=threads, offline=offline, **page)
            passed = True
        if device and not (names and as_json):
            from rich.console import Console

            from sim.profile.report import rendering

            Console().print(rendering(device.report()))
    sys.exit(0 if passed else 1)


@contextmanager
def _limited(profile: str | None, enforce: bool) -> Iterator[Device | None]:
    if profile is None:
        yield None
        return
    from sim.profile.guard import guard

    guard()  # before anything heavy: it may run all of this again as a child
    from sim.profile import open_profile

    with open_profile(profile).applied(enforce) as device:
        yield device


def _list(as_json: bool) -> None:
    from sim.scenario.read import read_scenario, that_come_along

    known = [read_scenario(file) for file in that_come_along()]
    if as_json:
        rows = [{"name": one.name, "title": one.title, "about": one.about, "file": str(one.file)} for one in known]
        click.echo(json.dumps({"scenarios": rows}))
        return
    width = max((len(one.name) for one in known), default=0)
    for one in known:
        click.echo(f"{one.name:{width}}  {one.title}")


def _play(
    names: Sequence[str], realtime: bool, threads: int, offline: bool, as_json: bool, device: Device | None
) -> bool:
    """Whether everything expected was so."""
    from rich.console import Console

    from device.cli.interrupts import Interrupts
    from device.cli.run import load
    from sim.scenario.play import play_all
    from sim.scenario.read import find, read_scenario

    files = list(dict.fromkeys(file for name in names for file in find(name)))
    scenarios = [
        read_scenario(file) for file in files
    ]  # all of them first: a mistake is told before anything is played
    if device and not realtime:
        device.notes.append("Played faster than real time, battery and heat mean little; see --realtime.")
    console = Console(stderr=True)
    done: list[Played] = []
    ended = False
    with Interrupts(), console.status("beginning") as status:
        loading = partial(load, threads=threads, offline=offline)
        playing = play_all(scenarios, loading, realtime, offline, told_by(console, status.update, _LOG_EVERY_S), device)
        try:
            with closing(playing):
                for played in playing:
                    done.append(played)
                    if not as_json:
                        _print(played)
        except KeyboardInterrupt:
            ended = True
    failed = sum(not played.passed for played in done)
    if as_json:
        click.echo(json.dumps(_report(done, scenarios) | ({"profile": device.report()} if device else {})))
    elif len(done) > 1:
        click.echo(f"{len(done) - failed} passed, {failed} failed")
    if ended:
        raise click.Abort
    return not failed


def _report(done: Sequence[Played], scenarios: Sequence[Scenario]) -> dict[str, Any]:
    failed = sum(not played.passed for played in done)
    rows = [played.as_dict() for played in done]
    report: dict[str, Any] = {"passed": len(done) - failed, "failed": failed, "scenarios": rows}
    if len(scenarios) == 1 and rows:
        report |= {key: rows[0][key] for key in ("turns", "failures")}
    return report


def _print(played: Played) -> None:
    name = played.scenario.name
    turns = f"{len(played.turns)} turn{'' if len(played.turns) == 1 else 's'}"
    verdict = click.style("passed", fg="green") if played.passed else click.style("FAILED", fg="red", bold=True)
    click.echo(f"{verdict}  {name:24} {turns}, {played.seconds:.0f} s of sound in {played.took_s:.0f} s")
    for failure in played.failures:
        click.echo(f"  {played.scenario.file}, line {failure.line}: expected {failure.miss.expected}")
        click.echo(f"    but {failure.miss.was}")

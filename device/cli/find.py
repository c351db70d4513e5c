"""`glint find`: where something is in a photo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from device.cli.expert import finish, open_scene, photo_options


@click.command("find")
@click.option("--name", help="What to look for, in any everyday word. Without it everything that is found is given.")
@photo_options
def find(name: str | None, image: Path, show: Path | None, as_json: bool, threads: int, offline: bool) -> None:
    """Find a thing in a photo: is it there, where, and how many.

    Eighty everyday things and doors are known by a head on the picture encoder, with boxes; other names that the
    encoder knows by where they show; anything else only where it is written on something.

    \b
    glint find --name sofa --image room.jpg
    glint find --name people --image street.jpg --show found.png
    glint find --image kitchen.jpg --json

    With --json: found (true, false, or null when it is unsure), where (the sentence that would be spoken), boxes (name,
    box as left, top, right, bottom in 0..1 of the picture, score), count (the best guess) and at_least (so many are
    surely there).
    """
    from device.evidence import Claim
    from device.experts import finder
    from device.experts.finder.questions import SOURCE, claims_of, where_it_is
    from device.experts.finder.search import placed

    scene = open_scene(image, threads, offline)
    if name is None:
        seen = placed(scene.objects, {name for name in scene.objects.presence if scene.objects.sees(name)})
        boxes = [{"name": d.name, "box": list(d.box), "score": round(d.score, 4)} for d in seen]
        presence = {n: round(p, 4) for n, p in scene.objects.presence.items() if scene.objects.sees(n)}
        names = sorted(presence, key=lambda n: -presence[n])
        text = f"I see: {', '.join(names)}." if names else "I see none of the things that I know."
        record: dict[str, Any] = {"found": bool(names), "boxes": boxes, "where": text, "count": len(boxes)}
        claims = [Claim(SOURCE, d.name, d.score, box=d.box) for d in seen]
        finish(scene.pixels, claims, record | {"presence": presence}, text, as_json, show)
        return
    sighting = finder.find(scene, name)
    if sighting is None:
        text = f"I don't know what {name} looks like, and I cannot read it anywhere."
        finish(
            scene.pixels,
            [],
            {"found": None, "boxes": [], "where": text, "count": None, "at_least": None},
            text,
            as_json,
            show,
        )
        return
    counted = finder.count(sighting)
    text = where_it_is(scene, sighting)
    found = {finder.Verdict.YES: True, finder.Verdict.NO: False}.get(sighting.verdict)
    record = {
        "found": found,
        "boxes": [{"name": n, "box": list(box), "score": round(score, 4)} for n, box, score in sighting.boxes],
        "where": text,
        "count": counted.number,
        "at_least": counted.least,
    }
    claims = list(claims_of(sighting, scene, most=len(sighting.boxes)))[: len(sighting.boxes)]
    finish(scene.pixels, claims if found is not False else [], record, text, as_json, show)

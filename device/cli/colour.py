"""`glint colour`: what colour is in the middle of a photo, or in a part of it."""

from __future__ import annotations

from pathlib import Path

import click

from device.cli.expert import finish, open_scene, photo_options


class _Region(click.ParamType):
    """left,top,right,bottom as shares of the picture."""

    name = "left,top,right,bottom"

    def convert(self, value, param, ctx):
        if isinstance(value, tuple):
            return value
        try:
            left, top, right, bottom = (float(part) for part in value.split(","))
        except ValueError:
            self.fail("give four numbers, as 0.25,0.25,0.75,0.75", param, ctx)
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            self.fail("each number is 0 to 1, left before right and top before bottom", param, ctx)
        return left, top, right, bottom


@click.command()
@photo_options
@click.option(
    "--region", type=_Region(), help="The part to look at, in shares of the picture, 0 to 1.  [default: the middle]"
)
def colour(
    image: Path,
    region: tuple[float, float, float, float] | None,
    as_json: bool,
    show: Path | None,
    threads: int,
    offline: bool,
) -> None:
    """Name the colour in the middle of a photo, or of a part of it.

    \b
      glint colour --image shirt.jpg
      glint colour --image socks.jpg --region 0.1,0.2,0.4,0.8
      glint colour --image cup.jpg --json --show cup-colour.png

    The colour of the light, shadows and highlights are taken out. The names are the eleven that everybody uses
    (red, orange, yellow, green, blue, purple, pink, brown, grey, black, white), turquoise and beige, with light and
    dark, navy and maroon. When two names are about as likely, both are said.

    --json prints colour (as it is spoken), names (each surface of the part: name, basic, share of the part,
    confidence), rgb (sRGB of the largest, as it looks by day) and claims. Needs no model; --threads and --offline
    change nothing here.
    """
    from device.experts.colour import colour_claims, spoken
    from device.experts.colour.surfaces import CENTRE, surfaces

    scene = open_scene(image, threads, offline)
    box = region or CENTRE
    found = surfaces(scene.pixels, box)
    text, names = spoken(found)
    claims = colour_claims(found, names, box)
    record = {
        "colour": text,
        "names": [
            {"name": s.name, "basic": s.basic, "share": round(s.share, 3), "confidence": s.confidence} for s in found
        ],
        "rgb": list(found[0].rgb),
        "claims": [
            {"source": c.source, "finding": c.finding, "confidence": c.confidence, "basis": c.basis.value, "box": c.box}
            for c in claims
        ],
    }
    finish(scene.pixels, claims, record, text, as_json, show)

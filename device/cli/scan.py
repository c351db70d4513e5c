"""`glint scan`: the QR codes and barcodes in a photo."""

from __future__ import annotations

from pathlib import Path

import click

from device.cli.expert import finish, open_scene, photo_options


@click.command()
@photo_options
def scan(image: Path, as_json: bool, show: Path | None, threads: int, offline: bool) -> None:
    """Read the QR codes, barcodes, Data Matrix, Aztec and PDF417 codes in a photo.

    \b
      glint scan --image parcel.jpg
      glint scan --image poster.jpg --json --show poster-codes.png

    Nothing is opened or looked up. A link is announced by its host, with a warning where it looks odd; the password of
    a Wi-Fi code is not said (--json has it in text, as everything that a code holds).

    --json prints codes, from top to bottom: kind ("QR Code", "EAN-13", ...), text (verbatim), box (left, top, right,
    bottom in shares of the picture), valid (the checksum holds; of a code that does not, the text is no use) and says.
    Needs no model; --threads and --offline change nothing here.
    """
    from device.experts.codes import describe, find_codes, no_code

    scene = open_scene(image, threads, offline)
    codes = find_codes(scene.pixels)
    claims = [code.claim(code.kind) for code in codes]
    record = {
        "codes": [
            {"kind": c.kind, "text": c.text, "box": c.box, "valid": c.valid, "says": describe((c,)).text} for c in codes
        ]
    }
    text = describe(codes, everything=False).text if codes else no_code(scene).text
    finish(scene.pixels, claims, record, text, as_json, show)

import json

import numpy as np
import zxingcpp
from click.testing import CliRunner
from PIL import Image

from device.cli.scan import scan


def saved(path, text=None, mode="RGB"):
    picture = np.full((400, 500), 200, np.uint8)
    if text:
        code = np.array(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_image(scale=5))
        picture[50 : 50 + code.shape[0], 60 : 60 + code.shape[1]] = code
    Image.fromarray(picture).convert(mode).save(path)
    return str(path)


def test_json_holds_every_code(tmp_path):
    image = saved(tmp_path / "p.png", "https://example.org/x")
    result = CliRunner().invoke(scan, ["--image", image, "--json", "--show", str(tmp_path / "shown.png")])
    (code,) = json.loads(result.output)["codes"]
    assert code["kind"] == "QR Code"
    assert code["text"] == "https://example.org/x"
    assert code["valid"]
    assert code["says"] == "A QR code with a link to example.org."
    assert code["box"][0] < 0.3 < code["box"][2]
    assert (np.asarray(Image.open(tmp_path / "shown.png").convert("RGB")).std(-1) > 10).any()  # a coloured box


def test_text_for_people_and_a_cmyk_photo(tmp_path):
    result = CliRunner().invoke(scan, ["--image", saved(tmp_path / "p.jpg", "hello", "CMYK")])
    assert result.output == "A QR code. It says: hello.\n"


def test_without_a_code(tmp_path):
    image = saved(tmp_path / "p.png")
    assert json.loads(CliRunner().invoke(scan, ["--image", image, "--json"]).output) == {"codes": []}
    assert "don't see a code" in CliRunner().invoke(scan, ["--image", image]).output

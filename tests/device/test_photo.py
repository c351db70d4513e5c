import io

import numpy as np
import pytest
from PIL import Image

from device.seeing.photo import read_photo
from models.errors import GlintError


def saved(path, image, **options):
    image.save(path, **options)
    return path


@pytest.fixture
def gradient():
    rows, columns = np.mgrid[0:90, 0:160]
    return Image.fromarray(np.stack([columns, rows, 255 - columns], -1).astype(np.uint8))


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "bmp", "gif", "tiff"])
def test_reads_common_formats(tmp_path, gradient, kind):
    picture = read_photo(saved(tmp_path / f"p.{kind}", gradient))
    assert picture.shape == (90, 160, 3)
    assert picture.dtype == np.uint8
    assert abs(int(picture[45, 150, 0]) - 150) < 12


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "RGBA", "LA", "I;16"])
def test_reads_every_colour_mode_as_rgb(tmp_path, gradient, mode):
    image = gradient.convert("L" if mode == "I;16" else mode)
    kind = "tiff" if mode in ("CMYK", "I;16") else "png"
    assert read_photo(saved(tmp_path / f"p.{kind}", image)).shape == (90, 160, 3)


def test_turns_a_phone_photo_upright(tmp_path, gradient):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    assert read_photo(saved(tmp_path / "p.jpg", gradient, exif=exif)).shape == (160, 90, 3)


def test_transparent_becomes_white(tmp_path):
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert (read_photo(saved(tmp_path / "p.png", image)) == 255).all()


def test_a_large_photo_is_decoded_smaller(tmp_path):
    picture = read_photo(saved(tmp_path / "p.jpg", Image.new("RGB", (6000, 4000), "green")))
    assert 1280 <= min(picture.shape[:2]) < 4000


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_half_a_picture_is_refused(tmp_path, kind, share):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8))
    buffer = io.BytesIO()
    noise.save(buffer, "jpeg" if kind == "jpg" else kind)
    path = tmp_path / f"half.{kind}"
    path.write_bytes(buffer.getvalue()[: int(share * buffer.tell())])
    with pytest.raises(GlintError, match=r"cut short or damaged|not a picture"):
        read_photo(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"hello, this is text", "not a picture"),
        (b"\xff\xd8\xff" + b"\0" * 50, "not a picture|damaged"),
    ],
)
def test_no_picture(tmp_path, content, sentence):
    path = tmp_path / "p.jpg"
    path.write_bytes(content)
    with pytest.raises(GlintError, match=sentence):
        read_photo(path)


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "none.jpg", tmp_path):
        with pytest.raises(GlintError, match="no picture at"):
            read_photo(path)


@pytest.mark.parametrize("side", [14_200, 25_000])
def test_over_200_megapixels_is_refused_without_decoding(tmp_path, side):
    path = saved(tmp_path / "huge.png", Image.new("1", (side, side)))
    with pytest.raises(GlintError, match="200 megapixels"):
        read_photo(path)

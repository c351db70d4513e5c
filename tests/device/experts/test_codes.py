import time

import cv2
import numpy as np
import pytest
import zxingcpp
from zxingcpp import BarcodeFormat as Format

from device.evidence import Basis
from device.experts.codes import INTENTS, describe, find_codes
from device.experts.codes.contents import check_digit, understand
from device.experts.instruments import open_instruments
from device.experts.scene import Scene


def drawn(text, kind=Format.QRCode, scale=5):
    return np.array(zxingcpp.create_barcode(text, kind).to_image(scale=scale))


def photo(*codes, at=None, angle=0.0, tilt=0.0, blur=0.0, size=(1280, 720)):
    """Codes on a grey, noisy table, each turned, seen at a slant, and blurred."""
    rng = np.random.default_rng(0)
    picture = np.full((size[1], size[0]), 150.0, np.float32)
    for number, code in enumerate(codes):
        height, width = code.shape
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        placed = (corners - [width / 2, height / 2]) @ turn * (1 + tilt * np.array([[-1], [1], [-1], [1]]))
        placed += (size[0] / 2, size[1] / 2) if at is None else at[number]
        matrix = cv2.getPerspectiveTransform(corners, placed.astype(np.float32))
        inside = cv2.warpPerspective(np.ones_like(code), matrix, size)
        picture = np.where(inside > 0, 0.8 * cv2.warpPerspective(code, matrix, size), picture)
    if blur:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    noisy = np.clip(picture + rng.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)
    return cv2.cvtColor(noisy, cv2.COLOR_GRAY2RGB)


def ask(question, pixels):
    scene = Scene(pixels, open_instruments())
    for intent in INTENTS:
        words = intent.match(question)
        if words is not None and (answer := intent.answer(scene, words)) is not None:
            return answer
    return None


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Format.QRCode, "hello"),
        (Format.DataMatrix, "ABC-123"),
        (Format.Aztec, "ticket 42"),
        (Format.PDF417, "boarding pass 17A"),
        (Format.EAN13, "4006381333931"),
        (Format.EAN8, "96385074"),
        (Format.UPCA, "036000291452"),
        (Format.Code128, "SN-0012345"),
    ],
)
def test_reads_each_kind_seen_at_a_slant(kind, text):
    scale = 5 if kind in (Format.QRCode, Format.DataMatrix, Format.Aztec) else 3
    (code,) = find_codes(photo(drawn(text, kind, scale), angle=0.15, tilt=0.05, blur=0.8))
    assert code.valid
    assert code.text.lstrip("0") == text.lstrip("0")
    assert code.box[0] < 0.5 < code.box[2]


@pytest.mark.parametrize("angle", [0, 0.8, 2.2, 3.1])
def test_turned_any_way(angle):
    for code in (drawn("turned"), drawn("4006381333931", Format.EAN13, 3)):
        (found,) = find_codes(photo(code, angle=angle))
        assert found.valid
        assert abs((found.box[0] + found.box[2]) / 2 - 0.5) < 0.03


def test_blurred_qr_code():
    assert [code.text for code in find_codes(photo(drawn("blurred"), blur=2.5))] == ["blurred"]


def test_ten_at_once_are_all_found_and_the_first_ones_spoken():
    places = [(160 + 240 * (n % 5), 200 + 320 * (n // 5)) for n in range(10)]
    pixels = photo(*(drawn(f"number {n}") for n in range(10)), at=places)
    codes = find_codes(pixels)
    assert [code.text for code in codes] == [f"number {n}" for n in range(10)]
    said = describe(codes)
    assert said.text.startswith("There are ten codes. First, on the left: A QR code. It says: number 0.")
    assert "And six more" in said.text
    assert "number 9" in ask("read all the codes", pixels).text


def test_damaged_code_is_said_to_be_unreadable():
    code = drawn("https://example.org/some/long/path/that/needs/room", scale=6)
    height, width = code.shape
    code[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = 128
    answer = ask("what does the QR code say", photo(code))
    assert "example" not in answer.text
    assert "damaged" in answer.text or "don't see" in answer.text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("https://www.example.org/a/b?c=1", "A QR code with a link to example.org."),
        ("https://192.0.2.7/login", "bare number"),
        ("https://bank.example@evil.example/", "link to evil.example. Careful: the link begins with another name"),
        ("https://xn--pple-43d.com", "look like others"),
        ("http://bit.ly/3abc", "hides where it leads"),
        ("tel:+441234567", "phone number +441234567"),
        ("mailto:ann@example.org?subject=hi", "e-mail address ann@example.org"),
        ("MECARD:N:Lovelace,Ada;TEL:+44123;;", "contact of Ada Lovelace, phone +44123"),
        ("BEGIN:VCARD\nVERSION:3.0\nFN:Ada Lovelace\nEMAIL:ada@example.org\nEND:VCARD", "contact of Ada Lovelace"),
        ("javascript:alert(1)", "I would not open it"),
        ("otpauth://totp/x?secret=ABCD", "secret for logging in"),
        ("BCD\n002\n1\nSCT\n\nRed Cross\nDE00123\nEUR12.50", "payment to Red Cross, 12.50 euros"),
        ("http://[broken", "broken link"),
        ("Meet me\u202e at\n nine", "It says: Meet me at nine."),
    ],
)
def test_what_a_code_holds_is_said_by_its_kind(text, says):
    content = understand("QR Code", text)
    assert says in content.says
    assert all(fact in content.says for fact in content.facts)


def test_wifi_password_is_said_only_when_asked_for():
    pixels = photo(drawn(r"WIFI:T:WPA;S:Cafe\; Blue;P:s3cret!;;"))
    scanned = ask("scan this", pixels)
    assert scanned.text == "A QR code for the Wi-Fi network Cafe; Blue. It has a password; ask me for it."
    assert "s3cret!" in ask("what's the wifi password?", pixels).text
    assert ask("what's the wifi password?", photo(drawn("no network"))) is None


def test_product_code_is_read_digit_by_digit_and_checked():
    answer = ask("scan the barcode", photo(drawn("4006381333931", Format.EAN13, 3)))
    assert answer.text == "The barcode is 4 0 0 6 3 8 1 3 3 3 9 3 1."
    assert answer.claims[0].basis is Basis.VERBATIM
    assert "ISBN" in understand("EAN-13", "9783161484100").says
    assert "wrong" in understand("EAN-13", "4006381333932").says
    assert check_digit("036000291452")
    assert not check_digit("036000291453")


def test_dates_and_batch_of_a_medicine():
    said = understand("Data Matrix", "(01)04012345123456(17)270331(10)AB12").says
    assert "expires 31 March 2027" in said
    assert "batch A B 1 2" in said


def test_long_text_is_shortened():
    content = understand("QR Code", "word " * 300)
    assert len(content.says) < 260
    assert "1499 characters in all" in content.says
    assert "word " * 299 in content.whole


@pytest.mark.parametrize("question", ["scan this", "Is there a QR code?", "read the barcode", "what's on the qr code"])
def test_no_code(question):
    assert "don't see a code" in ask(question, photo()).text


@pytest.mark.parametrize(
    ("question", "mine"),
    [
        ("scan it", True),
        ("Glint, can you scan this code for me?", True),
        ("what does the barcode say", True),
        ("where does this QR code lead?", True),
        ("do you see any barcodes", True),
        ("what does the sign say", False),
        ("what is this", False),
        ("read this", False),
        ("is there a dog", False),
    ],
)
def test_which_questions_are_about_codes(question, mine):
    assert any(intent.match(question) for intent in INTENTS) == mine


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (40, 40), (720, 1280)])
@pytest.mark.parametrize("level", [0, 255])
def test_blank_pictures_hold_no_code(size, level):
    assert find_codes(np.full((*size, 3), level, np.uint8)) == ()


def test_fifty_megapixels():
    small = photo(drawn("large", scale=8))
    large = cv2.resize(small, (8660, 5774), interpolation=cv2.INTER_NEAREST)
    start = time.perf_counter()
    assert [code.text for code in find_codes(large)] == ["large"]
    assert time.perf_counter() - start < 5

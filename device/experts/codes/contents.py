"""What the text of a code means: a link, a network, a person, a payment, a product, or plain words.

Knows the usual forms (ZXing's "Barcode contents", vCard, MeCard, EPC069-12, GS1); follows no link, and keeps passwords
and secrets back until they are asked for.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from urllib.parse import unquote, urlsplit

_SHORT = 160  # letters of plain text that are spoken
_SHORTENERS = {"bit.ly", "tinyurl.com", "t.co", "goo.gl", "is.gd", "ow.ly", "buff.ly", "cutt.ly", "rb.gy", "t.ly"}


@dataclass(frozen=True)
class Content:
    """says: the sentence. facts: the names, numbers and words in it, each as it stands in it. whole: with all of the
    text. secret: a password that is not in `says`.
    """

    says: str
    facts: tuple[str, ...]
    whole: str
    secret: str | None = None
    text: str = ""

    def findings(self, everything: bool) -> tuple[str, ...]:
        return (*self.facts, self.text) if everything and self.text else self.facts


def understand(kind: str, text: str) -> Content:
    """The content of a code of a kind ("QR Code", "EAN-13")."""
    name = "A QR code" if "QR" in kind else "A barcode" if _is_linear(kind) else f"A code ({kind})"
    clean = speakable(text)
    if not clean:
        return Content(f"{name} that holds no readable text.", (), f"{name} that holds no readable text.")
    digits = re.sub(r"[ -]", "", clean)
    if re.fullmatch(r"\d{8}|\d{12,14}", digits) and kind.startswith(("EAN", "UPC", "ISBN", "ITF-14")):
        return _product(digits)
    if clean.startswith("(") and (gs1 := _gs1(clean)):
        return gs1
    for understood in (_wifi, _contact, _payment, _link, _other_scheme):
        content = understood(name, text)
        if content is not None:
            return content
    short, rest = shorten(clean)
    more = f" And so on, {len(clean)} characters in all." if rest else ""
    facts = (short, f"{len(clean)} characters") if rest else (short,)
    return Content(f"{name}. It says: {_ended(short)}{more}", facts, f"{name}. It says: {_ended(clean)}", None, clean)


def _is_linear(kind: str) -> bool:
    return kind.startswith(("EAN", "UPC", "Code", "ITF", "Codabar", "DataBar", "ISBN"))


def speakable(text: str) -> str:
    """Without control and direction characters, which can make a text look or sound like another; single spaces."""
    kept = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    return " ".join("".join(c for c in kept if unicodedata.category(c) not in ("Cf", "Co", "Cs", "Cn")).split())


def shorten(text: str) -> tuple[str, bool]:
    """At most _SHORT letters, cut between words where there are any, and whether something is missing."""
    if len(text) <= _SHORT:
        return text, False
    head = text[:_SHORT]
    return (head.rsplit(" ", 1)[0] if " " in head[_SHORT // 2 :] else head), True


def _ended(text: str) -> str:
    return text if text[-1:] in ".!?" else f"{text}."


def check_digit(digits: str) -> bool:
    """Whether the last digit of an EAN, UPC-A, ISBN-13 or GTIN-14 is right (GS1 General Specifications, 7.9)."""
    total = sum(int(d) * (3 if place % 2 else 1) for place, d in enumerate(reversed(digits)))
    return total % 10 == 0


def _product(digits: str) -> Content:
    spaced = " ".join(digits)
    book = len(digits) == 13 and digits.startswith(("978", "979")) and not digits.startswith("9790")
    wrong = "" if check_digit(digits) else " Its check digit is wrong."
    says = f"The {'barcode of a book, ISBN,' if book else 'barcode'} is {spaced}.{wrong}"
    return Content(says, (spaced,), says, None, digits)


_GS1 = {
    "01": "product number",
    "10": "batch",
    "21": "serial number",
    "15": "best before",
    "17": "expires",
    "11": "made",
}


def _gs1(text: str) -> Content | None:
    """Application identifiers as "(01)04012345123456(17)261231": those that a person asks about, in words."""
    fields = re.findall(r"\((\d{2,4})\)([^(]+)", text)
    parts, facts = [], []
    for identifier, value in fields:
        if identifier not in _GS1:
            continue
        spoken = _gs1_date(value) if identifier in ("11", "15", "17") else " ".join(value)
        if spoken is None:
            continue
        parts.append(f"{_GS1[identifier]} {spoken}")
        facts.append(spoken)
    if not parts:
        return None
    says = f"A product's code: {', '.join(parts)}."
    return Content(says, tuple(facts), f"{says} The whole of it: {text}.", None, text)


def _gs1_date(value: str) -> str | None:
    """YYMMDD, where day 00 means the whole month; the century is the one that is nearest (7.12)."""
    if not re.fullmatch(r"\d{6}", value):
        return None
    year = 2000 + int(value[:2])
    year -= 100 if year - date.today().year >= 51 else 0
    try:
        day = date(year, int(value[2:4]), int(value[4:]) or 1)
    except ValueError:
        return None
    return f"{day:%B} {day.year}" if value[4:] == "00" else f"{day.day} {day:%B} {day.year}"


def _fields(text: str) -> dict[str, str]:
    """ "S:name;P:secret;;" -> {"S": "name", "P": "secret"}; a backslash keeps the letter after it."""
    pairs = (part.split(":", 1) for part in re.split(r"(?<!\\);", text) if ":" in part)
    return {key.strip().upper(): re.sub(r"\\(.)", r"\1", value) for key, value in pairs}


def _wifi(name: str, text: str) -> Content | None:
    if not text.upper().startswith("WIFI:"):
        return None
    fields = _fields(text[5:])
    network, password = speakable(fields.get("S", "")), fields.get("P", "")
    if not network:
        return None
    keep = " It has a password; ask me for it." if password else " It has no password."
    says = f"{name} for the Wi-Fi network {_ended(network)}{keep}"
    told = f"{says.removesuffix(keep)} The password is: {password}." if password else says
    return Content(says, (network,), told, password or None, password)


def _contact(name: str, text: str) -> Content | None:
    upper = text.upper()
    if upper.startswith("MECARD:"):
        fields = _fields(text[7:])
        person = " ".join(part.strip() for part in reversed(fields.get("N", "").split(",")))
        phone, mail = fields.get("TEL", ""), fields.get("EMAIL", "")
    elif upper.startswith("BEGIN:VCARD"):
        lines = re.sub(r"\r?\n[ \t]", "", text).splitlines()
        fields = {
            key.split(";")[0].split(".")[-1].upper(): value for key, _, value in (li.partition(":") for li in lines)
        }
        family, given = [*fields.get("N", "").split(";"), "", ""][:2]
        person = fields.get("FN", "") or f"{given} {family}"
        phone, mail = fields.get("TEL", "").removeprefix("tel:"), fields.get("EMAIL", "")
    else:
        return None
    person, phone, mail = (re.sub(r"\\(.)", r"\1", speakable(value)) for value in (person, phone, mail))
    facts = tuple(fact for fact in (person, phone, mail) if fact)
    if not facts:
        return None
    parts = [f"{name} with the contact of {person}" if person else f"{name} with a contact"]
    parts += [f"phone {phone}"] if phone else []
    parts += [f"e-mail {mail}"] if mail else []
    says = f"{', '.join(parts)}."
    return Content(says, facts, f"{says} The whole of it: {speakable(text)}.", None, speakable(text))


def _payment(name: str, text: str) -> Content | None:
    """A SEPA credit transfer (EPC069-12): BCD, version, ..., BIC, name, IBAN, amount."""
    lines = text.splitlines()
    if len(lines) < 7 or lines[0].strip() != "BCD":
        return None
    payee, amount = speakable(lines[5]), lines[7].strip() if len(lines) > 7 else ""
    money = re.fullmatch(r"EUR(\d+(?:\.\d{1,2})?)", amount)
    says = f"{name} for a payment to {payee}" + (f", {money[1]} euros." if money else ".")
    facts = (payee, f"{money[1]} euros") if money else (payee,)
    return Content(says, facts, f"{says} The account is {speakable(lines[6])}.", None, speakable(lines[6]))


def _link(name: str, text: str) -> Content | None:
    link = text.strip()
    if re.match(r"(?i)urlto:", link):
        link = link[6:].split(":", 1)[-1] if not link[6:].lower().startswith("http") else link[6:]
    if re.fullmatch(r"(?i)(?:www\.)(?:[\w-]+\.)+[a-z]{2,}(?:/\S*)?", link):
        link = f"https://{link}"
    if not re.match(r"(?i)(?:https?|ftp)://", link):
        return None
    try:
        parts = urlsplit(link)
        host, port, user = (parts.hostname or "").rstrip("."), parts.port, parts.username
    except ValueError:
        host, port, user = "", None, None
    clean = speakable(link)
    if not host:
        says = f"{name} with a broken link; I would not open it."
        return Content(says, (), says)
    shown = speakable(host.removeprefix("www."))
    doubts = _doubts(host, user, port, parts.scheme.lower())
    says = f"{name} with a link to {shown}." + "".join(f" {doubt}" for doubt in doubts)
    whole = f"{name} with the link {clean}." + "".join(f" {doubt}" for doubt in doubts)
    return Content(says, (shown,), whole, None, clean)


def _doubts(host: str, user: str | None, port: int | None, scheme: str) -> list[str]:
    """Why one should think twice before opening a link."""
    doubts = []
    if _is_address(host):
        doubts.append("Careful: that is a bare number instead of a name, which is unusual.")
    if user is not None:
        doubts.append("Careful: the link begins with another name than that of the site it goes to.")
    if any(label.startswith("xn--") for label in host.split(".")) or not host.isascii():
        doubts.append("Careful: the name has letters that can look like others.")
    if host.removeprefix("www.") in _SHORTENERS:
        doubts.append("It is a short link, which hides where it leads.")
    if port not in (None, 80, 443):
        doubts.append("Careful: it uses an unusual port.")
    return doubts


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return bool(re.fullmatch(r"(?:0x[\da-f]+|\d+)(?:\.(?:0x[\da-f]+|\d+)){0,3}", host, re.I))
    return True


def _other_scheme(name: str, text: str) -> Content | None:
    """tel:, mailto:, sms:, geo:, otpauth:, calendar entries, and schemes that run something."""
    scheme, _, rest = text.strip().partition(":")
    target = speakable(unquote(re.split(r"[?;]", rest, maxsplit=1)[0].removeprefix("//")))
    simple: dict[str, Callable[[str], str]] = {
        "tel": lambda t: f"{name} with the phone number {t}.",
        "mailto": lambda t: f"{name} with the e-mail address {t}.",
        "geo": lambda t: f"{name} with a place on the map, {t}.",
    }
    scheme = scheme.lower()
    if scheme in simple and target:
        says = simple[scheme](target)
        return Content(says, (target,), says, None, target)
    if scheme in ("sms", "smsto") and target:
        number = target.split(":")[0]
        says = f"{name} that writes a text message to {number}. Careful: that can cost money."
        return Content(says, (number,), says, None, speakable(rest))
    if scheme in ("otpauth", "otpauth-migration"):
        says = f"{name} with a secret for logging in. Keep it to yourself; I do not read it out."
        return Content(says, (), says)
    if scheme in ("javascript", "data", "file", "intent"):
        says = f"{name} that would run or open something on the device. I would not open it."
        return Content(says, (), says)
    summary = re.search(r"(?im)^SUMMARY[^:\r\n]*:(.+)$", text)
    if text.upper().startswith(("BEGIN:VEVENT", "BEGIN:VCALENDAR")) and summary:
        event = speakable(summary[1])
        says = f"{name} with a calendar entry: {_ended(event)}"
        return Content(says, (event,), f"{says} The whole of it: {speakable(text)}.", None, speakable(text))
    return None

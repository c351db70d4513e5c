"""Real answers of the real experts on pictures that are drawn here, as turns that are over."""

from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from device.cards.card import Card
from device.cards.ink import FONTS
from device.cards.of_answer import card_of
from device.experts.instruments import open_instruments
from device.experts.scene import Scene
from device.experts.table import consult
from device.glasses import Frame
from device.thinking.support import passed
from device.turn import Turn
from sim.renderings.distort import photograph
from sim.renderings.labels import european
from sim.renderings.packages import package


@dataclass
class Asked:
    """A turn that is over, and what its answer was found in."""

    turn: Turn
    scene: Scene

    @property
    def card(self) -> Card:
        return card_of(self.turn, self.scene)

    @property
    def card_of_record(self) -> Card:
        """Where the scene is not at hand any more."""
        return card_of(self.turn)


@pytest.fixture(scope="session")
def instruments():
    return open_instruments()


@pytest.fixture(scope="session")
def look(instruments):
    """The scene of a picture: one for each, so that it is read once."""
    return lambda pixels, before=None: Scene(pixels, instruments, before)


@pytest.fixture(scope="session")
def ask():
    def asked(question, scene):
        found = consult(question, scene)
        assert found is not None, question
        row, answer = found
        said = str(passed(answer.text, answer.claims))
        frame = Frame(scene.pixels, 0.0)
        return Asked(
            Turn(transcript=question, answer=said, answered_by=row, evidence=list(answer.claims), frame=frame), scene
        )

    return asked


def photographed(layout, seed):
    """(uint8 RGB [720, 1280, 3], what stands on it), seen straight on."""
    rng = np.random.default_rng(seed)
    drawn, truth = layout(rng)
    return photograph(drawn.pixels, "flat", rng), truth


@pytest.fixture(scope="session")
def label(look):
    pixels, truth = photographed(european, 1)
    return look(pixels), truth["fields"]


@pytest.fixture(scope="session")
def other_label(look):
    pixels, truth = photographed(european, 5)
    return look(pixels), truth["fields"]


@pytest.fixture(scope="session")
def packet(look):
    pixels, truth = photographed(package, 3)
    return look(pixels), truth


@pytest.fixture(scope="session")
def two_tags(look):
    """Two price tags beside each other: (scene, prices in pounds, prices per kilogram)."""
    picture = Image.new("RGB", (1280, 720), "#7d8a84")
    pen = ImageDraw.Draw(picture)
    for left, name, size, price, per_kilo in (
        (90, "Basmati Rice", "500 g", "2.40", "4.80"),
        (710, "Jasmine Rice", "750 g", "3.15", "4.20"),
    ):
        pen.rectangle((left, 150, left + 480, 560), fill="white")
        for text, y, points in (
            (name, 180, 46),
            (size, 245, 40),
            (f"£{price}", 310, 110),
            (f"£{per_kilo} per kg", 470, 44),
        ):
            pen.text((left + 40, y), text, "black", ImageFont.truetype(FONTS / "DejaVuSansCondensed-Bold.ttf", points))
    return look(np.asarray(picture)), (2.40, 3.15), (4.80, 4.20)

import signal
from pathlib import Path

import pytest

from models import fetch
from models.bundle import Bundle

ROOT = Path(__file__).parents[1]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs deaf to Ctrl-C, and so would be the commands that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("real_time"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def demo_photo() -> Path:
    return ROOT / "sim/demo/photo.jpg"


@pytest.fixture(scope="session")
def demo_question() -> Path:
    return ROOT / "sim/demo/question.wav"


@pytest.fixture(scope="session")
def default_bundle() -> Bundle:
    """The real default model, fetched and assembled if need be."""
    return Bundle.open(fetch.ensure("glint-135m"))


@pytest.fixture(scope="session")
def base_gguf() -> Path:
    """The real base model of the default model, fetched if need be."""
    return next(fetch.ensure("smollm2-135m-instruct-q4_1").glob("*.gguf"))

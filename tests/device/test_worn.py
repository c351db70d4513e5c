"""What `--glasses` means."""

import pytest

from device.cli.worn import open_worn
from models.errors import GlintError


def test_a_laptop_may_be_made_of_files(demo_photo, demo_question, tmp_path):
    worn = open_worn("laptop", str(demo_photo), str(demo_question), str(tmp_path / "answer.wav"))
    assert worn.microphone.read(1.0) is not None
    assert worn.camera.latest() is not None
    worn.close()


def test_others_are_named_with_what_there_is():
    with pytest.raises(GlintError, match=r"no glasses 'monocle'; choose from laptop, halo, tcp://"):
        open_worn("monocle")


@pytest.mark.parametrize("glasses", ["halo", "tcp://127.0.0.1:9"])
def test_real_glasses_have_their_own_parts(glasses):
    with pytest.raises(GlintError, match=f"{glasses} has its own"):
        open_worn(glasses, camera="0")

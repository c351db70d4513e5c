"""The command as a whole, where a part of the project is not there."""

import json
import sys

import pytest

from device.cli import main


def test_what_a_device_does_not_carry_is_said_in_one_line(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.split(".")[0] == "sim"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sim", None)
    with pytest.raises(SystemExit) as ended:
        main(["bench", "loop", "--json"])
    said = capsys.readouterr()
    assert ended.value.code == 1
    assert "sim/" in said.err
    assert json.loads(said.out)["error"].startswith("This needs sim/")

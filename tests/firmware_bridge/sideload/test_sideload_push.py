"""Archives carried to a device: over an ssh that runs here and breaks at random, over a real one, by folder."""

import getpass
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from small_archives import KEY, make, run_installer, says

from device.cli.sideload import sideload
from firmware_bridge.sideload import push
from firmware_bridge.sideload.push import PLACE, connected, send_file
from models.errors import GlintError
from models.progress import silent

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="devices run Linux")


@pytest.fixture
def device(tmp_path, monkeypatch):
    """A folder that plays the device; `python3.11` and `sudo` are there whatever this machine has."""
    folder = tmp_path / "device"
    for name in ("home", "bin"):
        (folder / name).mkdir(parents=True)
    programs = {
        "ssh": f'exec {sys.executable} {Path(__file__).with_name("fake_ssh.py")} "$@"',
        f"python{sys.version_info[0]}.{sys.version_info[1]}": f'exec {sys.executable} "$@"',
    }
    for name, line in programs.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / "bin" / name).chmod(0o755)
    monkeypatch.setenv("FAKE_SSH", str(folder))
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    return folder


@pytest.fixture
def key_file(tmp_path):
    (tmp_path / "key.pub").write_text(KEY.public.as_file())
    return tmp_path / "key.pub"


def sent(device: Path, name: str) -> Path:
    return device / "home" / PLACE / name


def test_a_transfer_that_breaks_goes_on_where_it_broke(device, tmp_path) -> None:
    dice = random.Random(5)
    file = tmp_path / "a file.tar"
    file.write_bytes(dice.randbytes(3_000_000))
    breaks = [0, 1, 4095, 100_000, 0, 0, 900_000, 700_001]
    (device / "breaks").write_text("\n".join(map(str, breaks)))
    told: list[int] = []
    with connected("pi") as remote:
        there = send_file(remote, file, lambda what, done, whole: told.append(done), lambda seconds: None)
    assert there == f"{PLACE}/a file.tar"
    assert sent(device, "a file.tar").read_bytes() == file.read_bytes()
    assert not sent(device, "a file.tar.part").exists()
    assert told[-1] == 3_000_000
    commands = (device / "log").read_text()
    assert commands.count("cat >>") == len(breaks) + 1


def test_random_breaks_never_lose_or_double_a_byte(device, tmp_path) -> None:
    for seed in range(6):
        dice = random.Random(seed)
        file = tmp_path / f"{seed}.bin"
        file.write_bytes(dice.randbytes(dice.randrange(1, 400_000)))
        (device / "breaks").write_text("\n".join(str(dice.randrange(200_000)) for _ in range(4)))
        with connected("pi") as remote:
            send_file(remote, file, silent, lambda seconds: None)
        assert sent(device, file.name).read_bytes() == file.read_bytes()


def test_what_lies_there_and_is_not_the_beginning_of_the_file_is_sent_anew(device, tmp_path) -> None:
    file = tmp_path / "glint.tar"
    file.write_bytes(b"new" * 50_000)
    for there, name in ((b"old" * 10_000, "glint.tar.part"), (b"x" * 500_000, "glint.tar.part"), (b"y", "glint.tar")):
        sent(device, name).parent.mkdir(parents=True, exist_ok=True)
        sent(device, name).write_bytes(there)
        with connected("pi") as remote:
            send_file(remote, file, silent)
        assert sent(device, "glint.tar").read_bytes() == file.read_bytes()
    (device / "log").write_text("")
    with connected("pi") as remote:
        send_file(remote, file, silent)
    assert "cat >>" not in (device / "log").read_text()  # what is there in full is not sent again


def test_a_link_that_brings_nothing_forward_is_given_up_in_one_sentence(device, tmp_path) -> None:
    file = tmp_path / "glint.tar"
    file.write_bytes(bytes(10_000))
    (device / "breaks").write_text("5000\n" + "0\n" * 20)
    pauses: list[float] = []
    with (
        connected("pi") as remote,
        pytest.raises(GlintError, match=r"glint\.tar was not brought over.*next push goes on"),
    ):
        send_file(remote, file, silent, pauses.append)
    assert pauses == [2, 2, 4, 8, 16, 32]  # the first attempt brought something forward
    assert sent(device, "glint.tar.part").stat().st_size == 5000


@pytest.mark.parametrize("host", ["-oProxyCommand=true", "", "two words"])
def test_hosts_that_are_none_are_refused(host) -> None:
    with pytest.raises(GlintError, match="is not a host"), connected(host):
        pass


def test_a_full_disk_there_is_no_reason_to_try_again(device, tmp_path) -> None:
    (device / "bin/cat").write_text("#!/bin/sh\necho 'cat: write error: No space left on device' >&2\nexit 1\n")
    (device / "bin/cat").chmod(0o755)
    (tmp_path / "glint.tar").write_bytes(bytes(10_000))
    with connected("pi") as remote, pytest.raises(GlintError, match="No space left on device"):
        send_file(remote, tmp_path / "glint.tar", silent)
    assert (device / "log").read_text().count("cat >>") == 1


def test_push_installs_over_a_link_that_breaks(device, tmp_path, key_file, monkeypatch) -> None:
    monkeypatch.setattr(push, "PAUSE_S", 0.01)
    first, root = make(tmp_path, "1.0.0", answer="One."), device / "opt"
    words = ["push", "pi@pi", str(first.path), "--key", str(key_file), "--root", str(root), "--json"]
    (device / "breaks").write_text("1000\n2000\n5000")
    done = CliRunner().invoke(sideload, words)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout.splitlines()[-1])["host"] == "pi@pi"
    assert says(root) == "One."
    assert not list((device / "home").rglob("*.tar"))
    assert not list((device / "home").rglob("*.pyz"))
    older = make(tmp_path, "0.9.0", answer="Old.")
    words[2] = str(older.path)
    done = CliRunner().invoke(sideload, words)
    assert done.exit_code == 1
    assert "was not installed on pi@pi" in str(done.exception)
    assert says(root) == "One."
    assert CliRunner().invoke(sideload, [*words, "--allow-downgrade"]).exit_code == 0
    assert says(root) == "Old."


def test_push_refuses_before_it_sends(device, tmp_path, key_file) -> None:
    other = make(tmp_path, "1.0.0", target="riscv64")
    done = CliRunner().invoke(sideload, ["push", "pi", str(other.path), "--key", str(key_file)])
    assert "is for riscv64 and pi is" in str(done.exception)
    other.path.write_bytes(other.path.read_bytes()[:5000])
    done = CliRunner().invoke(sideload, ["push", "pi", str(other.path), "--key", str(key_file)])
    assert "cut off" in str(done.exception)
    done = CliRunner().invoke(sideload, ["push", str(tmp_path / "no/folder"), "--key", str(key_file)])
    assert "There is no" in str(done.exception)
    assert "cat >>" not in (device / "log").read_text()


def test_what_lies_in_a_folder_installs_without_this_machine(tmp_path, key_file) -> None:
    archive, card = make(tmp_path, "1.0.0"), tmp_path / "card"
    card.mkdir()
    done = CliRunner().invoke(sideload, ["push", str(card), str(archive.path), "--key", str(key_file), "--json"])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in card.iterdir()) == ["glint-1.0.0.tar", "install.pyz"]
    command = json.loads(done.stdout)["command"]
    words = command.removeprefix("sudo ").split()[2:]
    assert words[0] == "install"
    done = run_installer(*words, "--root", tmp_path / "opt", tool=card / "install.pyz", cwd=card)
    assert done.returncode == 0, done.stderr
    assert says(tmp_path / "opt") == "A pineapple."


def test_a_folder_that_is_full_keeps_no_half_of_a_file(tmp_path, monkeypatch) -> None:
    (tmp_path / "a.tar").write_bytes(bytes(10))
    (tmp_path / "card").mkdir()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(push.os, "fsync", full)
    with pytest.raises(GlintError, match=r"card/a\.tar cannot be written \(No space left on device\)"):
        push.copy_to_folder([tmp_path / "a.tar"], tmp_path / "card", silent)
    assert list((tmp_path / "card").iterdir()) == []


def test_verify_tells_what_is_there_and_its_exit_status(tmp_path, key_file) -> None:
    archive, root = make(tmp_path, "1.0.0"), tmp_path / "opt"
    done = CliRunner().invoke(sideload, ["verify", str(archive.path), "--key", str(key_file), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["identity"].startswith("1.0.0-")
    assert run_installer("install", archive.path, "--root", root, "--key", KEY.public).returncode == 0
    done = CliRunner().invoke(sideload, ["verify", str(root), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["active"].startswith("1.0.0-")
    (root / "current/models/small/1/weights.bin").write_bytes(b"")
    done = CliRunner().invoke(sideload, ["verify", str(root), "--json"])
    assert done.exit_code == 1
    said = json.loads(done.stdout)
    assert said["ok"] is False
    assert "weights.bin has changed" in said["problems"][0]
    done = CliRunner().invoke(sideload, ["verify", str(tmp_path)])
    assert "holds no installation" in str(done.exception)


SSHD = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")


@pytest.mark.skipif(SSHD is None, reason="there is no sshd here")
def test_push_over_a_real_sshd(tmp_path, key_file, monkeypatch) -> None:
    where = tmp_path / "sshd"
    where.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", where / name], check=True)
    shutil.copy(where / "user.pub", where / "authorized")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = f"Port {port}\nListenAddress 127.0.0.1\nHostKey {where}/host\nPidFile none\nStrictModes no\n"
    settings += f"AuthorizedKeysFile {where}/authorized\nPasswordAuthentication no\nUsePAM no\n"
    settings += f"SetEnv PATH={Path(sys.executable).parent}:/usr/bin:/bin\n"
    settings += f'ForceCommand cd {tmp_path / "home"} && eval "$SSH_ORIGINAL_COMMAND"\n'
    (where / "config").write_text(settings)
    (tmp_path / "home").mkdir()
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", where / "config"], stderr=subprocess.DEVNULL)
    client = (
        f"-i {where}/user -p {port} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes"
    )
    (where / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} {client} "$@"\n')
    (where / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{where}:{os.environ['PATH']}")
    try:
        for _ in range(50):
            if socket.socket().connect_ex(("127.0.0.1", port)) == 0:
                break
            time.sleep(0.1)
        archive, root = make(tmp_path, "1.0.0"), tmp_path / "opt"
        host = f"{getpass.getuser()}@127.0.0.1"
        words = ["push", host, str(archive.path), "--key", str(key_file), "--root", str(root)]
        done = CliRunner().invoke(sideload, words)
        assert done.exit_code == 0, (done.output, done.exception)
        assert says(root) == "A pineapple."
        file = tmp_path / "large.bin"
        file.write_bytes(random.Random(1).randbytes(5_000_000))
        with connected(host) as remote:
            there = send_file(remote, file, silent)
            assert remote.run(f"wc -c < {there}").strip() == "5000000"
            remote.run(f"rm {there}")
    finally:
        server.terminate()
        server.wait()

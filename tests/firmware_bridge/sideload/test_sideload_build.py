"""What goes into an archive: the builder, the parts of this very Glint, its lock of wheels, its launcher and unit."""

import configparser
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner
from small_archives import KEY, make
from small_archives import wheel as make_wheel

from device.cli.sideload import sideload
from firmware_bridge.sideload import parts
from firmware_bridge.sideload.build import Purpose, build
from firmware_bridge.sideload.launcher import launcher, unit
from firmware_bridge.sideload.lock import BESIDES, INSTEAD, NOT_ON_DEVICE, TARGETS, Wheel, names, read_lock
from firmware_bridge.sideload.on_device.manifest import ordered
from firmware_bridge.sideload.on_device.unit import write_unit
from firmware_bridge.sideload.pack import glint_wheel, installer
from firmware_bridge.sideload.parts import Part, own_parts
from firmware_bridge.sideload.settings import PROFILES, read_profile
from firmware_bridge.sideload.wheels import fetch_wheels, least_glibc
from models.catalog import Catalog, tomllib
from models.errors import GlintError
from models.fetch import Store
from models.progress import silent


def test_the_same_source_gives_the_same_archive(tmp_path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, two = make(tmp_path / "a"), make(tmp_path / "b")
    assert one.path.read_bytes() == two.path.read_bytes()
    assert installer() == installer()


def test_an_archive_is_there_whole_or_not_at_all(tmp_path) -> None:
    missing = Part("models/gone/1/weights.bin", tmp_path / "gone")
    with pytest.raises(FileNotFoundError):
        make(tmp_path, parts=(missing,))
    assert list(tmp_path.iterdir()) == []

    def interrupted(what, done, whole):
        raise KeyboardInterrupt

    purpose = Purpose("1.0.0", "aarch64", "3.11", "2.28", "generic")
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "glint.tar", [Part("a", b"a")], purpose, {}, KEY, interrupted)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(GlintError, match=r"/dev/null/glint\.tar cannot be written"):
        build(Path("/dev/null/glint.tar"), [Part("a", b"a")], purpose, {}, KEY, silent)


def test_tar_alone_takes_the_installer_out(tmp_path) -> None:
    archive = make(tmp_path)
    subprocess.run(["tar", "-xf", archive.path, "install.pyz"], cwd=tmp_path, check=True)
    assert (tmp_path / "install.pyz").read_bytes() == installer()
    with tarfile.open(archive.path) as tar:
        assert tar.getnames()[:4] == ["manifest.json", "manifest.json.minisig", "key.pub", "install.pyz"]


def test_versions_are_compared_as_numbers(tmp_path) -> None:
    assert ordered("0.10.0") > ordered("0.9.9")
    assert ordered("1.0") == ordered("1.0.0.0")
    for version in ("1", "1.0rc1", "1.0.0.0.0", "", "1..0"):
        with pytest.raises(ValueError, match="is not a version"):
            ordered(version)
    with pytest.raises(GlintError, match="'one' is not a version"):
        make(tmp_path, "one")


def test_the_lock_has_every_dependency_of_a_device(tmp_path) -> None:
    """Who adds a dependency to pyproject.toml writes the lock anew, or says why a device does without."""
    own = [re.split(r"[ <>=!~;\[]", line)[0].lower() for line in metadata.requires("glint") if "extra ==" not in line]
    needed = {INSTEAD.get(name, name) for name in own} - set(NOT_ON_DEVICE)
    assert len(needed) > 15
    assert needed <= set(names())
    for target in TARGETS:
        lock = read_lock(target)
        assert needed <= set(lock)
        for name, wheel in lock.items():
            assert re.fullmatch(r"[0-9a-f]{64}", wheel.sha256), name
            assert wheel.file.endswith(("any.whl", f"{target}.whl")), wheel.file
            assert wheel.file.split("-")[1] == wheel.version
    assert "onnxruntime" in lock
    assert not set(lock) & (set(NOT_ON_DEVICE) | set(INSTEAD))
    assert set(BESIDES) <= set(lock)
    with pytest.raises(GlintError, match="no archive for 'mips'"):
        read_lock("mips")


def test_the_oldest_c_library_is_read_from_the_names_of_the_wheels(tmp_path) -> None:
    a = tmp_path / "a-1-cp311-cp311-manylinux_2_27_aarch64.manylinux_2_28_aarch64.whl"
    b = tmp_path / "b-1-cp311-cp311-manylinux2014_aarch64.manylinux_2_17_aarch64.whl"
    c = tmp_path / "c-1-py3-none-manylinux_2_35_aarch64.whl"
    d = tmp_path / "d-1-py3-none-any.whl"
    assert least_glibc([a, b, d]) == "2.27"
    assert least_glibc([a, b, c, d]) == "2.35"
    assert least_glibc([d]) == "2.17"


@pytest.fixture
def store(tmp_path) -> Store:
    """A cache and a catalogue with one model that is used by default and one that is not."""
    listed = """
[[model]]
name = "{name}"
version = "1"
licence = "MIT"
role = "a test"
default = {default}
source = {{ folder = "/nowhere" }}
files = [ {{ path = "weights.bin", size = 3, sha256 = "{sha256}" }} ]
"""
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of "abc"
    (tmp_path / "catalog.toml").write_text(
        listed.format(name="used", default="true", sha256=sha256)
        + listed.format(name="unused", default="false", sha256=sha256)
    )
    for name in ("used", "unused"):
        (tmp_path / "cache" / name / "1").mkdir(parents=True)
        (tmp_path / "cache" / name / "1/weights.bin").write_bytes(b"abc")
    return Store(tmp_path / "cache", Catalog.read(tmp_path / "catalog.toml"))


def test_the_models_of_a_device_are_those_that_are_used_and_its_catalogue_says_so(store, tmp_path) -> None:
    assert [part.path for part in parts.model_parts(store)] == ["models/used/1/weights.bin"]
    with zipfile.ZipFile(io.BytesIO(parts.glint_part(store).content)) as packed:
        packed.extractall(tmp_path / "site")
    there = Store(store.root, Catalog.read(tmp_path / "site/models/catalog.toml", tmp_path / "site/models/weights"))
    assert list(there.catalog.models) == ["used"]
    assert there.verify("used") == []
    assert there.ensure("used", offline=True) == store.root / "used/1"


def test_glints_wheel_is_one_that_pip_takes_and_holds_what_runs_on_a_device(tmp_path) -> None:
    name, content = glint_wheel({})
    assert glint_wheel({})[1] == content
    (tmp_path / name).write_bytes(content)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, "--target", tmp_path / "site", tmp_path / name], check=True, env=os.environ)
    assert (tmp_path / "site/device/cli/__init__.py").is_file()
    assert (tmp_path / "site/models/weights/routing/intents.npz").is_file()
    for left_out in ("sim", "export", "tests", "models/weights/glint-135m"):
        assert not (tmp_path / "site" / left_out).exists()
    assert len(content) < 5e6
    found = [one.version for one in metadata.distributions(path=[str(tmp_path / "site")]) if one.name == "glint"]
    assert found == [metadata.version("glint")]


def test_the_launcher_finds_its_own_packages_wherever_it_lies(tmp_path) -> None:
    version = tmp_path / "a folder/versions/1"
    (version / "bin").mkdir(parents=True)
    (version / "site/device").mkdir(parents=True)
    (version / "site/device/__main__.py").write_text(
        "import os, sys\nprint(sys.argv[1:], os.environ['GLINT_CACHE'], os.environ['GLINT_OFFLINE'], sys.path[0])"
    )
    (version / "bin/glint").write_text(launcher("3.11"))
    (version / "bin/glint").chmod(0o755)
    (tmp_path / "current").symlink_to(version)
    (tmp_path / "elsewhere/device").mkdir(parents=True)
    (tmp_path / "elsewhere/device/__main__.py").write_text("print('the wrong one')")
    environment = os.environ | {"GLINT_PYTHON": sys.executable, "XDG_CACHE_HOME": str(tmp_path / "kept")}
    done = subprocess.run(
        [tmp_path / "current/bin/glint", "ask", "two words"],
        cwd=tmp_path / "elsewhere",
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"['ask', 'two words'] {version}/models 1 {version}/site\n", done.stderr
    assert not list(version.rglob("__pycache__"))  # what is installed stays as it was signed


@pytest.mark.parametrize("name", list(tomllib.loads(PROFILES.read_text())))
def test_the_unit_of_every_profile_forbids_what_it_should(name, tmp_path) -> None:
    profile = read_profile(name)
    text = unit(profile)
    reader = configparser.ConfigParser(strict=False, interpolation=None)
    reader.optionxform = str  # type: ignore[assignment, method-assign]
    reader.read_string(text)
    service = reader["Service"]
    assert service["MemoryMax"] == f"{profile.memory_max_mb}M"
    assert service["CPUQuota"] == f"{profile.cpu_percent}%"
    for key, value in {
        "PrivateNetwork": "yes", "IPAddressDeny": "any", "ProtectSystem": "strict", "NoNewPrivileges": "yes",
        "DevicePolicy": "closed", "DynamicUser": "yes", "Type": "notify", "Restart": "always", "WatchdogSec": "60",
        "StandardOutput": "null", "CapabilityBoundingSet": "",
    }.items():  # fmt: skip
        assert service[key] == value
    (tmp_path / "glint.service").write_text(text)
    write_unit(tmp_path, tmp_path / "opt", tmp_path / "units")
    assert f"ExecStart={tmp_path}/opt/current/bin/glint serve\n" in (tmp_path / "units/glint.service").read_text()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_understands_every_line_of_the_unit(tmp_path) -> None:
    (tmp_path / "glint.service").write_text(unit(read_profile("pi-5")))
    (tmp_path / "current/bin").mkdir(parents=True)
    (tmp_path / "current/bin/glint").write_text("#!/bin/sh\n")
    (tmp_path / "current/bin/glint").chmod(0o755)
    write_unit(tmp_path, tmp_path, tmp_path / "units")
    command = ["systemd-analyze", "verify", "--man=no", tmp_path / "units/glint.service"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "glint.service" not in done.stderr, done.stderr


def test_a_self_test_without_its_picture_is_not_built(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(parts, "DEMO", tmp_path)
    with pytest.raises(GlintError, match=r"photo\.jpg is missing"):
        own_parts(read_profile("generic"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--target", "mips"], "There is no archive for 'mips'; choose from aarch64, x86_64"),
        (["--profile", "pi-6"], r"There is no profile 'pi-6'; did you mean pi-5\?"),
        (["--key", "none.key"], "There is no key none.key"),
        (["--release", "one"], "'one' is not a version"),
    ],
)
def test_what_cannot_be_built_is_refused_before_anything_takes_long(words, said, tmp_path, monkeypatch) -> None:
    def nothing_else(*_, **__):
        raise AssertionError("it went on")

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(Store, "ensure", nothing_else)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(sideload, ["build", *words])
    assert done.exit_code == 1
    assert isinstance(done.exception, GlintError)
    assert re.search(said, str(done.exception))


def test_wheels_are_kept_and_without_them_offline_says_which(tmp_path, monkeypatch) -> None:
    content = make_wheel({"small/__init__.py": b""})
    wheel = Wheel("small", "1", "small-1-py3-none-any.whl", len(content), hashlib.sha256(content).hexdigest())
    monkeypatch.setattr("firmware_bridge.sideload.wheels.read_lock", lambda target: {"small": wheel})
    with pytest.raises(GlintError, match=r"small: not in .*switched off"):
        fetch_wheels("aarch64", tmp_path, False, True, silent)
    (tmp_path / wheel.file).write_bytes(content)
    assert fetch_wheels("aarch64", tmp_path, False, True, silent) == [tmp_path / wheel.file]
    (tmp_path / wheel.file).write_bytes(content[:-1] + b"!")
    with pytest.raises(GlintError, match="small: not in"):
        fetch_wheels("aarch64", tmp_path, False, True, silent)


def test_what_the_index_has_under_that_name_and_is_another_file_is_refused(tmp_path, monkeypatch) -> None:
    """The real pip, and a folder in place of an index."""
    name = "glint_small_test-1-py3-none-any.whl"
    info = {"glint_small_test-1.dist-info/METADATA": b"Metadata-Version: 2.1\nName: glint-small-test\nVersion: 1\n"}
    info |= {"glint_small_test-1.dist-info/WHEEL": b"Wheel-Version: 1.0\nTag: py3-none-any\n"}
    info |= {"glint_small_test-1.dist-info/RECORD": b""}
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / name).write_bytes(make_wheel(info))
    content = (tmp_path / "index" / name).read_bytes()
    for key, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "index")}.items():
        monkeypatch.setenv(key, value)
    right = Wheel("glint-small-test", "1", name, len(content), hashlib.sha256(content).hexdigest())
    wrong = Wheel("glint-small-test", "1", name, len(content), "0" * 64)
    for lock in (wrong, right):
        monkeypatch.setattr("firmware_bridge.sideload.wheels.read_lock", lambda target, lock=lock: {lock.name: lock})
        if lock is wrong:
            with pytest.raises(GlintError, match=f"{name} from the package index is not the file"):
                fetch_wheels("aarch64", tmp_path / "kept", False, False, silent)
            assert list((tmp_path / "kept").iterdir()) == []
        else:
            assert fetch_wheels("aarch64", tmp_path / "kept", False, False, silent) == [tmp_path / "kept" / name]
    gone = Wheel("glint-small-gone", "1", "x", 1, "0" * 64)
    monkeypatch.setattr("firmware_bridge.sideload.wheels.read_lock", lambda target: {gone.name: gone})
    with pytest.raises(GlintError, match="pip could not get the wheels for aarch64"):
        fetch_wheels("aarch64", tmp_path / "kept", False, False, silent)

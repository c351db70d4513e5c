"""`glint doctor` on this machine, and its checks when things are missing, crash or hang."""

import ctypes
import hashlib
import json
import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from device import doctor, probes
from device.cli.doctor import doctor_command
from device.doctor import Check, all_checks, can_ask, examine
from models.catalog import Catalog
from models.fetch import Store
from models.progress import silent

CONTENT = b"a model\n" * 100


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store with one default model and one other, used in place of the real catalogue."""
    (tmp_path / "weights.bin").write_bytes(CONTENT)
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    entries = [
        f'[[model]]\nname = "{name}"\nversion = "1"\nlicence = "MIT"\nrole = "r"\ndefault = {default}\n'
        f"source = {{ folder = {json.dumps(str(tmp_path))} }}\n"
        f'files = [{{ path = "weights.bin", size = {len(CONTENT)}, sha256 = "{sha256}" }}]\n'
        for name, default in (("small", "true"), ("other", "false"))
    ]
    (tmp_path / "catalog.toml").write_text("\n".join(entries))
    store = Store(tmp_path / "cache", Catalog.read(tmp_path / "catalog.toml"))
    monkeypatch.setenv("GLINT_CACHE", str(store.root))
    monkeypatch.setattr(doctor, "catalog", lambda: store.catalog)
    monkeypatch.setattr(doctor, "default_store", lambda: store)
    monkeypatch.setattr(probes, "default_store", lambda: store)
    return store


def only(name):
    """The finding of one of the checks."""
    (finding,) = examine(check for check in all_checks() if check.name == name)
    return finding


def look_at(probe, needed=True):
    (finding,) = examine([Check("group", "name", probe, "do this", needed)])
    return finding


def test_it_works_here_once_the_models_are_installed(store):
    lacking = CliRunner().invoke(doctor_command, ["--json"])
    assert lacking.exit_code == 1
    store.pull("small", progress=silent)
    result = CliRunner().invoke(doctor_command, ["--json"])
    found = json.loads(result.stdout)
    assert [check for check in found["checks"] if check["state"] == "missing"] == []
    assert (result.exit_code, found["ok"]) == (0, True)
    assert {check["group"] for check in found["checks"]} >= {"machine", "packages", "models", "sound and sight"}
    assert all(check["remedy"] for check in found["checks"] if check["state"] != "ok")
    assert not any(check["remedy"] for check in found["checks"] if check["state"] == "ok")


def test_the_table_gives_every_check_and_the_remedy(store):
    result = CliRunner().invoke(doctor_command, [])
    assert result.exit_code == 1
    for check in all_checks():
        assert check.name in result.stdout
    assert "glint models pull small" in result.stdout
    assert "cannot work here yet" in result.stdout


def test_a_model_is_read_and_hashed(store):
    assert (only("small").state, only("small").detail) == ("missing", "not installed")
    folder = store.pull("small", progress=silent)
    assert only("small").detail == "1, verified, 0 MB"
    (folder / "weights.bin").write_bytes(CONTENT[::-1])
    finding = only("small")
    assert finding.state == "missing"
    assert "changed content" in finding.detail
    assert finding.remedy == "glint models pull small"


def test_a_model_that_is_no_default_is_looked_at_only_where_it_is_installed(store):
    assert "other" not in {check.name for check in all_checks()}
    store.pull("other", progress=silent)
    assert only("other").state == "ok"


def test_the_network_is_needed_until_the_models_are_here(store):
    assert (only("network").state, only("network").detail) == ("optional", "needed once, to fetch small")
    store.pull("small", progress=silent)
    assert only("network").detail.startswith("not needed")


def test_a_full_disk_is_seen_before_the_fetch(store, monkeypatch):
    monkeypatch.setattr(probes.shutil, "disk_usage", lambda _: type("usage", (), {"free": 10}))
    assert only("disk").state == "missing"
    assert "0 MB free" in only("disk").detail


def test_a_cache_that_cannot_be_written_is_seen_where_models_are_lacking(store):
    store.root.mkdir()
    store.root.chmod(0o555)
    try:
        assert "cannot be written" in only("disk").detail
    finally:
        store.root.chmod(0o755)


def test_memory_counts(monkeypatch):
    monkeypatch.setattr(probes, "MEMORY_NEEDED", 1e15)
    assert "one question takes up to" in only("memory").detail


def test_processor_features_are_named(monkeypatch):
    facts = {"model name": "Some Processor", "flags": "fpu avx2 amx_int8 avx512_vnni"}
    monkeypatch.setattr(probes, "_cpuinfo", lambda: facts)
    assert only("processor").detail == "Some Processor: AMX int8, AVX-512 VNNI, AVX2"
    monkeypatch.setattr(probes, "_cpuinfo", lambda: {"Features": "fp asimd asimddp"})
    assert "NEON dot product" in only("processor").detail


def test_a_package_that_is_missing():
    finding = look_at(probes.package("no-such-package-here"))
    assert (finding.state, finding.detail) == ("missing", "not installed")


def test_the_runtime_is_tried_on_a_product_whose_result_is_known():
    assert probes.onnxruntime().endswith("runs 4-bit products")


def test_a_needed_check_that_fails_stops_glint_ask_and_an_optional_one_does_not():
    def fails():
        raise probes.Missing("not there")

    needed, optional = look_at(fails), look_at(fails, needed=False)
    assert (needed.state, needed.remedy) == ("missing", "do this")
    assert (optional.state, optional.detail) == ("optional", "not there")
    assert not can_ask([optional, needed])
    assert can_ask([optional])


def test_a_probe_may_raise_anything():
    def leaves():
        raise SystemExit(3)

    assert look_at(leaves).detail == "SystemExit: 3"
    assert look_at(lambda: 1 / 0).detail == "ZeroDivisionError: division by zero"


def test_a_probe_that_hangs_is_left_behind(monkeypatch):
    monkeypatch.setattr(probes, "DEADLINE_S", 0.1)
    started = time.monotonic()
    assert look_at(lambda: time.sleep(30) or "late").detail == "gave no answer within 0.1 s"
    assert time.monotonic() - started < 20


# Probes for a process of their own: what native libraries do at their worst.


def ends_the_process() -> str:
    os.write(2, b"cannot open phontab\n")
    os._exit(1)


def crashes() -> str:
    return str(ctypes.string_at(0))


def chatters() -> str:
    os.write(1, b"ALSA lib: unknown PCM\n")
    return "a device"


def is_absent() -> str:
    raise probes.Missing("no such device")


def hangs() -> str:
    time.sleep(60)
    return "late"


@pytest.fixture
def own_process(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    return lambda probe: look_at(probes.isolated(probe))


def test_a_library_that_ends_the_process(own_process):
    finding = own_process(ends_the_process)
    assert (finding.state, finding.detail) == ("missing", "its library ended the process (cannot open phontab)")


def test_a_library_that_crashes(own_process):
    assert own_process(crashes).detail.startswith("its library ended the process")


def test_a_library_that_writes_to_standard_output(own_process):
    assert (own_process(chatters).state, own_process(chatters).detail) == ("ok", "a device")


def test_a_device_that_is_absent(own_process):
    assert own_process(is_absent).detail == "no such device"


def test_a_library_that_hangs_is_ended(own_process, monkeypatch):
    monkeypatch.setattr(probes, "DEADLINE_S", 3)
    assert own_process(hangs).detail == "gave no answer within 2 s"


def test_what_installs_models_is_needed_only_until_they_are_here(store, monkeypatch):
    monkeypatch.setattr(doctor, "INSTALLERS", ("no-such-package",))
    assert only("no-such-package").state == "missing"
    store.pull("small", progress=silent)
    assert only("no-such-package").state == "optional"


def test_one_of_several_packages_will_do():
    assert probes.package("no-such-package", "numpy")()
    with pytest.raises(probes.Missing):
        probes.package("no-such-package", "nor-this-one")()


@pytest.mark.parametrize(("patience", "seconds"), [(None, 20), ("2.5", 50), ("soon", 20)])
def test_a_slow_device_is_given_longer(patience, seconds, monkeypatch):
    monkeypatch.delenv("GLINT_PATIENCE", raising=False)
    if patience:
        monkeypatch.setenv("GLINT_PATIENCE", patience)
    assert probes.deadline_s() == seconds

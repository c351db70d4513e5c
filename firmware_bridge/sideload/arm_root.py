"""The root folder of an ARM machine, out of Debian's packages, whose Python runs here under qemu's user mode.

apt fetches and checks the packages with this machine's own sources and keys, into folders of its own, so that nothing
is installed here and no foreign architecture is added. Neither chroot nor binfmt_misc nor the rights of an
administrator are needed: the interpreter in the root is a script that starts qemu, so that a program that starts
`sys.executable`, or a virtual environment that links to it, goes on under emulation.

qemu shows the guest the computer's own /proc/cpuinfo, of which onnxruntime 1.32 for aarch64 dies at import when it is
that of an x86-64; the root's own is opened in its place, and says which processor is emulated.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_bridge.sideload.lock import PYTHON
from models.errors import GlintError
from models.fetch import cache_root
from models.integrity import differences, files_below, read_record, take_record, write_record

PACKAGES = (
    "libc6 libstdc++6 libgcc-s1 libgomp1 zlib1g libexpat1 libffi8 libssl3 libbz2-1.0 liblzma5 libsqlite3-0 libuuid1 "
    f"python{PYTHON}-minimal libpython{PYTHON}-minimal libpython{PYTHON}-stdlib"
).split()
EMULATORS = ("qemu-aarch64-static", "qemu-aarch64")
INSTALL_QEMU = "Emulating an ARM machine needs qemu; run: sudo apt-get install qemu-user-static"
INSTALL_APT = "An ARM machine's root is made of Debian's packages, with apt-get and dpkg-deb, which are not here."
TIMEOUT_S = 300.0  # for one command of apt
RECORD, RECIPE = "record.json", "recipe"


@dataclass(frozen=True)
class Processor:
    """What is emulated. name: qemu's; part, variant, revision: of its identification register; device: that has it."""

    name: str
    part: int
    variant: int
    revision: int
    features: str
    device: str

    def cpuinfo(self, cores: int) -> str:
        """/proc/cpuinfo as Linux writes it on such a machine."""
        return "".join(
            f"processor\t: {core}\nBogoMIPS\t: 108.00\nFeatures\t: {self.features}\nCPU implementer\t: 0x41\n"
            f"CPU architecture: 8\nCPU variant\t: {self.variant:#x}\nCPU part\t: {self.part:#x}\n"
            f"CPU revision\t: {self.revision}\n\n"
            for core in range(cores)
        )


PROCESSORS = {
    processor.name: processor
    for processor in (
        Processor(
            "cortex-a76", 0xD0B, 4, 1,
            "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
            "Raspberry Pi 5",
        ),
        Processor("cortex-a53", 0xD03, 0, 4, "fp asimd evtstrm crc32 cpuid", "Raspberry Pi Zero 2 W"),
    )
}  # fmt: skip


@dataclass(frozen=True)
class ArmRoot:
    """folder: the root; packages: what is in it, by name and version."""

    folder: Path
    processor: Processor
    packages: dict[str, str]

    @property
    def python(self) -> Path:
        """Runs like an interpreter of this machine, under emulation."""
        return _python(self.folder)


def make_root(
    processor: Processor = PROCESSORS["cortex-a76"], progress: Callable[[str], None] = lambda what: None
) -> ArmRoot:
    """The root, made where the cache has none that is whole; that takes some ten seconds and a network.

    Raises GlintError when qemu or apt is missing, and when apt cannot get a package.
    """
    qemu = emulator()
    folder = cache_root() / "sideload" / f"root-{processor.name}"
    recipe = _recipe(folder, processor, qemu)
    from filelock import FileLock

    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if (packages := _made(folder, recipe)) is None:
            progress(f"making the root of a {processor.device}")
            packages = _make(folder, processor, qemu, recipe)
    return ArmRoot(folder, processor, packages)


def emulator() -> str:
    """The path of qemu. Raises GlintError with what to install where there is none."""
    for name in EMULATORS:
        if (found := shutil.which(name)) is not None:
            return found
    raise GlintError(INSTALL_QEMU)


def _python(root: Path) -> Path:
    return root / f"usr/bin/python{PYTHON}"


def _recipe(folder: Path, processor: Processor, qemu: str) -> str:
    """A hash of everything that a root is made by, its place included, which the interpreter's script names."""
    said = json.dumps([PACKAGES, processor.cpuinfo(os.cpu_count() or 1), _script(folder, processor, qemu)])
    return hashlib.sha256(said.encode()).hexdigest()


def _made(folder: Path, recipe: str) -> dict[str, str] | None:
    """The packages of a root that is there, made by the recipe and untouched since; else None."""
    try:
        known = json.loads((folder / RECIPE).read_text(encoding="utf-8"))
        record = read_record(folder / RECORD)
        expected = {path: (stamp.size, stamp.sha256) for path, stamp in record.items()}
        if known["recipe"] != recipe or not record or differences(folder, expected, record)[0]:
            return None
        return dict(known["packages"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _make(folder: Path, processor: Processor, qemu: str, recipe: str) -> dict[str, str]:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".root-") as place:
        fresh = Path(place) / "root"
        packages = {}
        for deb in _download(Path(place)):
            _run(["dpkg-deb", "--extract", str(deb), str(fresh)], f"{deb.name} cannot be unpacked")
            name, version = deb.name.split("_")[:2]
            packages[name] = version.replace("%3a", ":")
        python = _python(fresh)
        real = _real(python)
        python.replace(real)
        python.write_text(_script(folder, processor, qemu), encoding="utf-8")
        python.chmod(0o755)
        (fresh / "proc").mkdir()
        (fresh / "proc/cpuinfo").write_text(processor.cpuinfo(os.cpu_count() or 1), encoding="ascii")
        write_record(fresh / RECORD, take_record(fresh, files_below(fresh)))
        (fresh / RECIPE).write_text(json.dumps({"recipe": recipe, "packages": packages}), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)
    return packages


def _real(python: Path) -> Path:
    return python.with_name(f"{python.name}.aarch64")


def _script(root: Path, processor: Processor, qemu: str) -> str:
    """Starts the interpreter under the name that it was called by, so that it finds a virtual environment."""
    python = _python(root)
    command = shlex.join([qemu, "-cpu", processor.name, "-L", str(root)])
    return f'#!/bin/sh\nexec {command} -0 "$0" {shlex.quote(str(_real(python)))} "$@"\n'


def _download(place: Path) -> Sequence[Path]:
    """Has apt fetch PACKAGES for arm64 into a folder; it checks their signatures and hashes."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise GlintError(INSTALL_APT)
    for folder in ("state/lists/partial", "cache/archives/partial", "debs"):
        (place / folder).mkdir(parents=True)
    (place / "status").touch()  # nothing is installed in the root
    own = {
        "Dir::State": place / "state",
        "Dir::State::status": place / "status",
        "Dir::Cache": place / "cache",
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Sandbox::User": "root",  # apt's own user may not write here, which costs a warning a package
        "Acquire::Languages": "none",
    }
    apt = ["apt-get", "-qq", *(word for key, value in own.items() for word in ("-o", f"{key}={value}"))]
    _run([*apt, "update"], "apt cannot read the lists of packages for arm64")
    _run([*apt, "download", *PACKAGES], "apt cannot get Debian's packages for arm64", place / "debs")
    return sorted((place / "debs").glob("*.deb"))


def _run(command: Sequence[str], failed: str, folder: Path | None = None) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise GlintError(f"{failed} (no answer within {TIMEOUT_S:.0f} s).") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[0]
        raise GlintError(f"{failed} ({said.removeprefix('E: ').rstrip('.')}).")

"""The model cache: which models are installed, whether they are sound, and how one that is missing gets there.

`<cache>/<name>/<version>/` holds a model's files. A model is made ready in `<cache>/.partial` and renamed into its
place when every file has been verified, so it is there in full or not at all. Does not know what a model is for.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.apart import run_apart
from models.bundle import FORMAT as BUNDLE_FORMAT
from models.bundle import Bundle
from models.catalog import Catalog, Model, catalog
from models.errors import GlintError
from models.integrity import RECORD, Stamp, differences, files_below, read_record, take_record, write_record
from models.manifest import is_other_format, read_manifest
from models.progress import Bars
from models.remade import Remaking
from models.sources import Progress, SourceError

WEIGHTS_RECORD = ".weights.json"  # in a bundle: the weights it was assembled from
LOCK_TIMEOUT_S = 1800
_NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


def cache_root() -> Path:
    """The folder of the model cache: the variable GLINT_CACHE, else the user's cache folder of the platform."""
    if chosen := os.environ.get("GLINT_CACHE"):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("glint", appauthor=False)


def is_offline() -> bool:
    """Whether the variable GLINT_OFFLINE forbids fetching."""
    return os.environ.get("GLINT_OFFLINE", "").lower() not in ("", "0", "false", "no")


def locate(name: str) -> Path | None:
    """Store.locate on the user's cache."""
    return default_store().locate(name)


def ensure(name: str, *, offline: bool = False, progress: Progress | None = None) -> Path:
    """Store.ensure on the user's cache."""
    return default_store().ensure(name, offline=offline, progress=progress)


def pull(name: str, *, offline: bool = False, force: bool = False, progress: Progress | None = None) -> Path:
    """Store.pull on the user's cache."""
    return default_store().pull(name, offline=offline, force=force, progress=progress)


def verify(name: str) -> list[str]:
    """Store.verify on the user's cache."""
    return default_store().verify(name)


def default_store() -> Store:
    """The user's cache with the catalogue of this package."""
    return _store(cache_root())


@cache
def _store(root: Path) -> Store:
    return Store(root, catalog())


@dataclass(frozen=True)
class Store:
    """A cache folder and the catalogue that it is filled from."""

    root: Path
    catalog: Catalog

    def folder(self, model: Model) -> Path:
        """Where the model is, or would be."""
        return self.root / model.name / model.version

    def locate(self, name: str) -> Path | None:
        """The folder of an installed, sound model; None when it is not installed or was made by an older Glint.

        Nothing is fetched; a file is hashed only when it was touched since it was last. Raises GlintError, naming the
        file and the remedy, when an installed model is damaged, and for a name the catalogue does not have.
        """
        model = self.catalog[name]
        if not self._is_current(model):
            return None
        problems = self._problems(model)
        if problems:
            raise GlintError(f"{problems[0]}; run `glint models pull {name}` to repair it.")
        return self.folder(model)

    def ensure(self, name: str, *, offline: bool = False, progress: Progress | None = None) -> Path:
        """The folder of a model that is to be used now: located, or else pulled.

        Raises GlintError when it is damaged (a repair is left to the user) or cannot be pulled.
        """
        return self.locate(name) or self.pull(name, offline=offline, progress=progress)

    def pull(self, name: str, *, offline: bool = False, force: bool = False, progress: Progress | None = None) -> Path:
        """The folder of the installed model, after fetching it where it is missing, damaged, outdated or `force`.

        offline: raise rather than start a process or open a connection (so does the variable GLINT_OFFLINE). progress:
        None draws bars on standard error. Raises GlintError when it cannot be had: no network, wrong hash, no space,
        interrupted, cache not writable. Whatever happens the cache stays usable.
        """
        model = self.catalog[name]
        if not force and self._is_sound(model):
            return self.folder(model)
        self._refuse_if_offline(model, offline or is_offline())
        with contextlib.ExitStack() as stack:
            report = progress or stack.enter_context(Bars())
            stack.enter_context(self._explained(model))
            self._prepare(model)
            with self._locked(model, report):
                if force or not self._is_sound(model):
                    self._install(model, report)
        return self.folder(model)

    def verify(self, name: str) -> list[str]:
        """Hashes every file of a model. Returns what is wrong, each in a clause; empty when it is installed and sound.

        Raises GlintError for a name the catalogue does not have.
        """
        model = self.catalog[name]
        if not self.folder(model).is_dir():
            return [f"{name} is not installed"]
        return self._problems(model, thorough=True)

    def is_installed(self, name: str) -> bool:
        """Whether there is a folder of the model, sound or not. Raises GlintError for an unknown name."""
        return self.folder(self.catalog[name]).is_dir()

    def size_on_disk(self, name: str) -> int:
        """Bytes that an installed model takes; 0 when it is not. Raises GlintError for an unknown name."""
        folder = self.folder(self.catalog[name])
        return sum((folder / path).stat().st_size for path in files_below(folder))

    # What is there

    def _is_sound(self, model: Model) -> bool:
        return self._is_current(model) and not self._problems(model)

    def _is_current(self, model: Model) -> bool:
        """Whether it is installed and, if it was made here, of today's format and weights."""
        folder = self.folder(model)
        if not folder.is_dir():
            return False
        if model.remade:
            return not (is_other_format(folder, model.remade.format) or self._has_fetched(model))
        if model.weights is None:
            return True
        if is_other_format(folder, BUNDLE_FORMAT):
            return False
        then = read_record(folder / WEIGHTS_RECORD)
        now = _weights_record(model.weights, then)
        if now != then and {p: s.sha256 for p, s in now.items()} == {p: s.sha256 for p, s in then.items()}:
            _try_to_write(folder / WEIGHTS_RECORD, now)
        return {p: s.sha256 for p, s in now.items()} == {p: s.sha256 for p, s in then.items()}

    def _problems(self, model: Model, *, thorough: bool = False) -> list[str]:
        folder = self.folder(model)
        try:
            expected = _expected(model, folder)
        except GlintError as error:
            return [str(error).rstrip(".")]
        known = read_record(folder / RECORD)
        wrong, right = differences(folder, expected, known, thorough=thorough)
        if not wrong and right != known:
            _try_to_write(folder / RECORD, right)
        return [f"{model.name} is damaged: {folder / path} {what}" for path, what in wrong.items()]

    def _has_fetched(self, model: Model) -> bool:
        """Whether there are the files that are to be remade, sound, as an older Glint left them."""
        folder = self.folder(model)
        there = all((folder / file.path).exists() for file in model.files)
        return there and not differences(folder, _listed(model), read_record(folder / RECORD))[0]

    # Getting what is not

    def _refuse_if_offline(self, model: Model, offline: bool) -> None:
        origin = self.catalog[model.base] if model.base else model
        if not offline or (origin.source is not None and not origin.source.remote):
            return
        if (model.base and self._is_sound(origin)) or (model.remade and self._has_fetched(model)):
            return
        state = "damaged" if self._is_current(model) else "not installed"
        raise GlintError(
            f"{model.name} is {state} in {self.root} and fetching is switched off; "
            f"run `glint models pull {model.name}` with a network and without --offline or GLINT_OFFLINE."
        )

    def _prepare(self, model: Model) -> None:
        for folder in (self.root, self.root / model.name):
            # A folder that its owner has made read-only is left alone, even where we are root and could write to it.
            if folder.exists() and not folder.stat().st_mode & 0o222:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        for name in (".partial", ".locks"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        needed, free = self._space_needed(model), shutil.disk_usage(self.root).free
        if needed > free:
            raise GlintError(
                f"{model.name} needs {_mb(needed)} of disk space while it is installed and {self.root} has "
                f"{_mb(free)}; free some, or set GLINT_CACHE to a folder on a larger disk."
            )

    def _space_needed(self, model: Model) -> int:
        needed = model.size * (2 if model.remade else 1)
        if model.base and not self._is_sound(self.catalog[model.base]):
            needed += self._space_needed(self.catalog[model.base])
        return needed + (model.source.spare_bytes if model.source else 0)

    @contextlib.contextmanager
    def _locked(self, model: Model, report: Progress) -> Iterator[None]:
        from filelock import FileLock, Timeout

        lock = FileLock(self.root / ".locks" / f"{model.name}.lock")
        try:
            try:
                lock.acquire(timeout=0)
            except Timeout:
                report(f"waiting for another process that fetches {model.name}", 0, None)
                lock.acquire(timeout=LOCK_TIMEOUT_S)
        except Timeout:
            raise GlintError(
                f"Another process has been fetching {model.name} for {LOCK_TIMEOUT_S // 60} minutes; end it and "
                f"run `glint models pull {model.name}`."
            ) from None
        try:
            yield
        finally:
            lock.release()

    def _install(self, model: Model, report: Progress) -> None:
        staging = self.root / ".partial" / f"{model.name}-{model.version}"
        keep = model.source is not None and model.source.resumable
        if not keep:
            shutil.rmtree(staging, ignore_errors=True)  # of a process that was killed
        fresh = staging / "files"
        fresh.mkdir(parents=True, exist_ok=True)
        done = False
        try:
            if model.remade:
                record: Mapping[str, Stamp] = self._remake(model, model.remade, fresh, report)
            elif model.source is not None:
                record = self._fetch_files(model, fresh, report)
            else:
                record = self._assemble(model, fresh, report)
            _flush(fresh, record)
            write_record(fresh / RECORD, record)
            self._move_into_place(model, fresh, staging / "old")
            done = True
        finally:
            if done or not keep:
                shutil.rmtree(staging, ignore_errors=True)

    def _fetch_files(self, model: Model, into: Path, report: Progress) -> dict[str, Stamp]:
        """Fetches and verifies all files of a model that has a source."""
        assert model.source is not None
        model.source.fetch(model.files, into, report)
        wrong, right = differences(into, _listed(model), {}, thorough=True)
        for path, what in wrong.items():
            (into / path).unlink(missing_ok=True)
            raise SourceError(f"{path} out of {model.source} {what}, so it was thrown away")
        return right

    def _remake(self, model: Model, remaking: Remaking, out: Path, report: Progress) -> dict[str, Stamp]:
        """Rewrites files that are fetched for this alone, unless an older Glint has left them as they were."""
        origin = self.folder(model)
        if not self._has_fetched(model):
            origin = out.with_name("fetched")
            origin.mkdir(exist_ok=True)
            self._fetch_files(model, origin, report)
        what = f"{remaking.doing} {model.name}"
        run_apart(remaking.module, origin, out, progress=lambda share: report(what, int(share * 1e8), int(1e8)))
        return take_record(out, _expected(model, out))

    def _assemble(self, model: Model, out: Path, report: Progress) -> dict[str, Stamp]:
        """Assembles a bundle out of its base, which is fetched for this alone unless it is installed."""
        assert model.base is not None
        assert model.weights is not None
        if model.version == "unreleased":
            raise GlintError(f"This installation has no weights of {model.name} in {model.weights}; install it again.")
        base = self.catalog[model.base]
        if self._is_sound(base):
            origin = self.folder(base)
        else:
            origin = out.with_name("base")
            origin.mkdir()
            self._fetch_files(base, origin, report)
        from models.assemble import assemble_apart

        weights = _weights_record(model.weights, {})
        gguf = origin / base.files[0].path
        assemble_apart(
            gguf, model.weights, out, lambda share: report(f"assembling {model.name}", int(share * 1e8), int(1e8))
        )
        write_record(out / WEIGHTS_RECORD, weights)
        return take_record(out, _expected(model, out))

    def _move_into_place(self, model: Model, fresh: Path, attic: Path) -> None:
        place = self.folder(model)
        place.parent.mkdir(exist_ok=True)
        if place.exists():
            os.replace(place, attic)
        os.replace(fresh, place)
        for other in place.parent.iterdir():
            if other != place:
                shutil.rmtree(other, ignore_errors=True)  # an older version; nothing asks for it any more

    @contextlib.contextmanager
    def _explained(self, model: Model) -> Iterator[None]:
        """Turns whatever stops an installation into one sentence that says what to do."""
        again = f"run `glint models pull {model.name}`"
        try:
            yield
        except SourceError as error:
            raise GlintError(f"{model.name} was not installed: {error}; {again} to try again.") from error
        except KeyboardInterrupt:
            raise GlintError(f"Fetching {model.name} was interrupted; {again} to go on.") from None
        except OSError as error:
            if error.errno in _NO_SPACE:
                what = f"The disk of {self.root} is full, so {model.name} was not installed"
                remedy = f"free {_mb(self._space_needed(model))}, or set GLINT_CACHE to a folder on a larger disk."
            elif error.errno in _NOT_WRITABLE:
                what = f"{model.name} cannot be installed: the model cache {self.root} cannot be written"
                what += f" ({error.strerror})"
                remedy = "set GLINT_CACHE to a folder that can be."
            else:
                what, remedy = f"{model.name} was not installed in {self.root} ({error})", f"{again} to try again."
            raise GlintError(f"{what}; {remedy}") from error


def _listed(model: Model) -> dict[str, tuple[int, str]]:
    """Size and sha256 of each file of a model that is fetched, from the catalogue."""
    return {file.path: (file.size, file.sha256) for file in model.files}


def _expected(model: Model, folder: Path) -> dict[str, tuple[int, str]]:
    """Size and sha256 of each file: from the catalogue or, of what was made here, its manifest (GlintError if bad)."""
    if model.source is not None and not model.remade:
        return _listed(model)
    files = read_manifest(folder, model.remade.format)["files"] if model.remade else Bundle.open(folder).files
    return {path: (file.bytes, file.sha256) for path, file in files.items()}


def _weights_record(weights: Path, known: Mapping[str, Stamp]) -> dict[str, Stamp]:
    return take_record(weights, (path for path in files_below(weights) if not path.endswith(".md")), known)


def _try_to_write(place: Path, record: Mapping[str, Stamp]) -> None:
    with contextlib.suppress(OSError):  # in a read-only cache the files are hashed each time
        write_record(place, record)


def _flush(folder: Path, paths: Mapping[str, Stamp]) -> None:
    """Has the files on the disk before anything vouches for them."""
    for path in paths:
        with open(folder / path, "rb+") as file:
            os.fsync(file.fileno())


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"

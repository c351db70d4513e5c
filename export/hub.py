"""Fetches a model from the Hugging Face Hub (or what HF_ENDPOINT names): only the files that an export reads.

They land in huggingface_hub's own cache, where a fetch that was broken off goes on. Knows nothing of models.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from models.assemble import CONFIG_FILE
from models.errors import GlintError
from models.fetch import is_offline
from models.sources import Progress

_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
_NEEDED = ("*.json", "*.safetensors", "*.jinja", "tokenizer.model", "README.md")
_OTHERS = ("consolidated*", "*adapter*", "trainer_state.json", "training_args*")  # the same weights in another layout


@dataclass(frozen=True)
class Fetched:
    """A model as it lies in the cache. revision: the commit, in full."""

    folder: Path
    revision: str
    licence: str | None


def is_hub_id(model: str) -> bool:
    """Whether it has the form owner/name or owner/name@revision."""
    return _ID.fullmatch(model) is not None


def fetch_model(model: str, progress: Progress, check: Callable[[Path], object]) -> Fetched:
    """Fetches `owner/name` or `owner/name@revision`. Raises GlintError when it cannot be had, in one sentence.

    check: is given config.json before anything larger is fetched, and may raise.
    """
    try:
        from huggingface_hub import errors
    except ModuleNotFoundError:
        raise GlintError("Fetching from the Hub needs huggingface_hub: pip install 'glint[export]'.") from None
    name, _, revision = model.partition("@")
    try:
        return _cached(name, revision or None) if is_offline() else _fetch(name, revision or None, progress, check)
    except errors.GatedRepoError:
        raise GlintError(
            f"{name} is given out only to those who have agreed to its terms; do so on its page, log in with "
            "`hf auth login` and try again."
        ) from None
    except (errors.RepositoryNotFoundError, errors.HFValidationError):
        raise GlintError(
            f"There is no folder {name}, nor a model of that name on the Hub; check the spelling."
        ) from None
    except errors.RevisionNotFoundError:
        raise GlintError(f"{name} has no revision {revision!r}; leave it out for the newest.") from None
    except (errors.HfHubHTTPError, OSError) as error:
        if is_offline():
            raise GlintError(f"{name} has not been fetched and fetching is switched off (GLINT_OFFLINE).") from None
        reason = (" ".join(str(error).split()) or type(error).__name__).rstrip(".")
        raise GlintError(f"{name} could not be fetched ({reason}); what has come is kept: try again.") from error


def _fetch(name: str, revision: str | None, progress: Progress, check: Callable[[Path], object]) -> Fetched:
    from huggingface_hub import HfApi, hf_hub_download

    endpoint = os.environ.get("HF_ENDPOINT") or None
    info = HfApi(endpoint=endpoint).model_info(name, revision=revision, files_metadata=True)
    files = _needed(info, name)
    done, total = 0, sum(size for _, size in files)
    _check_space(name, total)
    config = Path(hf_hub_download(name, CONFIG_FILE, revision=info.sha, endpoint=endpoint))
    check(config)
    for path, size in files:
        progress(f"fetching {name}", done, total)
        hf_hub_download(name, path, revision=info.sha, endpoint=endpoint)
        done += size
    progress(f"fetching {name}", done, total)
    # Asked for by its name, so that the cache knows without a network which commit that was.
    hf_hub_download(name, CONFIG_FILE, revision=revision or "main", endpoint=endpoint)
    licence = getattr(info.card_data, "license", None) if info.card_data else None
    return Fetched(config.parent, str(info.sha), licence)


def _cached(name: str, revision: str | None) -> Fetched:
    from huggingface_hub import snapshot_download

    folder = Path(snapshot_download(name, revision=revision, local_files_only=True))
    return Fetched(folder, folder.name, None)


def _needed(info: Any, name: str) -> list[tuple[str, int]]:
    """(path, bytes) of the files at the top of the repository that an export reads."""
    files = [
        (file.rfilename, file.size or 0)
        for file in info.siblings or ()
        if "/" not in file.rfilename
        and any(fnmatch(file.rfilename, pattern) for pattern in _NEEDED)
        and not any(fnmatch(file.rfilename, pattern) for pattern in _OTHERS)
    ]
    if not any(path == CONFIG_FILE for path, _ in files):
        raise GlintError(f"{name} on the Hub holds no config.json, so it is not a model that can be exported.")
    if not any(path.endswith(".safetensors") for path, _ in files):
        raise GlintError(f"{name} on the Hub holds no weights as safetensors, which is the form that can be read.")
    return files


def _check_space(name: str, needed: int) -> None:
    from huggingface_hub.constants import HF_HUB_CACHE

    place = Path(HF_HUB_CACHE)
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if needed > free:
        raise GlintError(
            f"{name} takes {needed / 1e6:,.0f} MB and {HF_HUB_CACHE} has room for {free / 1e6:,.0f} MB; free some, or "
            "set HF_HOME to a folder on a larger disk."
        )

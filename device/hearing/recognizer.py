"""Which recogniser turns speech into text."""

from pathlib import Path

from models.errors import GlintError
from models.speech import Recognizer

RECOGNIZERS = ("moonshine", "vosk")


def open_recognizer(
    name: str = "moonshine", vosk_model: str | Path | None = None, *, threads: int = 2, offline: bool = False
) -> Recognizer:
    """Load a recogniser: "moonshine" (English, fetched when first used) or "vosk" with a model folder of the user's.

    Raises GlintError for another name, a folder that is missing or unwanted, or a model that cannot be fetched.
    """
    if name == "vosk":
        if vosk_model is None:
            raise GlintError(
                "The recogniser vosk needs a model: unpack one from https://alphacephei.com/vosk/models and give its "
                "folder with --vosk-model."
            )
        from models.vosk_recognizer import Vosk

        return Vosk(Path(vosk_model))
    if name != "moonshine":
        raise GlintError(f"There is no recogniser named {name!r}; choose one of {', '.join(RECOGNIZERS)}.")
    if vosk_model is not None:
        raise GlintError("A Vosk model serves the recogniser vosk alone; add --recognizer vosk.")
    from models import fetch
    from models.moonshine import Moonshine

    return Moonshine(fetch.ensure("moonshine-tiny-en", offline=offline), threads)

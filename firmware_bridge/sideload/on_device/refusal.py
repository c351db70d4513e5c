"""The one exception that reaches whoever installs."""


class Refusal(Exception):
    """Something is not as it must be. `str()` of it is one sentence that names the file and the reason."""

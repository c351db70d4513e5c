"""The one exception that reaches a user: a sentence saying what is wrong, where, and what to do about it."""


class GlintError(Exception):
    """Something the user can act on. `str(error)` is one complete sentence; the command line prints it and exits 1."""

"""Waiting for a device to be missed, and for it to work again."""

import time

from device.glasses import Unplugged


def wait_until_unplugged(use):
    """The message."""
    deadline = time.monotonic() + 12
    while time.monotonic() < deadline:
        try:
            use()
        except Unplugged as error:
            return str(error)
        time.sleep(0.05)
    raise AssertionError("nothing was missed")


def works(use):
    try:
        return use() is not None
    except Unplugged:
        return False

"""What runs on the device before anything of Glint does: the installer, on Python's standard library alone.

It is packed into `install.pyz` (firmware_bridge/sideload/pack.py), so its modules import one another relatively.
"""

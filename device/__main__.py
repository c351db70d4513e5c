"""`python -m device` is the command `glint`."""

from device.cli import main

main()

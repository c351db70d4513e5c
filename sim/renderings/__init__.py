"""Pictures drawn by program, with the truth about them, to measure the experts on: labels, tags, charts, colours.

Drawn, not photographed: they show how well the reading of layouts, units and numbers works under named distortions, not
how well it works on the packages of one shop.
"""

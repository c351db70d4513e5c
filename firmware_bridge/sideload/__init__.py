"""Bringing Glint onto an ARM Linux device: one signed archive is built, carried over, checked, installed and served."""

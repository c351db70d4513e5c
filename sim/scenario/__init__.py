"""Scenarios: a film script for the glasses, and what must be true of what Glint makes of it."""

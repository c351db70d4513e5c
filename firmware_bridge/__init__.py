"""Real glasses and sideloading; nothing is here yet."""

"""What can go wrong on purpose: the catalogue, the active ones, and presets."""

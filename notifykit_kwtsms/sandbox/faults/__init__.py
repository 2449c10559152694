"""What can go wrong on purpose: the catalogue, what is armed, and whole situations."""

"""Normalizers: they turn an address as a person typed it into its canonical form, or say why it has none."""

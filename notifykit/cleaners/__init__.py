"""Cleaners that hold for any provider."""

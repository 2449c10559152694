"""Cleaners for any provider."""

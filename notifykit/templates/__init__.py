"""Texts with variables."""

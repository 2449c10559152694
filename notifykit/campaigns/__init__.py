"""Campaigns: tables as rows, texts that differ by row, their plan, and the table of results."""

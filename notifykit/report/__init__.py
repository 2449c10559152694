"""The report of a log: one HTML file without scripts, for the screen and for paper, in English or Arabic."""

from notifykit.report.page import render_page

__all__ = ["render_page"]

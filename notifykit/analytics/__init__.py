"""What a log says in numbers: rows of our log and of the documented kwtSMS client, counted in constant memory."""

from notifykit.analytics.files import LogFiles, find_files, open_log
from notifykit.analytics.totals import Totals, read_totals

__all__ = ["LogFiles", "Totals", "find_files", "open_log", "read_totals"]

"""Log sinks: the standard library's logging, and a file with one JSON object a line."""

"""Log sinks: the standard library's logging, and one JSON line a fact."""

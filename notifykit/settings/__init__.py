"""Settings: their fields, their sources, and transports written as a DSN."""

"""Settings: what each may be, where it comes from, and transports written as a DSN."""

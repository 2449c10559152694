"""Transports that need no provider: for tests, for looking, for nothing, and for your own HTTP endpoint."""

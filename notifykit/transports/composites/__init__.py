"""Transports made of others: failover, shares, routes and fan-out."""

"""Transports made of others: who is asked first, who else, and when to move on."""

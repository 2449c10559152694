"""The road that a message travels: normalize, clean, plan, deliver, record."""

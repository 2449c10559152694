"""Texts that the gateway can deliver: cleaning, the GSM-7 alphabet and segments."""

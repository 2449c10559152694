"""What the gateway makes of a text and of a number."""

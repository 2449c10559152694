"""What the gateway can carry: cleaning, the GSM alphabet and segments."""

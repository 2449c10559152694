"""What was captured: every request to send, kept, found and waited for."""

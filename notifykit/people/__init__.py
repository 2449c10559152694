"""People: what they want to get, and how they say so."""

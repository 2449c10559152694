"""Guards: who is held back, and when. None of them is there unless it is configured."""

"""People: somebody with several addresses is notified on one channel after the other."""

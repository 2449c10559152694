"""The imitation itself: accounts, rules and endpoints. No HTTP here."""

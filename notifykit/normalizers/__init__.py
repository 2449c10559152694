"""From the address that somebody typed to the one form that a provider is given, or to a reason why there is none."""

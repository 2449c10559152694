"""Numbers as the gateway wants them: digits, country code first, by the rules of each country."""

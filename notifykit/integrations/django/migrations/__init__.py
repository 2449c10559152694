"""The tables of the app: preferences of people."""

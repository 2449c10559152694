"""The transports of the framework: e-mail, webhooks, files, Apprise, and stubs that reach no recipient."""

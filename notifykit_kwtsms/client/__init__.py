"""The documented client: ``KwtSMS`` and ``AsyncKwtSMS``, two faces over the framework's road."""

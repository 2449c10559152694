"""The documented client: ``KwtSMS`` and ``AsyncKwtSMS``, on the framework's pipeline."""

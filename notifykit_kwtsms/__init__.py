"""The kwtSMS gateway (Kuwait) for notifykit."""

"""The kwtSMS API: its client, its error codes, and facts about the gateway."""

"""Commands that this package brings to the ``notifykit`` program, a file each."""

from __future__ import annotations

#: What each says of itself, so that the list of commands loads none of them.
SUMMARIES = {
    "demo": "Send six messages to a sandbox gateway on this machine.",
    "sandbox": "Run an imitation of the kwtSMS gateway on this machine until Ctrl-C, or talk to one that runs.",
}

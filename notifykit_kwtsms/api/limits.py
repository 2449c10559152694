"""The gateway's fixed numbers (gateway facts, sections 0, 3.1 and 3.3)."""

from __future__ import annotations

from typing import Final

#: Where the gateway lives; an endpoint's name and a slash follow.
BASE_URL: Final = "https://www.kwtsms.com/API/"
#: Recipients in one request (ERR007 beyond).
NUMBERS_PER_REQUEST: Final = 200
#: Requests a second the vendor advises.
ADVISED_PER_SECOND: Final = 2.0
#: Requests a second and IP, all endpoints together, beyond which the IP is blocked.
BLOCKED_ABOVE_PER_SECOND: Final = 5
#: Segments ("pages") of one message (ERR012 beyond). Older clients say 6; 7 was confirmed on the live gateway.
MAX_SEGMENTS: Final = 7
#: Seconds before the same number may be sent to again (ERR028 sooner).
SAME_NUMBER_GAP: Final = 15.0
#: Messages in the account's queue (ERR013 beyond).
QUEUE_LIMIT: Final = 1000
#: Characters of a sender ID.
SENDER_LENGTH: Final = 11
#: The shared sender for trying things out: promotional, throttled, blocked on some networks.
SHARED_SENDER: Final = "KWT-SMS"

"""The gateway's 28 error codes as data (gateway facts, section 2).

Only the code is ever matched on: the gateway's own descriptions are not published, except that of ERR003.
"""

from __future__ import annotations

from typing import Final

import attrs

from notifykit.errors import (
    AuthFailed,
    ContentRejected,
    DestinationNotCovered,
    InvalidRecipient,
    OutOfCredit,
    ProviderUnavailable,
    RateLimited,
    Scope,
    SenderNotAllowed,
    TransportError,
    Unclassified,
)


@attrs.frozen
class Code:
    """What one code means and what a person does about it."""

    #: ``ERR003``.
    name: str
    #: What it means, in one sentence.
    meaning: str
    #: What a person does now.
    action: str
    #: The error it becomes.
    error: type[TransportError]
    #: What it is about.
    scope: Scope
    #: Seconds before the second, third, … try; empty where waiting does not help.
    waits: tuple[float, ...] = ()

    @property
    def retryable(self) -> bool:
        """Whether the same request can work later by itself."""
        return bool(self.waits)

    def as_error(self, provider_words: str | None = None) -> TransportError:
        """Return the error that this code becomes."""
        return self.error(
            detail=self.meaning,
            code=self.name,
            provider_words=provider_words,
            action=self.action,
            waits=self.waits,
            scope=self.scope,
        )


_QUEUE_WAITS = (30.0, 60.0, 120.0)
_SAME_NUMBER_WAITS = (16.0, 16.0, 16.0)
_SUPPORT = "Write to kwtSMS support."

_TABLE = (
    Code(
        "ERR001",
        "The API is switched off for this account.",
        "Switch it on at kwtsms.com → Account → API.",
        AuthFailed,
        Scope.ACCOUNT,
    ),
    Code(
        "ERR002",
        "A mandatory parameter is missing.",
        "Check that sender, number and text are given; if they are, report this as a bug.",
        ProviderUnavailable,
        Scope.TRANSPORT,
    ),
    Code(
        "ERR003",
        "Authentication error, username or password are not correct.",
        "Check KWTSMS_USERNAME and KWTSMS_PASSWORD: these are your API credentials (kwtsms.com → Account → API), not the website login and not your mobile number.",
        AuthFailed,
        Scope.ACCOUNT,
    ),
    Code(
        "ERR004", "This account has no access to the API.", f"{_SUPPORT} Ask for API access.", AuthFailed, Scope.ACCOUNT
    ),
    Code(
        "ERR005", "This account is blocked.", f"{_SUPPORT} Ask why the account is blocked.", AuthFailed, Scope.ACCOUNT
    ),
    Code(
        "ERR006",
        "None of the numbers is valid.",
        "Give each number with its country code, digits only: 96598765432.",
        InvalidRecipient,
        Scope.RECIPIENT,
    ),
    Code(
        "ERR007",
        "More than 200 numbers in one request.",
        "Send at most 200 numbers a request.",
        ProviderUnavailable,
        Scope.TRANSPORT,
    ),
    Code(
        "ERR008",
        "This sender ID is banned or not registered for the account.",
        "Check the sender ID, capital letters included; `kwtsms senderid` lists yours.",
        SenderNotAllowed,
        Scope.ACCOUNT,
    ),
    Code(
        "ERR009",
        "The message is empty.",
        "Give a text; emoji and hidden characters are removed before sending and do not count.",
        ContentRejected,
        Scope.CONTENT,
    ),
    Code(
        "ERR010",
        "Account balance is zero.",
        "Top up your kwtSMS account at kwtsms.com.",
        OutOfCredit,
        Scope.ACCOUNT,
    ),
    Code(
        "ERR011",
        "The balance is smaller than the cost of this request.",
        "Top up your kwtSMS account at kwtsms.com, or send to fewer numbers.",
        OutOfCredit,
        Scope.ACCOUNT,
    ),
    Code(
        "ERR012",
        "The message is too long: more than 7 segments.",
        "Shorten it: 1071 characters in GSM-7, 469 in Unicode.",
        ContentRejected,
        Scope.CONTENT,
    ),
    Code(
        "ERR013",
        "The account's send queue is full (1000 messages).",
        "Wait until the queue has drained, then send again; nothing was charged.",
        RateLimited,
        Scope.ACCOUNT,
        _QUEUE_WAITS,
    ),
    Code(
        "ERR019",
        "No delivery reports were found.",
        "Normal for Kuwait: its networks give no delivery reports. Elsewhere, ask again five minutes after sending.",
        Unclassified,
        Scope.CONTENT,
    ),
    Code(
        "ERR020",
        "This message ID does not exist.",
        "Check the msg-id; it comes back from the send.",
        Unclassified,
        Scope.CONTENT,
    ),
    Code(
        "ERR021",
        "There is no report for this message yet.",
        "Ask again in a few minutes.",
        Unclassified,
        Scope.CONTENT,
        (300.0,),
    ),
    Code(
        "ERR022", "The reports are not ready yet.", "Ask again after 24 hours.", Unclassified, Scope.CONTENT, (86400.0,)
    ),
    Code(
        "ERR023",
        "Unknown error while looking up the delivery report.",
        f"Ask again later. {_SUPPORT}",
        Unclassified,
        Scope.TRANSPORT,
        (300.0,),
    ),
    Code(
        "ERR024",
        "This machine's IP address is not on the account's list.",
        "Add this server's public IP address, or switch the list off, at kwtsms.com → Account → API → IP Lockdown.",
        AuthFailed,
        Scope.ACCOUNT,
    ),
    Code(
        "ERR025",
        "A number is not valid.",
        "Give each number with its country code, digits only: 96598765432.",
        InvalidRecipient,
        Scope.RECIPIENT,
    ),
    Code(
        "ERR026",
        "This account has no route to the number's country.",
        "Ask kwtSMS support to activate this country for your account.",
        DestinationNotCovered,
        Scope.ACCOUNT,
    ),
    Code("ERR027", "The text contains HTML tags.", "Remove the tags from the text.", ContentRejected, Scope.CONTENT),
    Code(
        "ERR028",
        "The same number was sent to within the last 15 seconds.",
        "Wait at least 15 seconds before you send to this number again; the whole request was refused and nothing was charged.",
        RateLimited,
        Scope.RECIPIENT,
        _SAME_NUMBER_WAITS,
    ),
    Code(
        "ERR029",
        "This message ID is missing or wrong.",
        "Check the msg-id; it comes back from the send.",
        Unclassified,
        Scope.CONTENT,
    ),
    Code(
        "ERR030",
        "The message is stuck in the queue with an error.",
        "Normal for a test message: delete it at kwtsms.com → Account → Queue to get the credits back. For a live one, look there for emoji or hidden characters.",
        Unclassified,
        Scope.CONTENT,
    ),
    Code("ERR031", "The text was refused for bad language.", "Change the text.", ContentRejected, Scope.CONTENT),
    Code(
        "ERR032",
        "The text was refused as spam.",
        "Change the text; name your application in it.",
        ContentRejected,
        Scope.CONTENT,
    ),
    Code(
        "ERR033",
        "No country is active for this account.",
        "Ask kwtSMS support to activate coverage.",
        DestinationNotCovered,
        Scope.ACCOUNT,
    ),
)

CODES: Final = {code.name: code for code in _TABLE}


def error_for(code: str, provider_words: str | None = None) -> TransportError:
    """Return the error for a code; one that nobody has seen before becomes :class:`Unclassified`."""
    known = CODES.get(code)
    if known:
        return known.as_error(provider_words)
    return Unclassified(f"The gateway answered with {code}, which is not in its documentation.", code, provider_words)

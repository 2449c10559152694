"""The gateway's 28 error codes as data (gateway facts, section 2).

Match on the code only: the gateway's own descriptions are not published, except that of ERR003.
"""

from __future__ import annotations

from typing import Final

import attrs

from notifykit.errors import (
    AuthFailed,
    ContentRejected,
    DestinationNotCovered,
    InvalidRecipient,
    NotEnoughCredit,
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
    """The meaning of one code, and what a person does about it."""

    #: ``ERR003``.
    name: str
    #: The error it becomes.
    error: type[TransportError]
    #: What it means, in one sentence.
    meaning: str
    #: What a person does now.
    action: str
    #: Seconds before the second, third, … attempt; empty where waiting does not help.
    waits: tuple[float, ...] = attrs.field(default=(), kw_only=True)
    #: What it is about; that of the error's type where it is not given.
    scope: Scope = attrs.field(kw_only=True)

    @scope.default
    def _(self) -> Scope:
        return self.error(self.meaning).scope

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


_SUPPORT = "Write to kwtSMS support."
_FULL_NUMBERS = "Give each number with its country code, digits only: 96598765432."
_CHECK_ID = "Check the msg-id; it comes back from the send."

_TABLE = (
    Code(
        "ERR001", AuthFailed, "The API is switched off for this account.", "Switch it on at kwtsms.com → Account → API."
    ),
    Code(
        "ERR002",
        ProviderUnavailable,
        "A mandatory parameter is missing.",
        "Check that sender, number and text are given; if they are, report this as a bug.",
    ),
    Code(
        "ERR003",
        AuthFailed,
        "Authentication error, username or password are not correct.",
        "Check KWTSMS_USERNAME and KWTSMS_PASSWORD: these are your API credentials (kwtsms.com → Account → API), not the website login and not your mobile number.",
    ),
    Code("ERR004", AuthFailed, "This account has no access to the API.", f"{_SUPPORT} Ask for API access."),
    Code("ERR005", AuthFailed, "This account is blocked.", f"{_SUPPORT} Ask why the account is blocked."),
    Code("ERR006", InvalidRecipient, "None of the numbers is valid.", _FULL_NUMBERS),
    Code("ERR007", ProviderUnavailable, "More than 200 numbers in one request.", "Send at most 200 numbers a request."),
    Code(
        "ERR008",
        SenderNotAllowed,
        "This sender ID is banned or not registered for the account.",
        "Check the sender ID, capital letters included; `kwtsms senderid` lists yours.",
    ),
    Code(
        "ERR009",
        ContentRejected,
        "The message is empty.",
        "Give a text; emoji and hidden characters are removed before sending and do not count.",
    ),
    Code("ERR010", OutOfCredit, "Account balance is zero.", "Top up your kwtSMS account at kwtsms.com."),
    Code(
        "ERR011",
        NotEnoughCredit,
        "The balance is smaller than the cost of this request.",
        "Top up your kwtSMS account at kwtsms.com, or send to fewer numbers.",
    ),
    Code(
        "ERR012",
        ContentRejected,
        "The message is too long: more than 7 segments.",
        "Shorten it: 1071 characters in GSM-7, 469 in Unicode.",
    ),
    Code(
        "ERR013",
        RateLimited,
        "The account's send queue is full (1000 messages).",
        "Wait until the queue has drained, then send again; nothing was charged.",
        waits=(30.0, 60.0, 120.0),
    ),
    Code(
        "ERR019",
        Unclassified,
        "No delivery reports were found.",
        "Normal for Kuwait: its networks give no delivery reports. Elsewhere, ask again five minutes after sending.",
        scope=Scope.CONTENT,
    ),
    Code("ERR020", Unclassified, "This message ID does not exist.", _CHECK_ID, scope=Scope.CONTENT),
    Code(
        "ERR021",
        Unclassified,
        "There is no report for this message yet.",
        "Ask again in a few minutes.",
        waits=(300.0,),
        scope=Scope.CONTENT,
    ),
    Code(
        "ERR022",
        Unclassified,
        "The reports are not ready yet.",
        "Ask again after 24 hours.",
        waits=(86400.0,),
        scope=Scope.CONTENT,
    ),
    Code(
        "ERR023",
        Unclassified,
        "Unknown error while looking up the delivery report.",
        f"Ask again later. {_SUPPORT}",
        waits=(300.0,),
    ),
    Code(
        "ERR024",
        AuthFailed,
        "This machine's IP address is not on the account's list.",
        "Add this server's public IP address, or switch the list off, at kwtsms.com → Account → API → IP Lockdown.",
    ),
    Code("ERR025", InvalidRecipient, "A number is not valid.", _FULL_NUMBERS),
    Code(
        "ERR026",
        DestinationNotCovered,
        "This account has no route to the number's country.",
        "Ask kwtSMS support to activate this country for your account.",
    ),
    Code("ERR027", ContentRejected, "The text contains HTML tags.", "Remove the tags from the text."),
    Code(
        "ERR028",
        RateLimited,
        "The same number was sent to within the last 15 seconds.",
        "Wait at least 15 seconds before you send to this number again; the whole request was refused and nothing was charged.",
        waits=(16.0, 16.0, 16.0),
        scope=Scope.RECIPIENT,
    ),
    Code("ERR029", Unclassified, "This message ID is missing or wrong.", _CHECK_ID, scope=Scope.CONTENT),
    Code(
        "ERR030",
        Unclassified,
        "The message is stuck in the queue with an error.",
        "Normal for a test message: delete it at kwtsms.com → Account → Queue to get the credits back. For a live one, look there for emoji or hidden characters.",
        scope=Scope.CONTENT,
    ),
    Code("ERR031", ContentRejected, "The text was refused for bad language.", "Change the text."),
    Code("ERR032", ContentRejected, "The text was refused as spam.", "Change the text; name your application in it."),
    Code(
        "ERR033",
        DestinationNotCovered,
        "No country is active for this account.",
        "Ask kwtSMS support to activate coverage.",
    ),
)

CODES: Final = {code.name: code for code in _TABLE}


def error_for(code: str, provider_words: str | None = None) -> TransportError:
    """Return the error for a code; an unknown code becomes :class:`Unclassified`."""
    known = CODES.get(code)
    if known:
        return known.as_error(provider_words)
    return Unclassified(f"The gateway answered with {code}, which is not in its documentation.", code, provider_words)

"""The table of the sandbox's own interface: what leads where, and what programs may know about it."""

from __future__ import annotations

from typing import Final

import attrs

from notifykit_kwtsms.sandbox.http.shapes import NUMBER, TEXT, WHOLE, Schema

JSON: Final = "application/json"
LINES: Final = "application/x-ndjson"


@attrs.frozen
class Parameter:
    """Something that may stand behind the question mark."""

    #: Its name.
    name: str
    #: What it says.
    words: str
    #: What it may be.
    shape: Schema = attrs.field(factory=lambda: dict(TEXT))


@attrs.frozen
class Route:
    """One path and method."""

    #: The path, as Werkzeug's rules write it.
    path: str
    #: The method.
    method: str
    #: The method of a desk that answers it, and its name in the document.
    name: str
    #: What it does, in a sentence.
    words: str
    #: What may stand behind the question mark.
    parameters: tuple[Parameter, ...] = ()
    #: The name of the shape of its body; None where it takes none.
    takes: str | None = None
    #: The type of its body.
    takes_type: str = JSON
    #: The name of the shape of its answer; None where it is not JSON.
    gives: str | None = None
    #: The type of its answer.
    gives_type: str = JSON
    #: The status of the answer where all is well.
    status: int = 200
    #: The statuses it may answer with besides, each with an error.
    errors: tuple[int, ...] = ()
    #: Whether it may be asked without the token.
    public: bool = False
    #: Whether a person's browser opens it.
    on_screen: bool = False


_Q: Final = Parameter("q", "A search: to: sender: text: id: tag: is: has: encoding: segments: cost: code: …")
_TO: Final = Parameter("to", "A number that it went to, exactly.")
_TEXT: Final = Parameter("text", "A part of the text.")
_IDS: Final = Parameter("ids", "Ids with commas between them, instead of a search.")
_LIMIT: Final = Parameter("limit", "Entries, 1000 at most.", dict(WHOLE))
_BEFORE: Final = Parameter("before", "Begin behind this one: `next` of the answer before.", dict(WHOLE))
_TIMEOUT: Final = Parameter("timeout", "Real seconds to wait, 60 at most.", dict(NUMBER) | {"maximum": 60})
_USER: Final = Parameter("username", "Another account than the default one.")
_FOLD: Final = Parameter(
    "batches",
    "fold makes one row of a request to several numbers, unfold one for each number.",
    {"type": "string", "enum": ["fold", "unfold"]},
)
_AFTER: Final = Parameter("after", "The number of the last event that was seen.", dict(WHOLE) | {"minimum": 0})

_SAID: Final = (400,)
_FOUND: Final = (400, 404)

#: Every route but those of the gateway itself, of the page and of its files.
ROUTES: Final[tuple[Route, ...]] = (
    Route("/livez", "GET", "livez", "Says that the process lives.", gives_type="text/plain", public=True),
    Route(
        "/readyz",
        "GET",
        "readyz",
        "Says whether it takes messages and keeps them where it was told to.",
        gives_type="text/plain",
        errors=(503,),
        public=True,
    ),
    Route("/metrics", "GET", "metrics", "Counters in the text form of Prometheus.", gives_type="text/plain"),
    Route("/openapi.json", "GET", "openapi", "This document."),
    Route(
        "/latest",
        "GET",
        "latest",
        "Leads to the newest match on the page.",
        (_Q, _TO, _TEXT),
        gives_type="text/plain",
        status=302,
        errors=_FOUND,
        on_screen=True,
    ),
    Route(
        "/m/<name>",
        "GET",
        "on_page",
        "Leads to a message on the page.",
        gives_type="text/plain",
        status=302,
        errors=(404,),
        on_screen=True,
    ),
    Route(
        "/sandbox/messages",
        "GET",
        "messages",
        "Lists messages, the newest first.",
        (_Q, _TO, _TEXT, _LIMIT, _BEFORE),
        gives="Messages",
        errors=_SAID,
    ),
    Route(
        "/sandbox/messages",
        "POST",
        "inject",
        "Sends as the default account does.",
        takes="Sending",
        gives="Gateway",
        status=201,
        errors=(400, 403),
    ),
    Route(
        "/sandbox/messages",
        "PUT",
        "change_messages",
        "Marks and tags many; q or ids is needed.",
        (_Q, _TO, _TEXT, _IDS),
        takes="Marks",
        gives="Changed",
        errors=_SAID,
    ),
    Route(
        "/sandbox/messages",
        "DELETE",
        "clear",
        "Deletes what matches, or everything.",
        (_Q, _TO, _TEXT, _IDS),
        gives="Deleted",
        errors=_SAID,
    ),
    Route(
        "/sandbox/messages/restore",
        "POST",
        "restore",
        "Undoes a deletion of the last seconds.",
        takes="Undo",
        gives="Restored",
        errors=_FOUND,
    ),
    Route(
        "/sandbox/messages/wait",
        "GET",
        "wait",
        "Waits for the newest accepted match.",
        (_Q, _TO, _TEXT, _TIMEOUT),
        gives="Detail",
        errors=_FOUND,
    ),
    Route(
        "/sandbox/messages/latest",
        "GET",
        "latest_message",
        "Leads to the newest match.",
        (_Q, _TO, _TEXT),
        gives_type="text/plain",
        status=302,
        errors=_FOUND,
    ),
    Route(
        "/sandbox/messages/<name>",
        "GET",
        "message",
        "Everything about one message, by the inbox's id or the msg-id.",
        gives="Detail",
        errors=(404,),
    ),
    Route(
        "/sandbox/messages/<name>",
        "PUT",
        "change_message",
        "Marks and tags one message.",
        takes="Marks",
        gives="Detail",
        errors=_FOUND,
    ),
    Route(
        "/sandbox/messages/<name>", "DELETE", "delete_message", "Deletes one message.", gives="Deleted", errors=(404,)
    ),
    Route(
        "/sandbox/threads",
        "GET",
        "threads",
        "Lists conversations, the newest first.",
        (_Q, _TO, _TEXT, _LIMIT, _BEFORE, _FOLD),
        gives="Threads",
        errors=_SAID,
    ),
    Route(
        "/sandbox/otp",
        "GET",
        "otp",
        "The code in the newest accepted message that has one.",
        (_Q, _TO, _TEXT, _TIMEOUT),
        gives="Code",
        errors=_FOUND,
    ),
    Route(
        "/sandbox/account",
        "GET",
        "account",
        "An account, and the lines to paste.",
        (_USER,),
        gives="Account",
        errors=(404,),
    ),
    Route(
        "/sandbox/account",
        "PUT",
        "change_account",
        "Changes what is given of an account.",
        (_USER,),
        takes="Settings",
        gives="Account",
        errors=_FOUND,
    ),
    Route("/sandbox/chaos", "GET", "chaos", "What is armed, and what could be.", gives="Chaos"),
    Route(
        "/sandbox/chaos",
        "PUT",
        "set_chaos",
        "Arms a fault, faults or a preset instead of what is armed.",
        takes="Faults",
        gives="Chaos",
        errors=_SAID,
    ),
    Route(
        "/sandbox/chaos",
        "POST",
        "arm",
        "Arms a fault, faults or a preset besides what is armed.",
        takes="Faults",
        gives="Chaos",
        errors=_SAID,
    ),
    Route("/sandbox/chaos", "DELETE", "clear_chaos", "Disarms everything.", gives="Chaos"),
    Route("/sandbox/chaos/<int:number>", "DELETE", "disarm", "Disarms one fault.", gives="Chaos", errors=(404,)),
    Route("/sandbox/clock", "GET", "clock", "The virtual time.", gives="Clock"),
    Route("/sandbox/clock", "PUT", "advance", "Jumps ahead.", takes="Jump", gives="Clock", errors=_SAID),
    Route("/sandbox/clock", "POST", "advance", "Jumps ahead.", takes="Jump", gives="Clock", errors=_SAID),
    Route(
        "/sandbox/dlr/<name>",
        "POST",
        "deliver",
        "Brings a message into its next state, or into the one given.",
        takes="Fate",
        gives="Detail",
        errors=_FOUND,
    ),
    Route("/sandbox/queue", "GET", "queue", "What is in the queue.", (_USER,), gives="Queue"),
    Route(
        "/sandbox/queue",
        "DELETE",
        "empty_queue",
        "Deletes every test message from the queue and recovers the credits.",
        (_USER,),
        gives="Refunds",
    ),
    Route(
        "/sandbox/queue/<name>",
        "DELETE",
        "unqueue",
        "Deletes a test message from the queue and recovers its credits.",
        gives="Refund",
        errors=(404,),
    ),
    Route(
        "/sandbox/requests",
        "GET",
        "requests",
        "The requests to the gateway, the newest first.",
        (_LIMIT,),
        gives="Requests",
        errors=_SAID,
    ),
    Route("/sandbox/stats", "GET", "stats", "The figures of the sandbox.", gives="Stats"),
    Route(
        "/sandbox/events",
        "GET",
        "events",
        "Everything that happens, as server-sent events.",
        (_AFTER,),
        gives_type="text/event-stream",
        errors=(400, 503),
    ),
    Route(
        "/sandbox/export",
        "GET",
        "export",
        "Messages as JSON Lines, the oldest first.",
        (_Q, _TO, _TEXT),
        gives_type=LINES,
        errors=_SAID,
    ),
    Route(
        "/sandbox/import",
        "POST",
        "import_",
        "Takes in exported messages under new ids; those whose msg-id is here already are skipped.",
        takes_type=LINES,
        gives="Imported",
        errors=_SAID,
    ),
    Route("/sandbox/reset", "POST", "reset", "Everything as it was at the start.", gives="Reset"),
)

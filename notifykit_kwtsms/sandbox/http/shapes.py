"""The shapes of what the sandbox's interface takes and answers, as JSON Schema."""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
WHOLE: Final[Schema] = {"type": "integer"}
NUMBER: Final[Schema] = {"type": "number"}
FLAG: Final[Schema] = {"type": "boolean"}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
ANYTHING: Final[Schema] = {"type": "object"}
TEXTS: Final[Schema] = {"type": "array", "items": TEXT}


def maybe(shape: Schema) -> Schema:
    """Return a shape that may be null too."""
    return {"anyOf": [shape, {"type": "null"}]}


def listed(shape: Schema) -> Schema:
    """Return a list of a shape."""
    return {"type": "array", "items": shape}


def ref(name: str) -> Schema:
    """Return a shape by its name in :data:`SHAPES`."""
    return {"$ref": f"#/components/schemas/{name}"}


def answered(**fields: Schema) -> Schema:
    """Return an object that has all of these fields; ``_`` in a name stands for ``-``."""
    named = {name.replace("_", "-"): shape for name, shape in fields.items()}
    return {"type": "object", "properties": named, "required": list(named)}


def taken(*needed: str, **fields: Schema) -> Schema:
    """Return an object of a request, which has none but these fields."""
    named = {name.replace("_", "-"): shape for name, shape in fields.items()}
    shape: Schema = {"type": "object", "properties": named, "additionalProperties": False}
    return shape | {"required": list(needed)} if needed else shape


_ENCODING: Final[Schema] = {"type": "string", "enum": ["gsm7", "ucs2"]}
_SIZE: Final = {"encoding": _ENCODING, "units": WHOLE, "segments": WHOLE}
_SUMMARY: Final = answered(
    id=WHOLE,
    msg_id=maybe(TEXT),
    at=MOMENT,
    account=TEXT,
    sender=TEXT,
    to=TEXTS,
    count=WHOLE,
    text=TEXT,
    otp=maybe(TEXT),
    links=TEXTS,
    **_SIZE,
    points=NUMBER,
    balance_after=maybe(NUMBER),
    test=FLAG,
    accepted=FLAG,
    code=maybe(TEXT),
    fault=maybe(TEXT),
    state=TEXT,
    queued=FLAG,
    unread=FLAG,
    tags=TEXTS,
    rtl=FLAG,
    agrees=maybe(FLAG),
)
_FORCED: Final = answered(
    position=WHOLE,
    position16=WHOLE,
    character=TEXT,
    code=WHOLE,
    name=TEXT,
    reason=TEXT,
    nearest=maybe(TEXT),
    saves=WHOLE,
)
_EDIT: Final = answered(cleaner=TEXT, reason=TEXT, position=WHOLE, position16=WHOLE, before=TEXT, after=TEXT)
_DETAIL: Final = answered(
    dropped=listed(answered(number=TEXT, code=TEXT)),
    analysis=answered(
        **_SIZE,
        room=WHOLE,
        capacity=WHOLE,
        units_left=WHOLE,
        starts=listed(WHOLE),
        starts16=listed(WHOLE),
        wasted=listed(WHOLE),
        forced=listed(_FORCED),
    ),
    savings=maybe(
        answered(text=TEXT, **_SIZE, saves=WHOLE, points=NUMBER, replace=listed(answered(character=TEXT, nearest=TEXT)))
    ),
    own=answered(**_SIZE, points=NUMBER, gateway_points=maybe(NUMBER), agrees=maybe(FLAG)),
    cleaned=answered(text=TEXT, changed=FLAG, **_SIZE, saves=WHOLE, edits=listed(_EDIT)),
    checks=listed(answered(level={"type": "string", "enum": ["error", "warning", "info"]}, name=TEXT, words=TEXT)),
    request=answered(client=TEXT, path=TEXT, headers=ANYTHING, fields=ANYTHING),
    response=maybe(answered(status=WHOLE, body=ANYTHING)),
    fault_detail=maybe(answered(do=TEXT, after=maybe(TEXT), source=maybe(TEXT), meaning=TEXT)),
    states=ANYTHING,
    timeline=listed(answered(at=MOMENT, state=TEXT, number=maybe(TEXT), forced=FLAG)),
    planned=listed(answered(due=MOMENT, state=TEXT, number=maybe(TEXT))),
    next=maybe(TEXT),
    possible=TEXTS,
)
_RATE: Final = answered(now=WHOLE, limit=maybe(WHOLE), peak=WHOLE, seconds=listed(WHOLE))
#: What a person may change on an account.
_SETTINGS: Final = {
    "balance": NUMBER | {"minimum": 0},
    "purchased": NUMBER | {"minimum": 0},
    "senders": TEXTS,
    "promotional": TEXTS,
    "prefixes": TEXTS,
    "prices": {"type": "object", "additionalProperties": NUMBER},
    "dnd": TEXTS,
    "queue_limit": WHOLE | {"minimum": 0},
    "ip_list": maybe(TEXTS),
    "blocked": FLAG,
    "api_access": FLAG,
    "api_enabled": FLAG,
}
_MATCH: Final[Schema] = taken(endpoint=TEXT, to=TEXT, nth=WHOLE)
_CHAOS: Final = {
    "preset": TEXT,
    "seed": WHOLE,
    "faults": listed(ANYTHING),
    "do": TEXT,
    "match": _MATCH,
    "endpoint": maybe(TEXT),
    "to": maybe(TEXT),
    "nth": maybe(WHOLE),
    "times": maybe(WHOLE),
    "probability": NUMBER,
    "skip": WHOLE,
    "delay": {},
    "after": maybe(TEXT),
    "ttl": maybe(NUMBER),
}

#: Every shape that has a name.
SHAPES: Final[dict[str, Schema]] = {
    "Error": answered(error=TEXT),
    "Summary": _SUMMARY,
    "Detail": {"allOf": [ref("Summary"), _DETAIL]},
    "Thread": answered(
        kind={"type": "string", "enum": ["number", "batch"]},
        key=TEXT,
        number=maybe(TEXT),
        count=WHOLE,
        messages=WHOLE,
        unread=WHOLE,
        rejected=WHOLE,
        country=maybe(TEXT),
        sender=TEXT,
        last=ref("Summary"),
    ),
    "Messages": answered(
        messages=listed(ref("Summary")),
        matched=WHOLE,
        total=WHOLE,
        unread=WHOLE,
        next=maybe(WHOLE),
        sequence=WHOLE,
    ),
    "Threads": answered(threads=listed(ref("Thread")), matched=WHOLE, total=WHOLE, next=maybe(WHOLE), sequence=WHOLE),
    "Sending": taken("to", "text", to={"anyOf": [TEXT, TEXTS]}, text=TEXT, sender=TEXT, test=FLAG, tags=TEXTS),
    "Marks": taken(unread=FLAG, tags=TEXTS, add_tags=TEXTS, remove_tags=TEXTS),
    "Changed": answered(changed=WHOLE),
    "Deleted": answered(deleted=WHOLE, undo=maybe(TEXT), undo_for=NUMBER),
    "Undo": taken("undo", undo=TEXT),
    "Restored": answered(restored=WHOLE),
    "Imported": answered(imported=WHOLE, skipped=WHOLE),
    "Code": answered(otp=TEXT, id=WHOLE, msg_id=TEXT, at=MOMENT),
    "Gateway": answered(result=TEXT),
    "Account": answered(
        account={"type": "object", "properties": {"username": TEXT, **_SETTINGS}, "required": ["username", *_SETTINGS]},
        accounts=TEXTS,
        env=TEXT,
        dsn=TEXT,
        queue=WHOLE,
        queue_limit=WHOLE,
        rate=_RATE,
    ),
    "Settings": {"type": "object", "properties": _SETTINGS, "additionalProperties": False},
    "Faults": {"type": "object", "properties": _CHAOS, "additionalProperties": False, "minProperties": 1},
    "Chaos": answered(
        armed=listed(ANYTHING),
        preset=maybe(TEXT),
        codes=TEXTS,
        faults=listed(answered(name=TEXT, meaning=TEXT, after=TEXTS)),
        presets=TEXTS,
    ),
    "Clock": answered(time=MOMENT, offset=NUMBER),
    "Jump": taken("advance", advance=NUMBER | {"minimum": 0}),
    "Fate": taken(state=TEXT, number=TEXT),
    "Queue": answered(
        queue=listed(answered(msg_id=TEXT, account=TEXT, size=WHOLE, points=NUMBER, test=FLAG, message=maybe(WHOLE))),
        size=WHOLE,
        limit=maybe(WHOLE),
    ),
    "Refund": answered(refunded=NUMBER),
    "Refunds": answered(deleted=WHOLE, refunded=NUMBER),
    "Requests": answered(requests=listed(ANYTHING), total=WHOLE, blocked=ANYTHING),
    "Reset": answered(reset=FLAG),
    "Stats": answered(
        messages=WHOLE,
        accepted=WHOLE,
        rejected=WHOLE,
        unread=WHOLE,
        segments=WHOLE,
        points=NUMBER,
        gsm7=WHOLE,
        ucs2=WHOLE,
        faults=ANYTHING,
        queue=WHOLE,
        queue_limit=WHOLE,
        balance=NUMBER,
        requests=WHOLE,
        rate=_RATE,
        blocked=ANYTHING,
        preset=maybe(TEXT),
        armed=WHOLE,
        listeners=WHOLE,
        uptime=NUMBER,
        sequence=WHOLE,
        history=TEXT,
        version=TEXT,
        label=maybe(TEXT),
        keep=WHOLE,
        keep_for=maybe(NUMBER),
        stored=FLAG,
        remote=FLAG,
    ),
}

"""The files of the page, as they lie in the package, and the door in front of them where there is a token."""

from __future__ import annotations

import hashlib
import pathlib
from typing import TYPE_CHECKING, Final

from notifykit_kwtsms.sandbox.http.answers import HTML, TEXT, Answer
from notifykit_kwtsms.sandbox.http.replies import GUARDED, error

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

FOLDER: Final = pathlib.Path(__file__).parent.parent / "page"
#: What a page may do: nothing but what comes from here. Pictures may be made on the spot, for the dot on the icon.
POLICY: Final = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_DOOR_POLICY: Final = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_INDEX: Final = "index.html"
_TYPES: Final = {
    ".html": HTML,
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".map": "application/json",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".txt": TEXT,
}
_NOTHING: Final = "notifykit sandbox: the gateway is at API/, the inbox at sandbox/messages\n"
_DOOR: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>notifykit sandbox</title>
<meta name="viewport" content="width=device-width"></head>
<body><h1>notifykit sandbox</h1>
<form method="get" action="./"><p><label>Token <input type="password" name="token" required autofocus
autocomplete="current-password"></label> <button>Open</button></p></form></body></html>
"""


def index(request: Request) -> Answer:
    """Return the page itself."""
    if not (FOLDER / _INDEX).is_file():
        return Answer(200, _NOTHING.encode(), TEXT, GUARDED)
    return file(request, _INDEX)


def file(request: Request, name: str) -> Answer:
    """Return a file of the page. Only what a walk through the folder finds can be asked for."""
    path = _files().get(name)
    if path is None:
        return error(404, "there is no such file")
    content = path.read_bytes()
    mark = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = (*GUARDED, ("Cache-Control", "no-cache"), ("Content-Security-Policy", POLICY), ("ETag", mark))
    if request.if_none_match.contains_weak(mark.strip('"')):
        return Answer(304, b"", _TYPES[path.suffix], headers)
    return Answer(200, content, _TYPES[path.suffix], headers)


def door() -> Answer:
    """Return the page that asks for the token."""
    headers = (*GUARDED, ("Cache-Control", "no-store"), ("Content-Security-Policy", _DOOR_POLICY))
    return Answer(401, _DOOR.encode(), HTML, headers)


def _files() -> dict[str, pathlib.Path]:
    return {
        path.relative_to(FOLDER).as_posix(): path
        for path in FOLDER.rglob("*")
        if path.suffix in _TYPES and path.is_file()
    }

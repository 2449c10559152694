"""The transport of ``notifykit_kwtsms`` through the contract that strangers' transports are held to."""

from __future__ import annotations

import json

from notifykit import Dsn, Secret, Settings
from notifykit.protocols import Transport
from notifykit.testing.contracts import WireContract, body_of, http_answer
from notifykit_kwtsms.settings import KwtSmsSettings
from notifykit_kwtsms.testing import code_answer, sent_answer
from notifykit_kwtsms.transport import KwtSmsTransport


class TestKwtSms(WireContract):
    """``kwtsms``, against a gateway that has every fault."""

    secrets = ("hunter2-hunter2", "user-of-kwtsms")

    def transport_to(self, url: str) -> Transport:
        port = url.rpartition(":")[2]
        settings = KwtSmsSettings.of(Settings(), Dsn.parse(f"kwtsms://127.0.0.1:{port}?sender=ACME&test=0&rate=4"))
        return KwtSmsTransport("user-of-kwtsms", Secret("hunter2-hunter2"), settings)

    def yes(self, request: bytes) -> bytes:
        numbers = json.loads(body_of(request))["mobile"].count(",") + 1
        return http_answer(json.dumps(sent_answer(numbers=numbers)))

    def no(self) -> dict[str, bytes]:
        refused = {
            code: http_answer(json.dumps(code_answer(code)), "200 OK") for code in ("ERR006", "ERR010", "ERR013")
        }
        return refused | {"ERR003 by 403": http_answer(json.dumps(code_answer("ERR003")), "403 Forbidden")}

    def reads(self, request: bytes) -> list[tuple[str, str]]:
        sent = json.loads(body_of(request))
        return [(number, sent["message"]) for number in sent["mobile"].split(",")]

    def quotes(self, request: bytes) -> dict[str, bytes]:
        said = body_of(request).decode()
        read = json.loads(said)
        return {
            "a description of everything": http_answer(json.dumps(code_answer("ERR025", said))),
            "a description of the text": http_answer(json.dumps(code_answer("ERR999", read["message"]))),
            "a code that is none": http_answer(json.dumps({"result": "ERROR", "code": said, "description": said})),
            "a yes that repeats it": http_answer(json.dumps({**sent_answer(), "echo": read})),
        }

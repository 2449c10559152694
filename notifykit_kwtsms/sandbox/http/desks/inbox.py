"""The inbox: messages, conversations, codes, waiting for them, what they are marked with, and the undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from notifykit_kwtsms.sandbox.http.answers import Answer
from notifykit_kwtsms.sandbox.http.desks.desk import Desk
from notifykit_kwtsms.sandbox.http.replies import answer, error, plain
from notifykit_kwtsms.sandbox.inbox.trash import SECONDS, Deleted
from notifykit_kwtsms.sandbox.problems import NotThere

from notifykit_kwtsms.api.facts import SEND
from notifykit_kwtsms.sandbox.gateway.accounts import SENDER, USERNAME, AccountHandle
from notifykit_kwtsms.sandbox.gateway.requests import Call, as_fields
from notifykit_kwtsms.sandbox.http import asked, views
from notifykit_kwtsms.sandbox.http.wsgi import redirect
from notifykit_kwtsms.sandbox.inbox import records
from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage
from notifykit_kwtsms.sandbox.inbox.store import Matches
from notifykit_kwtsms.sandbox.inbox.threads import threads

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

#: JSON Lines.
JSON_LINES = "application/x-ndjson"


class InboxDesk(Desk):
    """Everything below ``/sandbox/messages`` and beside it."""

    def messages(self, request: Request, body: bytes) -> Answer:
        """Answer ``GET /sandbox/messages?q=&to=&limit=&before=``: the newest first."""
        matches = asked.matching(request, self._gateway.clock)
        limit, before = asked.limit(request), asked.whole(request, "before", 0)
        inbox = self._gateway.store.snapshot()
        found = [message for message in reversed(inbox.messages) if matches(message)]
        window = [message for message in found if not before or message.id < before]
        shown = window[:limit]
        return answer(
            {
                "messages": [self._summary(message) for message in shown],
                "matched": len(found),
                "total": len(inbox.messages),
                "unread": sum(message.unread for message in inbox.messages),
                "next": shown[-1].id if len(window) > limit else None,
                "sequence": inbox.sequence,
            }
        )

    def threads(self, request: Request, body: bytes) -> Answer:
        """Answer ``GET /sandbox/threads?q=&limit=&before=&batches=``: conversations, the newest first."""
        matches = asked.matching(request, self._gateway.clock)
        limit, before = asked.limit(request), asked.whole(request, "before", 0)
        batches = request.args.get("batches", "fold")
        if batches not in ("fold", "unfold"):
            raise ValueError("batches is fold or unfold")
        inbox = self._gateway.store.snapshot()
        found = threads(filter(matches, reversed(inbox.messages)), fold=batches == "fold")
        window = [row for row in found if not before or row.last.id < before]
        # Rows that share their newest message stay together: a window begins at a message.
        shown = window[:limit]
        while len(shown) < len(window) and window[len(shown)].last.id == shown[-1].last.id:
            shown.append(window[len(shown)])
        return answer(
            {
                "threads": [views.thread(row, self._gateway.accounts.get(row.last.account)) for row in shown],
                "matched": len(found),
                "total": len(inbox.messages),
                "next": shown[-1].last.id if len(window) > len(shown) else None,
                "sequence": inbox.sequence,
            }
        )

    def inject(self, request: Request, body: bytes) -> Answer:
        """Answer ``POST /sandbox/messages``: send as the default account does; ``to`` and ``text`` are needed."""
        given = asked.fields(body, "to", "text", "sender", "test", "tags")
        account = AccountHandle(self._gateway.accounts, USERNAME).read()
        to = given.get("to", "")
        fields = {
            "username": account.username,
            "password": account.password.reveal(),
            "sender": given.get("sender", SENDER),
            "mobile": ",".join(map(str, to)) if isinstance(to, list) else to,
            "message": given.get("text", ""),
            "test": given.get("test", True),
        }
        headers = {"x-notifykit-tag": ",".join(asked.tags(given) or ())}
        client = request.remote_addr or ""
        reply = self._gateway.handle(Call(SEND.name, client, as_fields(fields), request.path, headers))
        return answer(reply.body, 201 if reply.msg_id else reply.status)

    def change_messages(self, request: Request, body: bytes) -> Answer:
        """Answer ``PUT /sandbox/messages?q=`` or ``?ids=``: mark and tag many at once."""
        if "q" not in request.args and "ids" not in request.args:
            raise ValueError("say which messages: q or ids; an empty q is all of them")
        given = asked.fields(body, "unread", "tags", "add-tags", "remove-tags")
        unread, retag = asked.flag(given, "unread"), asked.retagging(given)
        matches = asked.chosen(request, self._gateway.clock)
        return answer({"changed": self._gateway.store.update_all(matches, unread=unread, retag=retag)})

    def clear(self, request: Request, body: bytes) -> Answer:
        """Answer ``DELETE /sandbox/messages?q=`` or ``?ids=``: delete what matches, or everything."""
        return _deleted(self._gateway.store.discard(asked.chosen(request, self._gateway.clock)))

    def restore(self, request: Request, body: bytes) -> Answer:
        """Answer ``POST /sandbox/messages/restore``: undo a deletion."""
        undo = asked.fields(body, "undo").get("undo")
        if not isinstance(undo, str):
            raise TypeError("undo is what the deletion answered")
        return answer({"restored": self._gateway.store.restore(undo)})

    def wait(self, request: Request, body: bytes) -> Answer:
        """Answer ``GET /sandbox/messages/wait``: the newest accepted match, waited for if need be."""
        message = self._await(request, lambda message: True)
        return error(404, "No such message came in time.") if message is None else answer(self._detail(message))

    def otp(self, request: Request, body: bytes) -> Answer:
        """Answer ``GET /sandbox/otp?to=&q=&timeout=``: the code in the newest accepted message that has one."""
        message = self._await(request, lambda message: message.otp is not None)
        if message is None:
            return error(404, "No message with a code came in time.")
        return answer({"otp": message.otp, "id": message.id, "msg-id": message.msg_id, "at": message.at.isoformat()})

    def latest_message(self, request: Request, body: bytes) -> Answer:
        """Answer ``GET /sandbox/messages/latest?q=&to=``: the way to the newest match."""
        return redirect(f"{request.root_path}/sandbox/messages/{self._latest(request).id}")

    def latest(self, request: Request, body: bytes) -> Answer:
        """Answer ``GET /latest?q=&to=``: the way to the newest match on the page; for a program, to its JSON."""
        if request.accept_mimetypes.best_match(("text/html", "application/json"), "text/html") == "application/json":
            return self.latest_message(request, body)
        return redirect(f"{request.root_path}/#/m/{self._latest(request).id}")

    def on_page(self, request: Request, body: bytes, name: str) -> Answer:
        """Answer ``GET /m/{id}``: the way to one message on the page."""
        return redirect(f"{request.root_path}/#/m/{self._message(name).id}")

    def message(self, request: Request, body: bytes, name: str) -> Answer:
        """Answer ``GET /sandbox/messages/{id}``: all about one, by the inbox's id or the msg-id."""
        return answer(self._detail(self._message(name)))

    def change_message(self, request: Request, body: bytes, name: str) -> Answer:
        """Answer ``PUT /sandbox/messages/{id}``: mark and tag one."""
        given = asked.fields(body, "unread", "tags", "add-tags", "remove-tags")
        unread, retag = asked.flag(given, "unread"), asked.retagging(given)
        wanted = self._message(name).id
        self._gateway.store.update_all(lambda message: message.id == wanted, unread=unread, retag=retag)
        return answer(self._detail(self._message(name)))

    def delete_message(self, request: Request, body: bytes, name: str) -> Answer:
        """Answer ``DELETE /sandbox/messages/{id}``: out of the inbox; credits come back by the queue only."""
        wanted = self._message(name).id
        return _deleted(self._gateway.store.discard(lambda message: message.id == wanted))

    def export(self, request: Request, body: bytes) -> Answer:
        """Answer ``GET /sandbox/export?q=``: JSON Lines, the oldest first."""
        matches = asked.matching(request, self._gateway.clock)
        lines = (records.to_line(message) for message in self._gateway.store.all() if matches(message))
        return plain("".join(f"{line}\n" for line in lines), content_type=JSON_LINES)

    def import_(self, request: Request, body: bytes) -> Answer:
        """Answer ``POST /sandbox/import``: take in what was exported; all of it, or nothing."""
        messages = []
        for number, line in enumerate(body.decode().split("\n"), start=1):
            if line.strip():
                try:
                    messages.append(records.from_line(line))
                except ValueError as problem:
                    raise ValueError(f"line {number}: {problem}") from problem
        taken = self._gateway.store.adopt(messages)
        return answer({"imported": len(taken), "skipped": len(messages) - len(taken)})

    def _summary(self, message: CapturedMessage) -> dict[str, Any]:
        return views.message_summary(message, self._gateway.accounts.get(message.account))

    def _detail(self, message: CapturedMessage) -> dict[str, Any]:
        return views.message_detail(message, self._gateway.accounts.get(message.account))

    def _latest(self, request: Request) -> CapturedMessage:
        message = self._gateway.store.wait(asked.matching(request, self._gateway.clock), 0)
        if message is None:
            raise NotThere("there is no such message")
        return message

    def _await(self, request: Request, wanted: Matches) -> CapturedMessage | None:
        matches = asked.matching(request, self._gateway.clock)
        return self._gateway.store.wait(
            lambda message: message.accepted and wanted(message) and matches(message), asked.seconds(request)
        )


def _deleted(deleted: Deleted) -> Answer:
    return answer({"deleted": deleted.count, "undo": deleted.undo, "undo-for": SECONDS})

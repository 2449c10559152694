"""A transport that is dishonest in one way, for each clause about servers: the clause finds it out."""

from __future__ import annotations

import contextlib
import json
from http.client import HTTPConnection
from urllib.parse import urlsplit

import attrs
import pytest

from notifykit import Capabilities, Submission
from notifykit.errors import ContentRejected, NotReached, OutcomeUnknown, ProviderUnavailable, TransportError
from notifykit.http import HttpAnswer, HttpClient
from notifykit.testing.contracts import TransportContract, WireContract, body_of, http_answer
from tests.testing.mutants.verdicts import clause_tests, held

pytestmark = pytest.mark.slow


class Plain:
    """Right in every way: posts JSON, and believes only ``{"result": "OK"}``."""

    name = "plain"
    capabilities = Capabilities(batch_size=3)

    def __init__(self, url):
        self.url = url
        self.client = HttpClient(url)

    def send(self, batch, timeout):
        said = {"to": [person.address for person in batch.recipients], "text": batch.message.text}
        return self.judge(self.post(json.dumps(said).encode(), timeout))

    def post(self, body, timeout):
        return self.client.post("/send", body, {"Content-Type": "application/json"}, timeout)

    def judge(self, answer):
        try:
            result = json.loads(answer.body).get("result")
        except (ValueError, AttributeError, RecursionError):
            result = None
        if result == "OK":
            return Submission("1")
        if result == "ERROR":
            raise ContentRejected("The provider refused it.")
        if 300 <= answer.status < 500:
            raise ProviderUnavailable("It was refused.", waits=())
        raise OutcomeUnknown("No readable answer.")

    def close(self):
        self.client.close()

    def __str__(self):
        return "plain://default"


class Healthy(WireContract):
    def transport_to(self, url):
        return Plain(url)

    def yes(self, request):
        return http_answer('{"result": "OK"}')

    def no(self):
        return {"spam": http_answer('{"result": "ERROR"}', "400 Bad Request")}

    def reads(self, request):
        sent = json.loads(body_of(request))
        return [(address, sent["text"]) for address in sent["to"]]

    def quotes(self, request):
        return {"why": http_answer(json.dumps({"result": "ERROR", "why": request.decode()}))}


class Twice(Plain):
    def post(self, body, timeout):
        super().post(body, timeout)
        return super().post(body, timeout)


class Deaf(Plain):
    def judge(self, answer):
        raise OutcomeUnknown("It said something.")


class Unsure(Plain):
    def judge(self, answer):
        try:
            return super().judge(answer)
        except ContentRejected as error:
            raise OutcomeUnknown("Perhaps.") from error


class Pessimist(Plain):
    def post(self, body, timeout):
        try:
            return super().post(body, timeout)
        except NotReached as error:
            raise OutcomeUnknown("Perhaps.") from error


class Optimist(Plain):
    def send(self, batch, timeout):
        try:
            return super().send(batch, timeout)
        except TransportError:
            return Submission()


class Certain(Plain):
    def post(self, body, timeout):
        try:
            return super().post(body, timeout)
        except OutcomeUnknown as error:
            raise ProviderUnavailable("It did not answer.") from error


class Gullible(Plain):
    def judge(self, answer):
        return Submission() if answer.status < 300 else super().judge(answer)


class Blames(Plain):
    def judge(self, answer):
        if answer.status >= 500:
            raise ProviderUnavailable("It is broken.")
        return super().judge(answer)


class Credulous(Plain):
    def judge(self, answer):
        return Submission() if answer.status < 400 else super().judge(answer)


class Follows(Plain):
    def post(self, body, timeout):
        answer = super().post(body, timeout)
        return super().post(body, timeout) if answer.status in (307, 308) else answer


class Hasty(Plain):
    def post(self, body, timeout):
        # The standard library takes every 1xx but 100 for the answer.
        with contextlib.closing(HTTPConnection(urlsplit(self.url).netloc, timeout=timeout)) as connection:
            connection.request("POST", "/send", body)
            answer = connection.getresponse()
            return HttpAnswer(answer.status, {}, answer.read())

    def judge(self, answer):
        if answer.status < 200:
            raise ProviderUnavailable(f"It said {answer.status}.")
        return super().judge(answer)


class Insists(Plain):
    def post(self, body, timeout):
        try:
            return super().post(body, timeout)
        except OutcomeUnknown:
            return super().post(body, timeout)


class Remembers(Plain):
    said = None

    def post(self, body, timeout):
        self.said = self.said or super().post(body, timeout)
        return self.said


class Patient(Plain):
    def post(self, body, timeout):
        return super().post(body, 30)


class GivesUp(Plain):
    def post(self, body, timeout):
        try:
            return super().post(body, timeout)
        except OutcomeUnknown as error:
            if error.code == "timeout":
                raise ProviderUnavailable("It is slow.") from error
            raise


class Repeats(Plain):
    def judge(self, answer):
        if answer.status == 422:
            raise ContentRejected(f"It said {answer.body!r}.")
        return super().judge(answer)


class Local(Plain):
    def judge(self, answer):
        @attrs.frozen(slots=False)
        class Refused(ContentRejected):
            """Made inside a function, which pickle can't find again."""

        try:
            return super().judge(answer)
        except ContentRejected:
            raise Refused("No.") from None


def _of(kind, **more):
    return held(Healthy, "transport_to", kind, **more)


MUTANTS = {
    "test_the_provider_s_yes_is_a_submission": [_of(Twice), _of(Deaf)],
    "test_the_provider_s_no_is_certain": [_of(Unsure)],
    "test_a_failed_connection_is_certain": [_of(Pessimist), _of(Optimist)],
    "test_a_connection_closed_at_once_is_no_yes": [_of(Optimist)],
    "test_a_lost_answer_is_unknown": [_of(Certain), _of(Optimist)],
    "test_an_answer_that_says_nothing_is_unknown": [_of(Gullible), _of(Blames)],
    "test_a_refusal_is_no_yes": [_of(Credulous)],
    "test_a_redirect_is_not_followed": [_of(Follows)],
    "test_an_interim_answer_is_not_the_last": [_of(Hasty)],
    "test_a_request_arrives_at_most_once": [_of(Insists)],
    "test_a_stale_connection_is_handled": [_of(Remembers), _of(Twice), _of(Deaf)],
    "test_the_timeout_is_kept": [_of(Patient, slack=0.2), _of(GivesUp)],
    "test_a_server_that_quotes_the_request_gives_nothing_away": [_of(Repeats)],
    "test_errors_pickle": [_of(Local)],
}

test_a_wrong_one_is_found_out, test_a_right_one_passes, test_every_clause_has_a_wrong_one = clause_tests(
    WireContract, Healthy, MUTANTS, TransportContract.clauses()
)

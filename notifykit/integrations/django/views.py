"""The views that providers post delivery reports to, and that people unsubscribe with.

::

    reports = delivery_report_view(notifykit_kwtsms.delivery_report)
    urlpatterns = [
        path("reports", reports),
        path("reports/<str:secret>", reports),
        path("unsubscribe/<str:token>", unsubscribe_view()),
    ]
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from notifykit.integrations.delivery_reports import MAX_BODY, SIGNATURE_HEADER, ReportEndpoint, ReportError
from notifykit.integrations.django.configuration import DEFAULT, reports_secret
from notifykit.integrations.django.registry import notifiers
from notifykit.models.delivery import DeliveryReport
from notifykit.people.guard import pages_of

_log = logging.getLogger("notifykit.django")

#: Reads the fields of a report; raises ValueError where they are none.
Parse = Callable[[Mapping[str, Any]], DeliveryReport]


def delivery_report_view(parse: Parse, *, using: str = DEFAULT) -> Callable[..., HttpResponse]:
    """Return a view that records the delivery reports of one provider; the signal ``delivery_changed`` follows.

    It answers 204, or says what is wrong with a report: 404 without a proof that the provider knows ``REPORTS_SECRET``, 400
    where it can't be read, 413 where it is too large. Without ``REPORTS_SECRET`` there is nothing at its address.

    :param parse: the function of the provider's package, such as ``notifykit_kwtsms.delivery_report``.
    :param using: the notifier's name in ``NOTIFYKIT``, and whose ``REPORTS_SECRET`` proves a report.
    """

    @csrf_exempt  # type: ignore[untyped-decorator]
    def view(request: HttpRequest, secret: str | None = None) -> HttpResponse:
        if request.method != "POST":
            return _refusal(405, "Reports are posted.", Allow="POST")
        expected = reports_secret(using)
        if not expected:
            return _refusal(404, "There is nothing here.")
        try:
            report = _endpoint(expected, parse).read(
                _body(request),
                content_type=request.content_type or "",
                signature=request.headers.get(SIGNATURE_HEADER),
                path_secret=secret,
            )
        except ReportError as error:
            return _refusal(error.status, str(error))
        notifiers[using].record_delivery_report(report)
        return HttpResponse(status=204)

    return view  # type: ignore[no-any-return]


def unsubscribe_view(*, using: str = DEFAULT) -> Callable[..., HttpResponse]:
    """Return the view behind the links of ``unsubscribe.url``, which people and mail programs post to.

    ::

        urlpatterns = [path("unsubscribe/<str:token>", unsubscribe_view())]

    :param using: the notifier's name in ``NOTIFYKIT``.
    """

    @csrf_exempt  # type: ignore[untyped-decorator]  # the link itself is the proof
    def view(request: HttpRequest, token: str) -> HttpResponse:
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        pages = pages_of(notifiers[using])
        if request.method == "POST":
            try:
                page = pages.post(token, _body(request), request.headers.get("Content-Type", ""))
            except ReportError:
                return HttpResponse(status=400)
        else:
            page = pages.get(token)
        response = HttpResponse(page.html, status=page.status, headers=dict(page.headers))
        # Django would log the path of a wrong link, and a part of a right one may stand in it.
        response._has_been_logged = True  # noqa: SLF001
        return response

    return view  # type: ignore[no-any-return]


def _refusal(status: int, reason: str, **headers: str) -> HttpResponse:
    _log.warning("a request for delivery reports was answered with %d: %s", status, reason)
    response = HttpResponse(reason, status=status, content_type="text/plain; charset=utf-8", headers=headers)
    # Django would log the path, and the secret may stand in it.
    response._has_been_logged = True  # noqa: SLF001
    return response


@functools.lru_cache(maxsize=16)
def _endpoint(secret: str, parse: Parse) -> ReportEndpoint:
    return ReportEndpoint(secret, parse)


def _body(request: HttpRequest) -> bytes:
    """Return the body; one that says it is too long is not read."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
        return b"\0" * (MAX_BODY + 1)
    try:
        return bytes(request.body)
    except (RequestDataTooBig, UnreadablePostError):
        raise ReportError(400, "The body can't be read.") from None

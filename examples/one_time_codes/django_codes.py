"""Logging in by one-time code with Django. Start it with `python django_codes.py runserver`."""

import secrets

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import path

from notifykit.integrations.django import verifiers


def send_code(request: HttpRequest) -> JsonResponse:
    started = verifiers["default"].start(request.POST["mobile"], client=request.META["REMOTE_ADDR"])
    return JsonResponse({"status": started.status}, status=started.http_status, headers=started.headers)


def log_in(request: HttpRequest) -> JsonResponse:
    checked = verifiers["default"].check(request.POST["mobile"], request.POST["code"])
    return JsonResponse({"ok": checked.ok}, status=checked.http_status, headers=checked.headers)


urlpatterns = [path("codes", send_code), path("login", log_in)]

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    # A project has these lines in its settings, with the middleware for sessions and CSRF.
    settings.configure(
        ROOT_URLCONF=__name__,
        DEBUG=True,
        SECRET_KEY=secrets.token_hex(),
        INSTALLED_APPS=["notifykit.integrations.django"],
    )
    execute_from_command_line()

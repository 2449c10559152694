"""Flask: an extension with one notifier for each process and application, its commands, and a blueprint for reports.

>>> from flask import Flask
>>> from notifykit.integrations.flask import NotifyKit
>>> notify = NotifyKit()
>>> app = Flask("shop")
>>> app.config["NOTIFYKIT_TRANSPORT"] = "memory"
>>> notify.init_app(app)
>>> with app.app_context():
...     notify.notifier.send("96598765432", "Hello")[0].outcome.value
'accepted'
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final

from notifykit.errors import ConfigError, needs_extra
from notifykit.integrations.delivery_reports import MAX_BODY, SIGNATURE_HEADER, ReportEndpoint, ReportError
from notifykit.integrations.per_process import PerProcess
from notifykit.models.delivery import DeliveryReport
from notifykit.people.guard import pages_of
from notifykit.pipeline.notifier import Notifier

with needs_extra("flask"):
    import click
    from flask import Blueprint, Flask, Response, current_app, jsonify, request

#: What the names of the settings begin with in Flask's configuration, and the name of the extension.
PREFIX: Final = "NOTIFYKIT_"
EXTENSION: Final = "notifykit"


class NotifyKit:
    """The extension: ``NotifyKit(app)``, or ``init_app`` later.

    Settings come from Flask's configuration first: ``NOTIFYKIT_TRANSPORT``, ``NOTIFYKIT_TIMEOUT``, each setting with this
    prefix. What is not there comes from the environment and settings files, as everywhere.

    :param app: the application.
    :param parts: other arguments of ``Notifier.from_settings``, such as ``sinks``, for every application.
    """

    def __init__(self, app: Flask | None = None, **parts: Any) -> None:
        self._parts = parts
        self._notifiers: weakref.WeakKeyDictionary[Flask, PerProcess[Notifier]] = weakref.WeakKeyDictionary()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Set an application up: the notifier, ``app.extensions["notifykit"]`` and ``flask notify``.

        :raises ConfigError: with everything that is wrong with the settings.
        """
        if EXTENSION in app.extensions:
            raise ConfigError("init_app was called twice for one application: call it once")
        settings = app.config.get_namespace(PREFIX)
        arguments = {**settings, **self._parts}
        notifiers = PerProcess(lambda: Notifier.from_settings(**arguments))
        notifiers.get()  # now, so that wrong settings stop the start and not the first request
        self._notifiers[app] = notifiers
        app.extensions[EXTENSION] = self
        app.cli.add_command(_command(settings))

    @property
    def notifier(self) -> Notifier:
        """The notifier of this process and the current application.

        It is made anew after a fork, and closed when the process ends.

        :raises RuntimeError: outside of an application's context.
        :raises ConfigError: if ``init_app`` was not called for the application.
        """
        app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask documents it
        if app not in self._notifiers:
            raise ConfigError(f"the application {app.name} has no notifier: call init_app(app) of this extension")
        return self._notifiers[app].get()

    def reports(
        self,
        secret: str,
        parse: Callable[[Mapping[str, Any]], DeliveryReport],
        *,
        url_prefix: str = "/delivery-reports",
        name: str = "delivery_reports",
    ) -> Blueprint:
        """Return a blueprint that takes delivery reports: signed ones at its root, others at ``/SECRET`` below it.

        Register it with ``app.register_blueprint``. Extensions that demand a CSRF token have to exempt it: its requests
        come from the provider, and prove that they do.

        :param secret: what only the provider and this server know: 16 characters at least.
        :param parse: reads the posted fields, as ``notifykit_kwtsms.delivery_report`` does.
        :raises ConfigError: if the secret is too short.
        """
        endpoint = ReportEndpoint(secret, parse)
        blueprint = Blueprint(name, __name__, url_prefix=url_prefix)

        @blueprint.post("")
        @blueprint.post("/<path_secret>")
        def take(path_secret: str | None = None) -> tuple[Response, int]:
            try:
                report = endpoint.read(
                    _body(),
                    content_type=request.content_type or "",
                    signature=request.headers.get(SIGNATURE_HEADER),
                    path_secret=path_secret,
                )
            except ReportError as error:
                return jsonify(detail=error.reason), error.status
            return jsonify(state=self.notifier.record_delivery_report(report).state.value), 200

        return blueprint

    def unsubscribe(self, *, url_prefix: str = "/unsubscribe", name: str = "unsubscribe") -> Blueprint:
        """Return a blueprint with the page behind the links of ``unsubscribe.url``, which people and mail programs post to.

        Register it with ``app.register_blueprint``. Extensions that demand a CSRF token have to exempt it: the link itself is the
        proof.
        """
        blueprint = Blueprint(name, __name__, url_prefix=url_prefix)

        @blueprint.route("/<token>", methods=["GET", "POST"])
        def answer(token: str) -> Response:
            pages = pages_of(self.notifier)
            page = (
                pages.post(token, _body(), request.content_type or "") if request.method == "POST" else pages.get(token)
            )
            return Response(page.html, page.status, dict(page.headers))

        return blueprint


def _body() -> bytes:
    """Return the body as far as it is of use: what is longer is refused, and not read to its end."""
    return bytes(request.stream.read(MAX_BODY + 1))


def _command(settings: Mapping[str, Any]) -> click.Command:
    """Return the command ``flask notify``: the ``notifykit`` program with the settings of the application."""

    @click.command(
        "notify",
        context_settings={"ignore_unknown_options": True, "help_option_names": []},
        short_help="Send, look and check with the application's settings: flask notify send|doctor|…",
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def notify(arguments: tuple[str, ...]) -> None:
        """Run the notifykit program with the settings of the application."""
        from notifykit.cli.main import main

        main(arguments, settings)

    return notify

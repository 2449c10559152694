"""HTTP for transports of any provider: a client with one deadline for a whole exchange, and a base class for transports."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from notifykit.http.client import (
        BODY_LIMIT as BODY_LIMIT,
        IDLE_LIMIT as IDLE_LIMIT,
        UNCLEAR as UNCLEAR,
        HttpAnswer as HttpAnswer,
        HttpClient as HttpClient,
        HttpRequest as HttpRequest,
        HttpTransport as HttpTransport,
        error_for_status as error_for_status,
    )
else:
    from notifykit.imports import lazy_attributes

    __getattr__, __dir__, __all__ = lazy_attributes(
        __name__,
        {"client": "BODY_LIMIT IDLE_LIMIT UNCLEAR HttpAnswer HttpClient HttpRequest HttpTransport error_for_status"},
    )

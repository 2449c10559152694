"""The page behind a link to unsubscribe, in English or Arabic: what a web framework answers a GET and a POST with.

A GET changes nothing. A POST switches the topic off, or on again; it needs no session and no other proof than the link.
"""

from __future__ import annotations

import email
import html
import logging
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

import attrs

from notifykit.people.preferences import Preferences, PreferenceStore, PreferencesUnavailable
from notifykit.people.unsubscribe import Subscription, UnsubscribeLinks

#: The largest body that is read, in bytes.
MAX_BODY: Final = 16 * 1024
_log = logging.getLogger("notifykit.unsubscribe")

_HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}
_PAGE: Final = """<!doctype html>
<html lang="{language}" dir="{direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1.1rem/1.6 system-ui, sans-serif; max-width: 32rem; margin: 12vh auto; padding: 0 1rem; color: #222; background: #fff }}
button {{ font: inherit; padding: .6rem 1.4rem; border: 0; border-radius: .4rem; background: #14558f; color: #fff; cursor: pointer }}
@media (prefers-color-scheme: dark) {{ body {{ color: #eee; background: #1b1b1b }} }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""
_FORM: Final = '<form method="post"><button name="action" value="{value}">{label}</button></form>'

_ENGLISH: Final = {
    "title": "Messages about {topic}",
    "ask": "Do you want to get no more messages about {topic}{by}?",
    "stop": "Stop these messages",
    "off": "You get no more messages about {topic}{by}.",
    "on": "You get messages about {topic}{by} again.",
    "resume": "Get them again",
    "closed": "All messages{by} are switched off. Messages about {topic} come again when you switch these on in your account.",
    "lost": "This link is not valid",
    "lost_help": "Copy the whole link from the message, or open it there. If that does not help, answer the message.",
    "later": "This can't be done just now",
    "later_help": "Nothing was changed. Try again in a few minutes.",
    "marketing": "offers and news",
    "orders": "orders",
    "email": " by e-mail",
    "sms": " by SMS",
    "push": " as push notifications",
}
_ARABIC: Final = {
    "title": "رسائل {topic}",
    "ask": "هل تريد إيقاف رسائل {topic}{by}؟",
    "stop": "إيقاف هذه الرسائل",
    "off": "لن تصلك رسائل {topic}{by} بعد الآن.",
    "on": "ستصلك رسائل {topic}{by} من جديد.",
    "resume": "استلامها من جديد",
    "closed": "جميع الرسائل{by} متوقفة. تصلك رسائل {topic} من جديد عندما تشغّلها من حسابك.",
    "lost": "هذا الرابط غير صالح",
    "lost_help": "انسخ الرابط كاملاً من الرسالة أو افتحه منها. إن لم ينجح ذلك فأجب على الرسالة.",
    "later": "لا يمكن تنفيذ ذلك الآن",
    "later_help": "لم يتغير شيء. حاول مرة أخرى بعد دقائق.",
    "marketing": "العروض والأخبار",
    "orders": "الطلبات",
    "email": " عبر البريد الإلكتروني",
    "sms": " عبر الرسائل النصية",
    "push": " عبر الإشعارات",
}
_WORDS: Final = {"en": _ENGLISH, "ar": _ARABIC}


@attrs.frozen
class Page:
    """The answer to a request."""

    #: The HTTP status.
    status: int
    #: The page.
    html: str = attrs.field(repr=False)
    #: The headers: the page is never stored, framed, or named to other sites.
    headers: Mapping[str, str] = attrs.field(default=_HEADERS, repr=False)


@attrs.frozen
class UnsubscribePages:
    """Answers the requests to a link."""

    #: Reads the links.
    links: UnsubscribeLinks
    #: Where preferences are.
    store: PreferenceStore

    def get(self, token: str) -> Page:
        """Return the page that asks; nothing is changed."""
        return self._answer(token, change=None)

    def post(self, token: str, body: bytes, content_type: str) -> Page:
        """Switch the topic of the link off, or on again where the button says so, and return the page about it.

        :param body: ``List-Unsubscribe=One-Click`` of a mail program (RFC 8058), or the form of the page.
        """
        fields = _fields(body, content_type)
        if fields.get("List-Unsubscribe") == "One-Click" or fields.get("action") == "stop":
            return self._answer(token, change=False)
        if fields.get("action") == "resume":
            return self._answer(token, change=True)
        page = self.get(token)
        return attrs.evolve(page, status=400) if page.status == 200 else page

    def _answer(self, token: str, change: bool | None) -> Page:
        about = self.links.read(token)
        if about is None:
            return _both(404, "lost")
        try:
            if change is None:
                known = self.store.get(about.person) or Preferences(about.person)
            else:
                known = self.store.change(
                    about.person, lambda before: before.switch(about.topic, about.channel, on=change)
                )
        except PreferencesUnavailable as error:
            _log.error("preferences could not be read or stored: %s", error)
            return _both(503, "later")
        if change is False and not (about.channel in known.addresses if about.channel else known.addresses):
            _log.warning(
                "a person unsubscribed whose address is not in the stored preferences, so that no message is held back: store "
                "it with store.change"
            )
        return Page(200, _page(about, known, change))


def _page(about: Subscription, known: Preferences, change: bool | None) -> str:
    language = "ar" if (known.language or "").lower().startswith("ar") else "en"
    words = _WORDS[language]
    names = {
        "topic": html.escape(words.get(about.topic, about.topic)),
        "by": words[about.channel.value] if about.channel else "",
    }
    off = known.refuses([about.topic], about.channel) if about.channel else about.topic in known.topics_off
    closed = about.channel in known.channels_off
    state = "closed" if closed and change is not False else "off" if off else "on" if change else "ask"
    button = {"off": "resume", "on": "stop", "ask": "stop", "closed": ""}[state]
    lines = [f"<p>{words[state].format(**names)}</p>"]
    if button:
        lines.append(_FORM.format(value=button, label=words[button]))
    return _written(language, words["title"].format(**names), "\n".join(lines))


def _both(status: int, name: str) -> Page:
    """Return a page in both languages: whose it is is not known."""
    body = f'<p>{_ENGLISH[f"{name}_help"]}</p>\n<div lang="ar" dir="rtl"><h2>{_ARABIC[name]}</h2>'
    body += f"<p>{_ARABIC[f'{name}_help']}</p></div>"
    return Page(status, _written("en", _ENGLISH[name], body))


def _written(language: str, title: str, body: str) -> str:
    direction = "rtl" if language == "ar" else "ltr"
    return _PAGE.format(language=language, direction=direction, title=title, body=body)


def _fields(body: bytes, content_type: str) -> Mapping[str, str]:
    """Return the fields of a form: mail programs post either kind."""
    if len(body) > MAX_BODY:
        return {}
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    head = f"Content-Type: {' '.join(content_type.split())}\r\n\r\n"
    parts = email.message_from_bytes(head.encode("utf-8", "replace") + body).get_payload()
    found = {}
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, str):
            continue
        raw = part.get_payload(decode=True)
        name = part.get_param("name", header="content-disposition")
        if isinstance(raw, bytes) and isinstance(name, str):
            found[name] = raw.decode("utf-8", "replace").strip()
    return found

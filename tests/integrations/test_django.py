"""The app for Django: real Django in this process, real servers in others, and the imitation of the gateway behind them."""

from __future__ import annotations

import collections
import json
import logging
import os
import pathlib
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from notifykit import ConfigError
from notifykit.integrations.delivery_reports import SIGNATURE_HEADER, sign
from notifykit.pipeline.intercept import set_interceptor
from notifykit_kwtsms.sandbox import Rules, Sandbox

django = pytest.importorskip("django", reason='this needs the extra "django"')
pytest.importorskip("dbos", reason='this needs the extra "durable"')

pytestmark = pytest.mark.slow

PROJECT = pathlib.Path(__file__).parent / "django_project"
MOBILE = "96598765432"
OTHER = "96551112222"
SECRET = "a-secret-of-the-reports"


@pytest.fixture(scope="module", autouse=True)
def _django() -> Iterator[None]:
    """Django with the settings of the project, and its tables in memory; afterwards every send is intercepted as before."""
    with pytest.MonkeyPatch.context() as environment:
        environment.syspath_prepend(str(PROJECT))
        environment.setenv("DJANGO_SETTINGS_MODULE", "project.settings")
        before = set_interceptor(None)
        set_interceptor(before)
        levels = logging.root.level
        django.setup(set_prefix=False)
        from django.core.management import call_command

        call_command("migrate", verbosity=0, skip_checks=True)
        yield
        set_interceptor(before)
        logging.root.setLevel(levels)


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("KWTSMS_USERNAME", "test")
    monkeypatch.setenv("KWTSMS_PASSWORD", "test")
    yield
    from notifykit.integrations.django.registry import close_all

    close_all()


@pytest.fixture(name="configure")
def _configure() -> Iterator[Callable[..., None]]:
    """Sets settings of Django for a test: NOTIFYKIT for all of it, or others by their names."""
    from django.test import override_settings

    contexts = []

    def configure(**settings: Any) -> None:
        context = override_settings(**settings)
        context.enable()
        contexts.append(context)

    yield configure
    for context in reversed(contexts):
        context.disable()


@pytest.fixture(name="client")
def _client() -> Any:
    from django.test import Client

    return Client()


@pytest.fixture(name="received")
def _received() -> Iterator[Callable[[Any], list[dict[str, Any]]]]:
    """Connects a receiver to a signal, and gives what it is called with."""
    connected = []

    def connect(signal: Any) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = []

        def receiver(**arguments: Any) -> None:
            calls.append(arguments)

        signal.connect(receiver, weak=False)
        connected.append((signal, receiver))
        return calls

    yield connect
    for source, receiver in connected:
        source.disconnect(receiver)


def problems() -> list[str]:
    from notifykit.integrations.django.checks import check_notifiers

    return [message.id for message in check_notifiers()]


# --- preferences ---


def test_the_store_keeps_changes_finds_and_deletes() -> None:
    """In the site's own database, with the same answers as the other stores."""
    from notifykit.integrations.django.preferences import DjangoPreferences
    from notifykit.models.message import Channel
    from notifykit.people import Preferences

    store = DjangoPreferences()
    known = Preferences("u17", language="ar", topics_off={"marketing"}, quiet="22:00-08:00", addresses={"sms": MOBILE})
    assert store.get("u17") is None
    assert store.find(Channel.SMS, MOBILE) == []
    store.set(known)
    store.set(known)
    assert store.get("u17") == known
    assert store.find(Channel.SMS, MOBILE) == [known]
    assert store.find(Channel.EMAIL, MOBILE) == []
    changed = store.change("u17", lambda before: before.switch("marketing", on=True))
    assert changed == store.get("u17")
    assert store.change("new", lambda before: before.switch("orders", on=False)).topics_off == {"orders"}
    assert store.delete("u17")
    assert not store.delete("u17")
    assert store.delete("new")
    assert store.find(Channel.SMS, MOBILE) == []


def test_a_site_whose_tables_are_missing_sends_nothing_but_security(configure: Any) -> None:
    """The veto says to migrate; afterwards the site goes on."""
    from django.core.management import call_command

    from notifykit.integrations.django import notifiers
    from notifykit.people import Preferences, preferences_of

    configure(NOTIFYKIT={"default": {"TRANSPORT": "memory", "GUARD": {"PREFERENCES": "django"}}})
    options = {"verbosity": 0, "skip_checks": True}
    call_command("migrate", "notifykit", "zero", **options)
    try:
        (receipt,) = notifiers["default"].send(MOBILE, "News", tags="marketing").skipped
        assert receipt.veto is not None
        assert "manage.py migrate" in receipt.veto.action
        assert notifiers["default"].send(MOBILE, "Code", tags="security").accepted
    finally:
        call_command("migrate", "notifykit", **options)
    store = preferences_of(notifiers["default"]).store
    store.set(Preferences("u17", topics_off={"marketing"}, addresses={"sms": MOBILE}))
    assert notifiers["default"].send(MOBILE, "News", tags="marketing").skipped
    store.delete("u17")
    assert notifiers["default"].send(MOBILE, "News", tags="marketing").accepted


def test_the_migrations_are_those_of_the_models() -> None:
    """Else a site would write one into this package."""
    from django.core.management import call_command

    call_command("makemigrations", "notifykit", check=True, dry_run=True, skip_checks=True, verbosity=0)


# --- settings ---


def test_a_notifier_has_the_settings_of_its_name(configure: Any) -> None:
    """OPTIONS are the transport's, other keys are settings by their names; the rest comes from the environment."""
    from notifykit.integrations.django import notifiers

    configure(
        NOTIFYKIT={
            "default": {"TRANSPORT": "kwtsms", "OPTIONS": {"sender": "SHOP", "test": True}, "TIMEOUT": 7},
            "dev": {"TRANSPORT": "memory", "SINKS": [], "DURABLE": {"KEEP_JOBS": 3}},
        }
    )
    assert list(notifiers) == ["default", "dev"]
    assert "sender=SHOP" in str(notifiers["default"].transport)
    assert not notifiers["default"].transport.capabilities.live
    assert notifiers["default"].settings.timeout == 7
    assert notifiers["dev"].settings.sinks == ()
    assert notifiers["dev"].settings.sources.arguments["durable"]["keep_jobs"] == 3
    assert notifiers["default"] is notifiers["default"]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([], "NOTIFYKIT is a dict of dicts"),
        ({"other": {}}, "no notifier"),
        ({"default": {"transport": "memory"}}, "upper case"),
        ({"default": {"OPTIONS": {"sender": "A"}}}, "name the transport too"),
        ({"default": {"TRANSPORT": "memory", "OPTIONS": "sender"}}, "OPTIONS is a dict"),
    ],
)
def test_a_table_that_is_none_is_an_error(configure: Any, table: Any, words: str) -> None:
    """Both where the notifier is used and in the checks."""
    from notifykit.integrations.django import notifiers

    configure(NOTIFYKIT=table)
    with pytest.raises(ConfigError, match=words):
        notifiers["default"].plan(MOBILE, "Hello")
    assert problems() == ["notifykit.E001"]


def test_without_the_setting_there_is_what_the_environment_says(configure: Any) -> None:
    """NOTIFYKIT can be left out."""
    from notifykit.integrations.django import notifiers

    configure(NOTIFYKIT=None)
    assert notifiers["default"].transport.name == "kwtsms"


def test_each_notifier_has_jobs_of_its_own(configure: Any) -> None:
    """A worker sends what it finds through its own transport: it must find none of another notifier."""
    from notifykit.integrations.django import notifiers, submit

    configure(NOTIFYKIT={"default": {"TRANSPORT": "memory"}, "other": {"TRANSPORT": "memory"}})
    for alias in notifiers:
        submit(MOBILE, "Hello", using=alias, key=f"of-{alias}")
    assert notifiers["default"].job("of-default").wait(timeout=30).accepted == 1
    # A process sends the jobs of one database: those of the others wait for `notify_worker --using`.
    assert "sends no jobs" in str(notifiers["other"].idle_reason())
    assert [[job.key for job in notifiers[alias].jobs()] for alias in notifiers] == [["of-default"], ["of-other"]]
    shared = {"TRANSPORT": "memory", "DURABLE": {"DATABASE_URL": "sqlite:////tmp/one.sqlite3"}}
    configure(NOTIFYKIT={"default": shared, "other": shared})
    assert problems() == ["notifykit.E001"]


# --- checks ---


def test_every_problem_is_reported_at_once(configure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every notifier, and no value is repeated."""
    from notifykit.integrations.django.checks import check_notifiers

    monkeypatch.delenv("KWTSMS_PASSWORD")
    configure(
        NOTIFYKIT={
            "default": {"TRANSPORT": "kwtsms", "TIMEOUT": "long", "DEADLINES": 1},
            "pigeons": {"TRANSPORT": "carrier-pigeon"},
        }
    )
    found = check_notifiers()
    assert [message.id for message in found] == ["notifykit.E002"] * 4
    text = " ".join(message.msg for message in found)
    assert all(word in text for word in ("timeout", "deadlines", "KWTSMS_PASSWORD", "carrier-pigeon", "'pigeons'"))


def test_live_with_debug_and_a_promotional_sender_are_warnings(configure: Any) -> None:
    """Where it is a test, or debugging is off and the sender is one's own, there is nothing to say."""
    live = {"default": {"TRANSPORT": "kwtsms", "OPTIONS": {"sender": "MY-APP", "test": False}}}
    configure(NOTIFYKIT=live)
    assert problems() == []
    configure(DEBUG=True)
    assert problems() == ["notifykit.W001"]
    configure(NOTIFYKIT={"default": {"TRANSPORT": "kwtsms", "OPTIONS": {"test": False}}}, DEBUG=False)
    assert problems() == ["notifykit.W003"]
    configure(NOTIFYKIT={"default": {"TRANSPORT": "kwtsms", "OPTIONS": {"test": True}}}, DEBUG=True)
    assert problems() == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"TRANSPORT": "kwtsms://user:hunter22@default?test=1"}', ["notifykit.W002"]),
        ('{"TRANSPORT": "kwtsms", "OPTIONS": {"password": "hunter22"}}', ["notifykit.W002"]),
        ('{"TRANSPORT": "kwtsms", "OPTIONS": {"password": os.environ["KWTSMS_PASSWORD"]}}', []),
        ('{"TRANSPORT": "memory", "REPORTS_SECRET": "written-down-here"}', ["notifykit.W002"]),
        ('{"TRANSPORT": "memory", "REPORTS_SECRET": "short"}', ["notifykit.E001", "notifykit.W002"]),
    ],
)
def test_a_password_in_the_settings_file_is_a_warning(tmp_path: pathlib.Path, line: str, found: list[str]) -> None:
    """It is looked for in the file itself, so that one which comes from the environment is none."""
    (tmp_path / "check_settings.py").write_text(
        "import os\n"
        'INSTALLED_APPS = ["notifykit.integrations.django", "django.contrib.contenttypes"]\n'
        f'SECRET_KEY = "x"\nNOTIFYKIT = {{"default": {line}}}\n',
        encoding="utf-8",
    )
    done = run_django("check", folder=tmp_path, DJANGO_SETTINGS_MODULE="check_settings", KWTSMS_PASSWORD="hunter22")
    assert sorted(re.findall(r"notifykit\.[EW]\d+", done.stderr)) == found
    assert "hunter22" not in done.stderr + done.stdout


# --- sending ---


def test_views_send_and_receivers_know_of_it(sms_sandbox: Any, configure: Any, client: Any, received: Any) -> None:
    """Through the real transport; the signal comes in the request, and counts each recipient once."""
    from notifykit.integrations.django import message_sent

    configure(NOTIFYKIT={"default": {"TRANSPORT": sandbox_dsn(sms_sandbox)}})
    events = received(message_sent)
    assert client.post("/send", {"to": f"{MOBILE},call me", "text": "Hello"}).json()["outcomes"] == [
        "accepted",
        "rejected",
    ]
    assert [message.to for message in sms_sandbox.messages] == [MOBILE]
    total: collections.Counter[str] = collections.Counter()
    for call in events:
        assert call["sender"] == "default"
        total.update({outcome: count for (outcome, _), count in call["event"].counts.items()})
    assert total == {"accepted": 1, "rejected": 1}
    assert MOBILE not in repr(events)


def test_a_receiver_that_raises_changes_nothing(notify_outbox: Any, client: Any, caplog: Any) -> None:
    """Django logs what it raised."""
    from notifykit.integrations.django import message_sent

    def broken(**_: Any) -> None:
        raise RuntimeError("a mistake of the site")

    message_sent.connect(broken)
    try:
        assert client.post("/send", {"to": MOBILE, "text": "Hello"}).json()["outcomes"] == ["accepted"]
    finally:
        message_sent.disconnect(broken)
    assert "a mistake of the site" in caplog.text
    assert MOBILE not in caplog.text


# --- on commit ---


def test_what_is_committed_is_sent_and_what_is_rolled_back_is_not(
    notify_outbox: Any, client: Any, received: Any
) -> None:
    """The signal has the report."""
    from notifykit.integrations.django import on_commit_finished

    calls = received(on_commit_finished)
    assert client.post("/order", {"to": MOBILE, "fail": "1"}).json() == {"confirmed": False}
    notify_outbox.assert_none()
    assert not calls
    assert client.post("/order", {"to": MOBILE}).json() == {"confirmed": True}
    notify_outbox.one(to=MOBILE, tags="order")
    (call,) = calls
    assert (call["tags"], len(call["report"].accepted), call["error"]) == (("order",), 1, None)


def test_nothing_breaks_the_request_after_the_commit(
    notify_outbox: Any, notify_script: Any, client: Any, received: Any, caplog: Any
) -> None:
    """A rejection, a lost answer, and an error of the call itself: each is logged without a number, and the signal has it."""
    from django.db import transaction

    from notifykit.integrations.django import notify_on_commit, on_commit_finished

    calls = received(on_commit_finished)
    notify_script.sequence("ERR010", "unknown")
    assert client.post("/order", {"to": MOBILE}).status_code == 200
    assert client.post("/order", {"to": OTHER}).status_code == 200
    with transaction.atomic():
        notify_on_commit(MOBILE, "Hello", tags="broken", channel="pigeon")
    assert [len(call["report"].unknown) for call in calls[:2]] == [0, 1]
    assert isinstance(calls[2]["error"], ValueError)
    assert "ERR010" in caplog.text
    assert "may have been sent, and are not sent again" in caplog.text
    assert MOBILE not in caplog.text


def test_a_key_makes_it_a_job_that_is_sent_once(notify_outbox: Any, received: Any) -> None:
    """However often it is submitted."""
    from django.db import transaction

    from notifykit.integrations.django import notifiers, notify_on_commit, on_commit_finished

    calls = received(on_commit_finished)
    for _ in range(2):
        with transaction.atomic():
            notify_on_commit(MOBILE, "Order 17 is confirmed.", key="order-17")
    assert [call["job"].key for call in calls] == ["order-17", "order-17"]
    assert notifiers["default"].job("order-17").wait(timeout=30).accepted == 1
    notify_outbox.assert_count(1)


def test_what_is_wrong_with_the_call_is_raised_in_it(configure: Any) -> None:
    """Where it can still be seen: before the commit."""
    from django.db import transaction

    from notifykit.integrations.django import notify_on_commit

    with transaction.atomic():
        with pytest.raises(ConfigError, match="no notifier 'nobody'"):
            notify_on_commit(MOBILE, "Hello", using="nobody")
        with pytest.raises(TypeError, match="text is a int"):
            notify_on_commit(MOBILE, 17)  # type: ignore[arg-type]


# --- e-mail ---


def backend(**options: Any) -> Any:
    from notifykit.integrations.django.mail import EmailBackend

    return EmailBackend(**options)


def email(*to: str, **more: Any) -> Any:
    from django.core.mail import EmailMessage

    return EmailMessage("Order 17", "It is confirmed.", to=to, **more)


def test_mail_has_its_subject_body_and_recipients(notify_outbox: Any) -> None:
    """Cc and Bcc are recipients too, each with a message of their own."""
    assert backend().send_messages([email("a@b.example", cc=["c@d.example"], bcc=["e@f.example"])]) == 1
    assert sorted(message.to for message in notify_outbox) == ["a@b.example", "c@d.example", "e@f.example"]
    message = notify_outbox.one(to="a@b.example")
    assert (message.subject, message.text, message.channel) == ("Order 17", "It is confirmed.", "email")


def test_mail_that_can_t_be_carried_is_an_error_before_anything_is_sent(notify_outbox: Any) -> None:
    """Everything that is wrong with all of them, at once."""
    from django.core.mail import EmailMultiAlternatives

    from notifykit.integrations.django.mail import UnsupportedEmail

    attached = email("a@b.example", reply_to=["r@b.example"], headers={"X-Priority": "1"}, from_email="me@b.example")
    attached.attach("a.txt", "text")
    html = EmailMultiAlternatives("Order", "text", to=["a@b.example"])
    html.attach_alternative("<b>text</b>", "text/html")
    only_html = email("a@b.example")
    only_html.content_subtype = "html"
    with pytest.raises(UnsupportedEmail) as raised:
        backend().send_messages([email("a@b.example"), attached, html, only_html])
    assert len(raised.value.problems) == 6
    notify_outbox.assert_none()
    assert backend(fail_silently=True).send_messages([only_html]) == 0


def test_mail_that_is_not_accepted_is_an_error_with_the_receipts(notify_outbox: Any, notify_script: Any) -> None:
    """The others are sent all the same; fail_silently returns how many were."""
    from notifykit.integrations.django.mail import EmailNotSent

    with pytest.raises(EmailNotSent, match="1 were not sent") as raised:
        backend().send_messages([email("nobody"), email("a@b.example")])
    assert "nobody" not in str(raised.value)
    notify_outbox.assert_count(1)
    assert backend(fail_silently=True).send_messages([email("nobody"), email("c@d.example")]) == 1
    notify_script.unknown()
    with pytest.raises(EmailNotSent, match="do not send them again"):
        backend().send_messages([email("e@f.example")])


def test_django_s_own_functions_send_through_it(notify_outbox: Any, configure: Any) -> None:
    """By the setting that this Django has: MAILERS from 6.1 on, EMAIL_BACKEND before."""
    from django.core.mail import send_mail

    path = "notifykit.integrations.django.mail.EmailBackend"
    if django.VERSION >= (6, 1):
        configure(MAILERS={"default": {"BACKEND": path, "OPTIONS": {"using": "email"}}})
    else:
        configure(EMAIL_BACKEND=path)
    assert send_mail("Order 17", "It is confirmed.", None, ["a@b.example"]) == 1
    assert notify_outbox.one(to="a@b.example").subject == "Order 17"


# --- delivery reports ---

REPORT = {"msg-id": "m-1", "mobile": MOBILE, "status": "delivered"}


@pytest.fixture(name="reports")
def _reports(configure: Any) -> None:
    configure(NOTIFYKIT={"default": {"TRANSPORT": "memory", "REPORTS_SECRET": SECRET}})


def post(client: Any, path: str = "/reports", body: Any = None, **headers: str) -> Any:
    raw = json.dumps(REPORT if body is None else body).encode()
    return client.post(path, raw, content_type="application/json", headers=headers)


@pytest.mark.usefixtures("reports")
def test_a_signed_report_is_recorded_and_announced_once(client: Any, received: Any) -> None:
    """Posted again, it says nothing new."""
    from notifykit.integrations.django import delivery_changed

    calls = received(delivery_changed)
    signature = sign(json.dumps(REPORT).encode(), SECRET)
    for _ in range(2):
        assert post(client, **{SIGNATURE_HEADER: signature}).status_code == 204
    (call,) = calls
    assert (call["sender"], call["event"].message_id, call["event"].state) == ("default", "m-1", "delivered")
    assert MOBILE not in repr(call)


@pytest.mark.usefixtures("reports")
def test_the_secret_in_the_path_is_a_proof_too(client: Any) -> None:
    """For providers that can't sign. It needs no token against forgery either."""
    from django.test import Client

    assert post(Client(enforce_csrf_checks=True), f"/reports/{SECRET}").status_code == 204
    form = urllib.parse.urlencode({**REPORT, "msg-id": "m-2"})
    answer = client.post(f"/reports/{SECRET}", form, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 204


@pytest.mark.usefixtures("reports")
@pytest.mark.parametrize(
    ("path", "headers", "body", "status"),
    [
        ("/reports", {}, None, 404),
        ("/reports/wrong", {}, None, 404),
        ("/reports", {SIGNATURE_HEADER: "t=1,v1=00"}, None, 404),
        (f"/reports/{SECRET}", {}, [], 400),
        (f"/reports/{SECRET}", {}, {"status": "delivered"}, 400),
        (f"/reports/{SECRET}", {}, "x" * 70_000, 413),
    ],
)
def test_other_reports_are_refused(
    client: Any,
    received: Any,
    path: str,
    headers: dict[str, str],
    body: Any,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing is recorded, and neither the answer nor a log has the secret of the path."""
    from notifykit.integrations.django import delivery_changed

    calls = received(delivery_changed)
    answer = post(client, path, body, **headers)
    assert answer.status_code == status
    assert SECRET not in answer.content.decode()
    assert SECRET not in caplog.text
    assert str(status) in caplog.text
    assert not calls


@pytest.mark.usefixtures("reports")
def test_reports_are_posted(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Who asks with another method learns that, and nothing else."""
    answer = client.get(f"/reports/{SECRET}")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert SECRET not in caplog.text


def test_without_a_secret_there_is_nothing(client: Any, configure: Any) -> None:
    """An empty secret in the path proves nothing."""
    configure(NOTIFYKIT={"default": {"TRANSPORT": "memory"}})
    assert post(client).status_code == 404
    assert post(client, "/reports/x").status_code == 404


# --- the page ---


@pytest.fixture(name="people")
def _people() -> Iterator[Callable[..., Any]]:
    """Logs a person in: staff with or without the permission."""
    from django.contrib.auth.models import Permission, User
    from django.test import Client

    def log_in(*, allowed: bool) -> Any:
        user = User.objects.create_user(f"user-{allowed}", password="x", is_staff=True)
        if allowed:
            user.user_permissions.add(Permission.objects.get(codename="view_notification"))
        client = Client()
        client.force_login(user)
        return client

    yield log_in
    User.objects.all().delete()


PAGE = "/admin/notifykit/notification/"


def test_the_page_shows_jobs_and_codes_and_no_number(notify_outbox: Any, people: Any, client: Any) -> None:
    """To staff with the permission."""
    from notifykit.integrations.django import notifiers, submit

    submit(MOBILE, "Order 17 is confirmed.", key="order-17")
    notifiers["default"].job("order-17").wait(timeout=30)
    client.post("/code", {"to": MOBILE})
    staff = people(allowed=True)
    page = staff.get(PAGE).content.decode()
    assert "order-17" in page
    assert MOBILE[:8] in page
    assert MOBILE not in page
    assert notify_outbox.otp() not in page
    assert "confirmed." not in page
    assert PAGE in staff.get("/admin/").content.decode()
    assert staff.get("/admin/notifykit/").status_code == 200


def test_the_page_is_read_only_and_not_for_others(people: Any, client: Any) -> None:
    """Others do not see that it is there; nobody can add, change or delete."""
    staff, others = people(allowed=True), people(allowed=False)
    assert client.get(PAGE).status_code == 302
    assert others.get(PAGE).status_code == 403
    assert PAGE not in others.get("/admin/").content.decode()
    for path in ("add/", "1/change/", "1/delete/", "1/history/"):
        assert staff.get(PAGE + path).status_code == 404


def test_the_page_says_what_can_t_be_read(people: Any, configure: Any) -> None:
    """The other notifiers are shown, and nothing of an address is."""
    configure(
        NOTIFYKIT={
            "default": {"TRANSPORT": "carrier-pigeon"},
            "stored": {"TRANSPORT": "memory", "DURABLE": {"DATABASE_URL": "postgresql://me:hunter22@127.0.0.1:1/x"}},
        }
    )
    answer = people(allowed=True).get(PAGE)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "carrier-pigeon" in page
    assert "The jobs can" in page
    assert "hunter22" not in page


# --- commands ---


def run_django(*words: str, folder: pathlib.Path = PROJECT, **environment: str) -> subprocess.CompletedProcess[str]:
    of_the_run = ("NOTIFYKIT_INTERCEPTOR", "NOTIFYKIT_OWNER", "NOTIFYKIT_TESTING")
    variables = {name: value for name, value in os.environ.items() if name not in of_the_run}
    return subprocess.run(
        [sys.executable, "-m", "django", *words],
        cwd=folder,
        env={"DJANGO_SETTINGS_MODULE": "project.settings", **variables, "PYTHONPATH": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def sandbox_dsn(sandbox: Any) -> str:
    user, password = sandbox.env["KWTSMS_USERNAME"], sandbox.env["KWTSMS_PASSWORD"]
    base = urllib.parse.quote(sandbox.env["KWTSMS_BASE_URL"], safe="")
    return f"kwtsms://{user}:{password}@default?test=0&sender=MY-APP&base_url={base}"


def test_notify_send_has_the_output_and_exit_codes_of_notifykit(sms_sandbox: Any) -> None:
    """With the settings of Django: the sender is theirs."""
    done = run_django("notify_send", MOBILE, "Hello", "--json", "--yes", **sms_sandbox.env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["command"] == "send"
    (message,) = sms_sandbox.messages
    assert (message.to, message.sender, message.text) == (MOBILE, "MY-APP", "Hello")
    assert run_django("notify_send", "call me", "Hello", "--yes", **sms_sandbox.env).returncode == 1
    assert run_django("notify_send", MOBILE, **sms_sandbox.env).returncode == 2
    assert "NOTIFYKIT has no notifier 'nobody'" in run_django("notify_send", "--using=nobody", MOBILE, "Hello").stderr


def test_notify_doctor_says_what_is_wrong_instead_of_the_checks() -> None:
    """A command that looks for what is wrong must start where something is."""
    done = run_django("notify_doctor", "--json", KWTSMS_PASSWORD="")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert any("KWTSMS_PASSWORD" in check["found"] for check in document["data"])


def test_commands_can_be_called(capsys: pytest.CaptureFixture[str], notify_outbox: Any) -> None:
    """From code, with other streams, and with another notifier."""
    import io

    from django.core.management import call_command

    stream = io.StringIO()
    call_command("notify_send", "a@b.example", "Hello", "--channel", "email", "--yes", using="email", stdout=stream)
    assert "accepted" in stream.getvalue()
    assert capsys.readouterr().out == ""
    notify_outbox.one(to="a@b.example", channel="email")
    with pytest.raises(SystemExit) as ended:
        call_command("notify_send", "call me", "Hello", "--yes")
    assert ended.value.code == 1


def test_notify_worker_sends_what_web_processes_submit(sms_sandbox: Any, tmp_path: pathlib.Path) -> None:
    """And ends in order."""
    environment = {**sms_sandbox.env, "SITE_WORKERS": "separate", "NOTIFYKIT_STATE_DIR": str(tmp_path)}
    code = "from notifykit.integrations.django import submit; submit('96598765432', 'Hello', key='one')"
    assert run_django("shell", "-c", code, **environment).returncode == 0
    assert not sms_sandbox.messages
    with server([sys.executable, "-m", "django", "notify_worker"], environment) as worker:
        assert sms_sandbox.wait(to=MOBILE, timeout=240).sender == "MY-APP"
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(120) == 0


@pytest.mark.parametrize("parallel", [(), ("--parallel", "2")], ids=["one process", "parallel"])
def test_tests_of_a_site_send_nothing(parallel: tuple[str, ...]) -> None:
    """`manage.py test` without an account: the client, on commit, jobs, codes and a notifier of one's own."""
    done = run_django("test", "project", *parallel, KWTSMS_USERNAME="", KWTSMS_PASSWORD="")
    assert done.returncode == 0, done.stderr
    assert re.search(r"Ran 6 tests", done.stderr)


# --- servers ---


class server:
    """A process that a test started; it is ended with it."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        of_the_run = ("NOTIFYKIT_INTERCEPTOR", "NOTIFYKIT_OWNER", "NOTIFYKIT_TESTING")
        variables = {name: value for name, value in os.environ.items() if name not in of_the_run}
        self.process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**variables, "PYTHONPATH": str(PROJECT), "DJANGO_SETTINGS_MODULE": "project.settings", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> subprocess.Popen[str]:
        return self.process

    def __exit__(self, *exc_info: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(120)
        assert self.process.stdout is not None
        self.process.stdout.close()


def address_of(process: subprocess.Popen[str], pattern: str) -> str:
    """Return the address that a server prints once it listens."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError("".join(lines))


def ask(url: str, fields: dict[str, str] | bytes, **headers: str) -> tuple[int, Any]:
    body = fields if isinstance(fields, bytes) else urllib.parse.urlencode(fields).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=240) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture(name="gateway")
def _gateway() -> Iterator[Sandbox]:
    with Sandbox(rules=Rules(rate_limit=None)) as sandbox:
        yield sandbox


def check_site(url: str, gateway: Sandbox, written: pathlib.Path, count: int) -> dict[int, set[int]]:
    """Ask a running site for everything, and return the notifiers of each of its processes."""
    notifiers: dict[int, set[int]] = collections.defaultdict(set)
    numbers = [f"9659{place:07}" for place in range(count)]
    for number in numbers:
        status, answer = ask(f"{url}/send", {"to": number, "text": "Hello"})
        assert (status, answer["outcomes"]) == (200, ["accepted"])
        notifiers[answer["pid"]].add(answer["notifier"])
    assert sorted(message.to for message in gateway.messages) == numbers
    report = json.dumps(REPORT).encode()
    assert ask(f"{url}/reports", report, **{"Content-Type": "application/json"})[0] == 404
    signed = {"Content-Type": "application/json", SIGNATURE_HEADER: sign(report, SECRET)}
    assert ask(f"{url}/reports", report, **signed)[0] == 204
    assert written.read_text("utf-8") == "default m-1 delivered\n"
    return notifiers


def site_environment(gateway: Sandbox, tmp_path: pathlib.Path) -> dict[str, str]:
    return {
        **gateway.env,
        "SITE_REPORTS_SECRET": SECRET,
        "SITE_REPORTS": str(tmp_path / "reports.txt"),
        "SITE_DATABASE": str(tmp_path / "site.sqlite3"),
        "NOTIFYKIT_STATE_DIR": str(tmp_path / "state"),
        "PYTHONUNBUFFERED": "1",
        "KWTSMS_RATE": "4",
    }


def test_each_request_to_runserver_is_one_message(gateway: Sandbox, tmp_path: pathlib.Path) -> None:
    """One notifier for all threads of its one process."""
    environment = site_environment(gateway, tmp_path)
    command = [sys.executable, "-m", "django", "runserver", "--noreload", "--skip-checks", f"127.0.0.1:{free_port()}"]
    with server(command, environment) as process:
        url = address_of(process, r"(http://127\.0\.0\.1:\d+)")
        notifiers = check_site(url, gateway, tmp_path / "reports.txt", 5)
    assert [len(found) for found in notifiers.values()] == [1]


@pytest.mark.parametrize("eager", ["0", "1"])
def test_each_worker_of_gunicorn_has_one_notifier(gateway: Sandbox, tmp_path: pathlib.Path, eager: str) -> None:
    """Also where the site is loaded, and its notifier used, before the server forks."""
    pytest.importorskip("gunicorn", reason="gunicorn is in the dependency group `examples`")
    environment = {**site_environment(gateway, tmp_path), "SITE_EAGER": eager}
    preload = ["--preload"] if eager == "1" else []
    command = [sys.executable, "-m", "gunicorn", "--workers=4", *preload, "--bind=127.0.0.1:0", "project.wsgi"]
    with server(command, environment) as process:
        url = address_of(process, r"Listening at: (http://127\.0\.0\.1:\d+)")
        notifiers = check_site(url, gateway, tmp_path / "reports.txt", 24)
        process.terminate()
        assert process.wait(240) == 0
    assert all(len(found) == 1 for found in notifiers.values())
    assert process.pid not in notifiers
    assert 2 <= len(notifiers) <= 4


def free_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])

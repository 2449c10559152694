"""Tests of the site, as its author writes them; the tests of notifykit run them with `manage.py test`."""

from django.core import mail
from django.test import TestCase

from notifykit import Notifier
from notifykit.integrations.django import notifiers, submit
from notifykit.testing import NotifyTestCase

MOBILE = "96598765432"


class WithoutAnOutboxTests(TestCase):
    def test_nothing_leaves_and_everything_is_accepted(self):
        answer = self.client.post("/send", {"to": MOBILE, "text": "Hello"}).json()
        assert answer["outcomes"] == ["accepted"]
        assert notifiers["default"].transport.name == "memory"
        assert notifiers["default"].send("call me", "Hello").rejected

    def test_a_notifier_of_ones_own_stays_in_memory_too(self):
        with Notifier("kwtsms://user:password@default?test=0&sender=MY-APP") as notifier:
            assert notifier.send(MOBILE, "Hello").accepted

    def test_jobs_are_those_of_the_tests(self):
        assert submit(MOBILE, "Hello", key="of-a-test").wait(timeout=20).accepted == 1
        assert [job.key for job in notifiers["default"].jobs()] == ["of-a-test"]

    def test_mail_is_django_s(self):
        self.client.post("/mail", {"to": "a@b.example"})
        assert len(mail.outbox) == 1


class WithAnOutboxTests(NotifyTestCase, TestCase):
    def test_the_outbox_has_what_the_site_sends(self):
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post("/order", {"to": MOBILE})
            self.outbox.assert_none()
        assert self.outbox.one(to=MOBILE, tags="order").segments == 1

    def test_the_outbox_is_empty_for_each_test(self):
        self.client.post("/code", {"to": MOBILE})
        assert self.outbox.one(to=MOBILE).otp

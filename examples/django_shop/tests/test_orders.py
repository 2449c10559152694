"""Confirming an order: the user gets a message when it is committed, once, and none for what was rolled back."""

from django.test import TestCase

from notifykit.integrations.django import notifiers
from notifykit.testing import NotifyTestCase
from shop.models import Order

MOBILE = "96598765432"
OTHER = "96551112222"


class ConfirmTests(NotifyTestCase, TestCase):
    """A user who is logged in has an order."""

    def setUp(self):
        self.log_in(MOBILE)

    def log_in(self, mobile):
        self.client.post("/code", {"mobile": mobile})
        self.client.post("/login", {"code": self.outbox.otp(to=mobile)})

    def confirm(self, order):
        return self.client.post(f"/orders/{order.number}/confirm")

    def test_it_is_sent_on_commit_and_once(self):
        order = Order.objects.create(number=17, mobile=MOBILE)
        with self.captureOnCommitCallbacks(execute=True) as committed:
            assert self.confirm(order).context["message"] == "Order 17 is confirmed."
            self.outbox.assert_none(tags="order")
        assert len(committed) == 1

        self.outbox.wait(to=MOBILE, text="Order 17 is confirmed.", tags="order")
        with self.captureOnCommitCallbacks(execute=True):
            self.confirm(order)
        assert notifiers["default"].job("order-17").wait(timeout=10).accepted == 1
        self.outbox.assert_count(1, tags="order")

    def test_what_is_not_committed_is_not_sent(self):
        order = Order.objects.create(number=18, mobile=MOBILE)
        with self.captureOnCommitCallbacks():
            self.confirm(order)
        assert "order-18" not in [job.key for job in notifiers["default"].jobs()]

    def test_an_answer_that_was_lost_is_not_sent_again(self):
        # Another user: jobs leave fifteen seconds between two messages to one number.
        self.log_in(OTHER)
        order = Order.objects.create(number=19, mobile=OTHER)
        self.script.unknown()
        with self.captureOnCommitCallbacks(execute=True):
            self.confirm(order)
        progress = notifiers["default"].job("order-19").wait(timeout=10)
        assert (progress.unknown, progress.left) == (1, 0)
        assert len(self.outbox.unknown) == 1
        self.outbox.assert_none(tags="order")

    def test_people_see_their_own_orders(self):
        Order.objects.create(number=21, mobile=MOBILE)
        Order.objects.create(number=22, mobile=OTHER)
        page = self.client.get("/")
        self.assertContains(page, "Confirm order 21")
        self.assertNotContains(page, "order 22")

    def test_an_order_of_another_user_is_not_there(self):
        order = Order.objects.create(number=20, mobile=OTHER)
        with self.captureOnCommitCallbacks(execute=True) as committed:
            assert self.confirm(order).status_code == 404
        assert committed == []
        order.refresh_from_db()
        assert order.confirmed is None

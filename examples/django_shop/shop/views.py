"""Logging in with a one-time code, and confirming an order."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from notifykit.integrations.django import notify_on_commit, verifiers
from shop.models import Order
from shop.notify import explain


def index(request: HttpRequest, message: str = "", status: int = 200) -> HttpResponse:
    """Show the shop's only page, and say what happened."""
    mobile = request.session.get("mobile")
    orders = Order.objects.filter(mobile=mobile, confirmed=None) if mobile else ()
    return render(request, "shop/index.html", {"message": message, "mobile": mobile, "orders": orders}, status=status)


@require_POST
def send_code(request: HttpRequest) -> HttpResponse:
    """Send a code to who wants to log in."""
    started = verifiers["default"].start(request.POST.get("mobile", ""), client=request.META["REMOTE_ADDR"])
    if started.status in ("sent", "unknown"):
        request.session["asked"] = started.receipt.to
    status, message = explain(started)
    return index(request, message, status)


@require_POST
def log_in(request: HttpRequest) -> HttpResponse:
    """Log the user in who types the code that was sent."""
    asked = request.session.get("asked")
    if asked is None or not verifiers["default"].check(asked, request.POST.get("code", "")).ok:
        return index(request, "That is not the code. Check it, or ask for another.", 403)
    request.session.flush()
    request.session["mobile"] = asked
    return index(request, "Welcome.")


@require_POST
def confirm(request: HttpRequest, number: int) -> HttpResponse:
    """Confirm an order of the user who is logged in, and send a message once that is committed."""
    with transaction.atomic():
        orders = Order.objects.select_for_update().filter(mobile=request.session.get("mobile"))
        order = get_object_or_404(orders, number=number)
        order.confirm()
        # Under a key it is stored and sent once, however often the order is confirmed.
        notify_on_commit(
            order.mobile, f"Order {order.number} is confirmed.", key=f"order-{order.number}", tags=["order"]
        )
    return index(request, f"Order {order.number} is confirmed.")

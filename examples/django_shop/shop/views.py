"""Logging in with a one-time code, and confirming an order."""

import functools

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from shop import codes, notify
from shop.models import Order


def index(request: HttpRequest, message: str = "", status: int = 200) -> HttpResponse:
    """Show the shop's only page, and say what happened."""
    mobile = request.session.get("mobile")
    orders = Order.objects.filter(mobile=mobile, confirmed=None) if mobile else ()
    return render(request, "shop/index.html", {"message": message, "mobile": mobile, "orders": orders}, status=status)


@require_POST
def send_code(request: HttpRequest) -> HttpResponse:
    """Send a code to who wants to log in."""
    code, receipt = notify.send_code(request.POST.get("mobile", ""))
    if receipt.outcome in ("accepted", "unknown"):
        request.session["asked"] = {"mobile": receipt.to, "ticket": codes.keep(code)}
    status, message = notify.explain(receipt)
    return index(request, message, status)


@require_POST
def log_in(request: HttpRequest) -> HttpResponse:
    """Log the user in who types the code that was sent."""
    asked = request.session.get("asked")
    if asked is None or not codes.take(asked["ticket"], request.POST.get("code", "")):
        return index(request, "That is not the code. Check it, or ask for another.", 403)
    request.session.flush()
    request.session["mobile"] = asked["mobile"]
    return index(request, "Welcome.")


@require_POST
def confirm(request: HttpRequest, number: int) -> HttpResponse:
    """Confirm an order of the user who is logged in, and send a message once that is committed."""
    with transaction.atomic():
        orders = Order.objects.select_for_update().filter(mobile=request.session.get("mobile"))
        order = get_object_or_404(orders, number=number)
        order.confirm()
        # A message about an order that is rolled back would be worse than none.
        transaction.on_commit(functools.partial(notify.confirmed, order))
    return index(request, f"Order {order.number} is confirmed.")

"""Views that send in every way."""

import os

from django.conf import settings
from django.contrib import admin
from django.core.mail import EmailMessage, send_mail
from django.db import transaction
from django.dispatch import receiver
from django.http import JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from notifykit.integrations.django import delivery_changed, notifiers, notify_on_commit, send, verifiers
from notifykit.integrations.django.mail import EmailNotSent
from notifykit.integrations.django.views import delivery_report_view, unsubscribe_view
from notifykit.people import Preferences, preferences_of
from notifykit_kwtsms import delivery_report


@receiver(delivery_changed)
def write_down(sender, event, **kwargs):
    with settings.REPORTS.open("a", encoding="utf-8") as file:
        file.write(f"{sender} {event.message_id} {event.state}\n")


def answer(report):
    outcomes = [receipt.outcome for receipt in report.receipts]
    return JsonResponse({"outcomes": outcomes, "pid": os.getpid(), "notifier": id(notifiers["default"])})


@csrf_exempt
def send_now(request):
    return answer(send(request.POST["to"], request.POST["text"]))


@csrf_exempt
def send_code(request):
    return JsonResponse({"status": verifiers["default"].start(request.POST["to"]).status})


@csrf_exempt
def order(request):
    with transaction.atomic():
        notify_on_commit(request.POST["to"], "Order 17 is confirmed.", tags="order")
        if request.POST.get("fail"):
            transaction.set_rollback(True)
    return JsonResponse({"confirmed": not request.POST.get("fail")})


@csrf_exempt
def mail(request):
    return JsonResponse({"sent": send_mail("Order 17", "It is confirmed.", None, [request.POST["to"]])})


@csrf_exempt
def campaign(request):
    """Send marketing through Django's mail, to a person whose address is stored."""
    to = request.POST["to"]
    preferences_of(notifiers["email"]).store.set(Preferences("u17", language="ar", addresses={"email": to}))
    return _news(to)


@csrf_exempt
def news(request):
    return _news(request.POST["to"])


def _news(to):
    mail = EmailMessage("News", "We open at nine.", None, [to])
    mail.tags = ["marketing"]
    try:
        return JsonResponse({"sent": mail.send()})
    except EmailNotSent as error:
        return JsonResponse({"sent": 0, "guards": [receipt.veto.guard for receipt in error.receipts]})


reports = delivery_report_view(delivery_report)

urlpatterns = [
    path("send", send_now),
    path("code", send_code),
    path("order", order),
    path("mail", mail),
    path("campaign", campaign),
    path("news", news),
    path("unsubscribe/<str:token>", unsubscribe_view(using="email")),
    path("reports", reports),
    path("reports/<str:secret>", reports),
    path("admin/", admin.site.urls),
]

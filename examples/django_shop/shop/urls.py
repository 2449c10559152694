"""Where what is."""

from django.urls import path

from notifykit.integrations.django.views import delivery_report_view
from notifykit_kwtsms import delivery_report
from shop import views

reports = delivery_report_view(delivery_report)

urlpatterns = [
    path("", views.index, name="index"),
    path("code", views.send_code, name="code"),
    path("login", views.log_in, name="login"),
    path("orders/<int:number>/confirm", views.confirm, name="confirm"),
    path("reports/<str:secret>", reports),
]

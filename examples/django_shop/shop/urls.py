"""Where what is."""

from django.urls import path

from shop import views

urlpatterns = [
    path("", views.index, name="index"),
    path("code", views.send_code, name="code"),
    path("login", views.log_in, name="login"),
    path("orders/<int:number>/confirm", views.confirm, name="confirm"),
]

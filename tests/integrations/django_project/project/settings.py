"""Settings of a site that sends; the tests say by the environment what differs."""

import os
import pathlib

import django

DEBUG = os.environ.get("SITE_DEBUG") == "1"
SECRET_KEY = "of-the-tests"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "notifykit.integrations.django",
    "project",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("SITE_DATABASE", ":memory:")}}
STATIC_URL = "static/"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": "notifykit.integrations.django.mail.EmailBackend", "OPTIONS": {"using": "email"}}}
else:
    EMAIL_BACKEND = "notifykit.integrations.django.mail.EmailBackend"
REPORTS = pathlib.Path(os.environ.get("SITE_REPORTS", os.devnull))

NOTIFYKIT = {
    "default": {
        "TRANSPORT": "kwtsms",
        "OPTIONS": {"sender": "MY-APP", "test": False},
        "DURABLE": {"WORKERS": os.environ.get("SITE_WORKERS", "embedded")},
        "REPORTS_SECRET": os.environ.get("SITE_REPORTS_SECRET"),
    },
    "email": {"TRANSPORT": os.environ.get("SITE_MAIL", "memory")},
}
if "SITE_UNSUBSCRIBE_URL" in os.environ:
    NOTIFYKIT["email"] |= {
        "GUARD": {"PREFERENCES": "django"},
        "UNSUBSCRIBE": {"URL": os.environ["SITE_UNSUBSCRIBE_URL"], "KEY": "a-key-that-signs-the-links"},
    }

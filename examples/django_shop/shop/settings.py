"""Settings of the project."""

import os
import pathlib

BASE_DIR = pathlib.Path(__file__).parents[1]
DEBUG = os.environ.get("DJANGO_DEBUG") == "1"
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "only-for-this-example")
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1").split(",")
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop", "notifykit.integrations.django", "django.contrib.contenttypes", "django.contrib.sessions"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
TIME_ZONE = "Asia/Kuwait"
USE_TZ = True

# Name and password come from the environment: KWTSMS_USERNAME, KWTSMS_PASSWORD, KWTSMS_SENDER_ID.
NOTIFYKIT = {
    "default": {
        "TRANSPORT": "kwtsms",
        # A number gets at most one code in a minute, however often it is asked for.
        "VERIFY": {"WAITS": "60s"},
        "REPORTS_SECRET": os.environ.get("REPORTS_SECRET"),
    }
}

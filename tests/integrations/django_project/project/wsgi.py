"""The site for a server with several processes."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
application = get_wsgi_application()

if os.environ.get("SITE_EAGER") == "1":
    # A mistake that sites make: the notifier is used before the server forks.
    from notifykit.integrations.django import notifiers

    notifiers["default"].plan("96598765432", "before the fork")

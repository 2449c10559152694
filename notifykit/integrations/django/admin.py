"""The page ``admin/notifykit/notification/``: jobs and one-time codes, to read only, for who has the permission."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse

from notifykit.integrations.django.models import Notification, overviews

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_TEMPLATE = "admin/notifykit/notification/change_list.html"


@admin.register(Notification)
class NotificationAdmin(admin.ModelAdmin):  # type: ignore[misc]
    """Shows the page in the place of a list of rows. There is nothing to add, change or delete."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is added, changed or deleted here."""
        return False

    has_change_permission = has_delete_permission = has_add_permission

    def get_urls(self) -> list[Any]:
        """Return the address of the page alone: there are no rows with pages of their own."""
        return [url for url in super().get_urls() if getattr(url, "name", "") == "notifykit_notification_changelist"]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Return the page.

        :raises PermissionDenied: without the permission ``notifykit.view_notification``.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": "Jobs and one-time codes",
            "opts": self.opts,
            "overviews": overviews(),
            **(extra_context or {}),
        }
        return TemplateResponse(request, _TEMPLATE, context)

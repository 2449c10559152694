"""What the shop knows."""

from django.db import models
from django.utils import timezone


class Order(models.Model):
    """What a user has ordered."""

    number = models.PositiveIntegerField(unique=True)
    mobile = models.CharField(max_length=20)
    confirmed = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"order {self.number}"

    def confirm(self) -> None:
        """Confirm it, once."""
        if self.confirmed is None:
            self.confirmed = timezone.now()
            self.save(update_fields=["confirmed"])

"""The tables of preferences; the page of the admin has none."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):  # type: ignore[misc]
    """What Django writes for the models."""

    initial = True
    dependencies: tuple[Any, ...] = ()
    operations = (
        migrations.CreateModel(
            name="Notification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
            options={
                "verbose_name": "jobs and one-time codes",
                "verbose_name_plural": "jobs and one-time codes",
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="PersonPreferences",
            fields=[
                ("person", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("data", models.TextField()),
                ("changed", models.DateTimeField(auto_now=True)),
            ],
            options={"verbose_name": "preferences", "verbose_name_plural": "preferences"},
        ),
        migrations.CreateModel(
            name="PersonAddress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=10)),
                ("address", models.CharField(max_length=320)),
                (
                    "preferences",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="addresses",
                        to="notifykit.personpreferences",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("channel", "address", "preferences"), name="notifykit_address")
                ]
            },
        ),
    )

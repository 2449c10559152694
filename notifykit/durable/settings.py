"""Where jobs are kept, who sends them, and for how long they are remembered."""

from __future__ import annotations

import pathlib
from typing import Final

import attrs

from notifykit.errors import ConfigError
from notifykit.redaction import Secret
from notifykit.settings.fields import Field, duration, one_of, secret
from notifykit.settings.folders import lasting_folder
from notifykit.settings.sources import Settings

SECTION: Final = "durable"
_FILE: Final = "jobs.sqlite3"
_DAY: Final = 86_400.0


def days(value: object) -> float:
    """Read a length of time, a plain number as days, and return it in seconds."""
    return duration(value, unit="d")


FIELDS: Final = (
    Field(
        "database_url",
        secret,
        None,
        ("NOTIFYKIT_DATABASE_URL",),
        help="postgresql://… for jobs that many machines share; without it a file of this user.",
    ),
    Field(
        "workers",
        one_of("embedded", "separate"),
        None,
        ("NOTIFYKIT_WORKERS",),
        help="embedded: whoever submits sends too; separate: only `notifykit worker` sends.",
    ),
    Field("keep_jobs", days, 90 * _DAY, ("NOTIFYKIT_KEEP_JOBS",), help="Days until a finished job is forgotten."),
    Field(
        "keep_bodies",
        days,
        7 * _DAY,
        ("NOTIFYKIT_KEEP_BODIES",),
        help="Days until the texts and addresses of a finished job are forgotten.",
    ),
)


@attrs.frozen
class DurableSettings:
    """What the engine needs to know."""

    #: The database, with its password.
    url: Secret
    #: The file, where it is one.
    file: pathlib.Path | None
    #: Whether whoever submits sends too.
    embedded: bool
    #: Seconds until a finished job is forgotten.
    keep_jobs: float
    #: Seconds until the texts and addresses of a finished job are forgotten.
    keep_bodies: float

    @classmethod
    def of(cls, settings: Settings) -> DurableSettings:
        """Resolve the settings.

        :raises ConfigError: with every problem.
        """
        values = {name: value.value for name, value in settings.section(SECTION, FIELDS).items()}
        given: Secret | None = values["database_url"]
        file = None if given and not given.reveal().startswith("sqlite:") else _file(given, settings)
        if given and file is None and not given.reveal().startswith(("postgresql://", "postgres://")):
            raise ConfigError(
                "database_url: jobs are kept in PostgreSQL (postgresql://user:password@host/database) or in a file "
                "(sqlite:///folder/jobs.sqlite3)"
            )
        if file is not None and set("?%") & set(str(file)):
            raise ConfigError(f"database_url: {file} has a ? or a % in it: keep jobs in a folder whose name has none")
        embedded = values["workers"] == "embedded" if values["workers"] else file is not None
        url = Secret(f"sqlite:///{file}") if file else Secret(_with_driver(given.reveal() if given else ""))
        return cls(url, file, embedded, values["keep_jobs"], values["keep_bodies"])


def _file(given: Secret | None, settings: Settings) -> pathlib.Path:
    if given:
        return pathlib.Path(given.reveal().removeprefix("sqlite:///")).absolute()
    if settings.state_dir:
        return pathlib.Path(settings.state_dir).absolute() / _FILE
    return lasting_folder() / _FILE


def _with_driver(url: str) -> str:
    return "postgresql+psycopg://" + url.partition("://")[2]

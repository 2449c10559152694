"""What setup finds out, whoever says it, and the file that it goes into."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Mapping
from typing import Any, Final

import attrs

from notifykit import Settings
from notifykit.errors import ConfigError, NotifyError
from notifykit.redaction import Secret
from notifykit_kwtsms.api.gateway import Gateway
from notifykit_kwtsms.api.limits import SHARED_SENDER
from notifykit_kwtsms.program.envfile import EnvFile
from notifykit_kwtsms.program.writing import write_private
from notifykit_kwtsms.settings import FIELDS, SECTION

_NEW: Final = "# kwtSMS, written by `kwtsms setup`. It holds a password: keep it out of version control.\n"


@attrs.frozen
class Known:
    """What is set already."""

    #: The values by the fields' names; defaults where nothing is set.
    values: Mapping[str, Any] = attrs.field(repr=False)
    #: What is wrong with them.
    problems: tuple[str, ...]
    #: Seconds for one question to the gateway.
    timeout: float

    @classmethod
    def find(cls, path: pathlib.Path) -> Known:
        """Look at the environment, the file and the settings files.

        :raises ConfigError: where the gateway's address can't be used: nothing could be verified there.
        """
        settings = Settings.load(env_file=path)
        values, problems = settings.sources.resolve(FIELDS, SECTION)
        _, address = settings.sources.resolve([field for field in FIELDS if field.name == "base_url"], SECTION)
        if address:
            raise ConfigError(address)
        found = {name: value.value for name, value in values.items()}
        found["sender"] = found["sender"] or settings.sender or SHARED_SENDER
        return cls(found, tuple(problems), settings.timeout)


@attrs.frozen
class Verified:
    """What the gateway said to the credentials."""

    #: Points left.
    balance: float | None
    #: The sender IDs of the account.
    senders: tuple[str, ...]


@attrs.frozen
class Choices:
    """What will be written."""

    #: The API user.
    username: str
    #: The API password.
    password: Secret
    #: The sender ID.
    sender: str
    #: Whether messages are queued only.
    test: bool
    #: The log's path; empty for none.
    log_file: str

    def variables(self) -> dict[str, str]:
        """Return them under their names in the environment."""
        return {
            "KWTSMS_USERNAME": self.username,
            "KWTSMS_PASSWORD": self.password.reveal(),
            "KWTSMS_SENDER_ID": self.sender,
            "KWTSMS_TEST_MODE": "1" if self.test else "0",
            "KWTSMS_LOG_FILE": self.log_file,
        }


def check(username: str, password: Secret, known: Known) -> Verified:
    """Ask the gateway whether the credentials are right.

    :raises TransportError: where they are not, or where it can't be asked.
    """
    with contextlib.closing(Gateway(username, password, known.values["base_url"])) as gateway:
        balance = gateway.balance(known.timeout)
        return Verified(balance.available, gateway.senderids(known.timeout))


def store(file: EnvFile, choices: Choices) -> None:
    """Write the file in one step, readable by its owner only; what else is in it stays.

    :raises NotifyError: where it can't be written; the old file is untouched then.
    """
    started = attrs.evolve(file, text=file.text or _NEW)
    content = started.with_values(choices.variables()).text
    try:
        write_private(file.path, content.encode())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise NotifyError(f"{file.path} can't be written: {reason}. Nothing was changed.") from None


def overridden(choices: Choices) -> list[str]:
    """Return warnings about variables of the environment that say something else: they win over the file."""
    return [
        f"{name} is set in the environment too, and wins over the file: unset it."
        for name, value in choices.variables().items()
        if os.environ.get(name, value) != value
    ]

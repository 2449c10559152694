"""Takes the pictures of a report: ``python docs/report_pictures.py`` writes ``docs/report-light.png``, -dark and -arabic.

The log is made up, a month of it from a fixed seed; its numbers are hidden from the start. It needs Playwright
(``pip install playwright``) and a Chromium, which it looks for on this machine or takes from ``CHROMIUM``; it downloads
nothing.
"""

from __future__ import annotations

import datetime
import os
import pathlib
import random
import shutil
import sys
import zoneinfo
from collections.abc import Iterator
from typing import Any

FOLDER = pathlib.Path(__file__).parent
#: What a picture may weigh.
LARGEST = 250_000
DAYS = 30
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
ERRORS = (
    ("ERR025", "The phone number is not valid.", "recipient"),
    ("ERR026", "There is no route to this country.", "recipient"),
    ("ERR013", "The account's send queue is full.", "account"),
    ("ERR008", "The sender's name is banned or not registered.", "account"),
)
#: Label, share, encoding, segments, units, what forced Unicode.
KINDS: tuple[tuple[str, int, str, int, int, list[str]], ...] = (
    ("otp", 50, "gsm7", 1, 42, []),
    ("otp", 22, "ucs2", 1, 61, ["Arabic letters"]),
    ("order", 14, "gsm7", 1, 118, []),
    ("order", 6, "ucs2", 2, 104, ["’ right single quotation mark"]),
    ("campaign", 5, "ucs2", 3, 150, ["– en dash", "“ left double quotation mark", "” right double quotation mark"]),
    ("campaign", 3, "gsm7", 2, 201, []),
)
#: How many messages each hour of the day has, in Kuwait.
HOURS = (6, 3, 2, 1, 1, 2, 5, 14, 30, 42, 48, 50, 46, 38, 36, 40, 48, 58, 64, 66, 58, 44, 26, 14)


def month(seed: int = 17) -> Iterator[dict[str, Any]]:
    """Yield the rows of a made-up month, as the sink ``jsonl`` writes them."""
    chance, zone = random.Random(seed), zoneinfo.ZoneInfo("Asia/Kuwait")  # noqa: S311 - it only has to be the same each time
    balance, number = 9000, 0
    for day in range(DAYS):
        start = datetime.datetime(2026, 6, 1, tzinfo=zone) + datetime.timedelta(days=day)
        weekend = 0.55 if start.weekday() in (4, 5) else 1.0
        busy = 2.2 if day == 17 else 1.0
        for hour, share in enumerate(HOURS):
            pumped = range(7, 3600, 55) if (day, hour) == (24, 3) else ()  # somebody pumps messages through a form
            usual = chance.sample(range(3600), int(share * weekend * busy * chance.uniform(0.2, 0.42)))
            for second in sorted([*usual, *pumped]):
                at = start + datetime.timedelta(hours=hour, seconds=second, milliseconds=chance.randrange(1000))
                number += 1
                for row in _message(chance, number, at, balance, day):
                    if row["event"] == "attempt_finished":
                        balance -= row["cost"] or 0
                        if second in pumped:
                            row |= {"country": "GB", "to": f"447****{number % 10_000:04}", "to_hash": f"{number:x}"}
                    yield row
        if day == 12:
            balance += 5000
        if day in (8, 20):
            balance -= 640  # somebody else


def _message(
    chance: random.Random, number: int, at: datetime.datetime, balance: int, day: int
) -> Iterator[dict[str, Any]]:
    tag, _, encoding, segments, units, forced = chance.choices(KINDS, [kind[1] for kind in KINDS])[0]
    country = chance.choices(("KW", "SA", "AE", "BH"), (86, 8, 4, 2))[0]
    person = int(1900 * chance.random() ** 2.6)
    test = chance.random() < 0.06
    code, error, scope = chance.choices(ERRORS, (5, 3, 2 + 18 * (day == 22), 1))[0]
    outcome = chance.choices(("accepted", "rejected", "unknown"), (960, 26 + 60 * (day == 22), 4))[0]
    slow = 2.2 if 17 <= at.hour <= 20 else 1.0
    cost = segments if outcome == "accepted" and not test else 0
    row = {
        "v": 1,
        "ts": _text(at),
        "event": "attempt_finished",
        "id": f"{number:016x}",
        "batch": f"{number:016x}-1",
        "attempt": 1,
        "transport": "kwtsms://default?sender=MY-APP",
        "outcome": outcome,
        "code": {"accepted": None, "rejected": code, "unknown": "timeout"}[outcome],
        "scope": {"accepted": None, "rejected": scope, "unknown": "network"}[outcome],
        "error": {"accepted": None, "rejected": error, "unknown": "No answer came in time."}[outcome],
        "sender": "MY-SHOP" if tag == "campaign" else "MY-APP",
        "encoding": encoding,
        "segments": segments,
        "units": units,
        "forced": forced,
        "cost": cost,
        "balance": balance - cost if outcome == "accepted" else None,
        "elapsed_ms": round(chance.lognormvariate(5.1, 0.42) * slow, 1),
        "test": test,
        "tags": [tag],
        "msg_id": f"{number:032x}",
        "to": f"965****{person * 37 % 10000:04}",
        "to_hash": f"{person:024x}",
        "country": country,
    }
    yield row
    if test or outcome != "accepted":
        return
    yield from _afterwards(chance, row, at, tag)


def _afterwards(
    chance: random.Random, row: dict[str, Any], at: datetime.datetime, tag: str
) -> Iterator[dict[str, Any]]:
    later = {"v": 1, "ts": _text(at + datetime.timedelta(seconds=20)), "id": row["id"], "country": row["country"]}
    if tag == "otp":
        resend = chance.random() < 0.08
        yield {**later, "event": "verification_started", "status": "sent", "resend": resend}
        if chance.random() < 0.05:
            yield {**later, "event": "verification_checked", "verified": False}
        if not resend and chance.random() < 0.91:
            yield {**later, "event": "verification_checked", "verified": True}
        if chance.random() < 0.02:
            yield {**later, "event": "verification_blocked", "rule": "per_number"}
    if row["country"] != "KW" or chance.random() < 0.1:
        return
    report = {**later, "event": "delivery_changed", "id": row["msg_id"]}
    yield {**report, "before": None, "state": "sent"}
    if chance.random() < 0.94:
        end = "delivered" if chance.random() < 0.97 else "undelivered"
        ended = at + datetime.timedelta(seconds=chance.lognormvariate(1.6, 1.1))
        yield {**report, "before": "sent", "state": end, "happened": _text(ended)}


def _text(at: datetime.datetime) -> str:
    return at.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def page(language: str) -> str:
    """Return the report of the month."""
    from notifykit.analytics import read_totals
    from notifykit.report import render_page
    from notifykit_kwtsms.plugin import notifykit_about

    about = notifykit_about()
    cures = {error.code: error.action for error in about.codes() if error.code and error.action}
    return render_page(read_totals(month(), zoneinfo.ZoneInfo("Asia/Kuwait")), language=language, cures=cures)


def chromium() -> str:
    """Return where Chromium is."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        raise SystemExit("there is no Chromium on this machine: install one, or say where it is in CHROMIUM")
    return found


def main(folder: pathlib.Path = FOLDER) -> None:
    """Take the pictures."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        for name, language, scheme in (("light", "en", "light"), ("dark", "en", "dark"), ("arabic", "ar", "light")):
            tab = browser.new_page(viewport={"width": 1180, "height": 1500}, color_scheme=scheme)  # type: ignore[arg-type]
            tab.set_content(page(language))
            picture = folder / f"report-{name}.png"
            tab.screenshot(path=picture)
            if picture.stat().st_size > LARGEST:
                raise SystemExit(f"{picture} has {picture.stat().st_size} bytes, more than {LARGEST}")
        browser.close()


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:2]))

"""A shop: a campaign to all customers, each in their own words, and a message to one customer on one channel after the other.

python shop.py eid customers.csv
python shop.py ready customers.csv u1 17
"""

import csv
import sys

from notifykit import Job, Notification, Notifier, Person
from notifykit.campaigns.tables import open_table
from notifykit.people import Preferences, preferences_of


def customers(table: str) -> dict[str, Person]:
    """Return the customers by their ids."""
    with open(table, newline="", encoding="utf-8") as opened:
        return {
            row["Id"]: Person(
                row["Id"],
                sms=row["Mobile"] or None,
                email=row["Mail"] or None,
                push=row["Device"] or None,
                language=row["Lang"],
            )
            for row in csv.DictReader(opened)
        }


def announce(notifier: Notifier, table: str, key: str, over: float | None = 1800.0) -> Job:
    """Send every customer an Eid greeting, over half an hour. With the same key a second call sends nothing again."""
    return notifier.submit_rows(
        open_table(table),
        template="eid",
        to="Mobile",
        language="@Lang",
        variables={"name": "@Name|friend"},
        tags="marketing",
        key=key,
        spread=over,
        stop_if="rejected > 5%",
    )


def order_ready(notifier: Notifier, customer: Person, number: int) -> Notification:
    """Say that an order is ready: to the app; where that does not arrive in two minutes, by SMS; else by e-mail."""
    return notifier.notify(
        customer,
        template="order-ready",
        values={"number": str(number)},
        order=["push", "sms", "email"],
        until="delivered",
        within={"push": 120, "sms": 600},
        tags="orders",
        key=f"order-{number}-ready",
    )


def unsubscribe(notifier: Notifier, customer: Person, topic: str) -> None:
    """Keep a topic from a customer, on every channel and in every way of sending."""
    store = preferences_of(notifier).store
    addresses = {channel: address for channel in ("sms", "email", "push") if (address := getattr(customer, channel))}
    known = store.get(customer.id) or Preferences(customer.id, addresses=addresses)
    store.set(known.switch(topic, on=False))


def main(command: str, table: str, *words: str) -> None:
    """Run one of the commands above, and print what happened."""
    with Notifier.from_settings() as notifier:
        if command == "eid":
            job = announce(notifier, table, "eid-2026")
            print(job.wait(), "Each row: notifykit jobs results eid-2026 --output results.csv", sep="\n")
        else:
            receipt = order_ready(notifier, customers(table)[words[0]], int(words[1])).wait()
            print(receipt, receipt.advice, sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

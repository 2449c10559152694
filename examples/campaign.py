"""Send one text to every number of a CSV file, in constant memory, and write down what happened to each.

python examples/campaign.py people.csv mobile "MYAPP is open until midnight." results.csv
"""

import collections
import csv
import sys

from notifykit import Notifier


def campaign(notifier: Notifier, people: str, column: str, text: str, results: str) -> collections.Counter[str]:
    """Send, and return how many recipients ended how."""
    counts: collections.Counter[str] = collections.Counter()
    with open(people, newline="", encoding="utf-8") as given, open(results, "w", newline="", encoding="utf-8") as out:
        numbers = (row[column] for row in csv.DictReader(given))
        writer = csv.writer(out)
        writer.writerow(["row", "outcome", "message_id", "code", "advice"])
        for receipt in notifier.stream(numbers, text, tags=["campaign"]):
            counts[receipt.outcome] += 1
            writer.writerow([receipt.position, receipt.outcome, receipt.message_id, receipt.code, receipt.advice])
    return counts


if __name__ == "__main__":
    with Notifier.from_settings() as notifier:
        print(dict(campaign(notifier, *sys.argv[1:])))

"""Many recipients in constant memory."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import itertools, resource
from notifykit import Capabilities, Notifier, Outcome, PluginHost, Submission

class Stub:
    name = "stub"
    capabilities = Capabilities(batch_size=200)
    def send(self, batch, timeout):
        return Submission(batch.id, cost=len(batch))
    def close(self):
        pass
    def __str__(self):
        return "stub://default"

def used():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

numbers = (f"9659{index:07d}" for index in range(200_000))
with Notifier(Stub(), host=PluginHost(entry_points=False)) as notifier:
    receipts = notifier.stream(numbers, "Hello")
    accepted = sum(r.outcome is Outcome.ACCEPTED for r in itertools.islice(receipts, 1000))
    before = used()
    accepted += sum(r.outcome is Outcome.ACCEPTED for r in receipts)
print(accepted, used() - before)
"""


def test_many_recipients_stream_through_in_constant_memory():
    """Between the first thousand recipients and the last, the process grows by less than 4 MiB."""
    answer = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True, timeout=300)
    accepted, kibibytes = map(int, answer.stdout.split())
    assert accepted == 200_000
    assert kibibytes < 4 * 1024

"""The crash harness: workers are killed in the middle of their work, and the gateway's records is held against the store.

``python -m tests.crash --kills 200 --workers 4 --store sqlite`` runs it by hand; a short run is among the tests.
"""

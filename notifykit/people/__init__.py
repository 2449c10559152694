"""People with several addresses: what they want to get, and how they say so."""

from notifykit.people.guard import PreferenceGuard, pages_of, preferences_of
from notifykit.people.preferences import Preferences, PreferenceStore, PreferencesUnavailable
from notifykit.people.unsubscribe import UnsubscribeLinks
from notifykit.people.unsubscribe_page import UnsubscribePages

__all__ = [
    "PreferenceGuard",
    "PreferenceStore",
    "Preferences",
    "PreferencesUnavailable",
    "UnsubscribeLinks",
    "UnsubscribePages",
    "pages_of",
    "preferences_of",
]

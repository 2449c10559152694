"""Every cleaner that comes with notifykit, through the contract that strangers' cleaners are held to."""

from __future__ import annotations

from notifykit import Channel
from notifykit.cleaners.unicode import UnicodeCleaner
from notifykit.protocols import Cleaner
from notifykit.testing.contracts.cleaner import CleanerContract
from notifykit_kwtsms.text.cleaning import DIGITS, EMOJI, HIDDEN_CHARACTERS, TAGS


class TestUnicode(CleanerContract):
    """``unicode``: half surrogates in every medium, accents in all but e-mail."""

    also = frozenset({Channel.PUSH, Channel.EMAIL})
    cleans = {"Cafe\u0301": "Café", "a\ud83db": "ab", "e\ud800\u0301": "é"}
    leaves = ("Hello", "مرحبا", "😀")

    def cleaner(self) -> Cleaner:
        return UnicodeCleaner()


class TestUnicodeInMail(CleanerContract):
    """``unicode`` leaves an e-mail's accents as they were written."""

    channel = Channel.EMAIL
    also = frozenset({Channel.SMS, Channel.PUSH})
    cleans = {"a\ud83db": "ab"}
    leaves = ("Cafe\u0301",)

    def cleaner(self) -> Cleaner:
        return UnicodeCleaner()


class TestEmoji(CleanerContract):
    """``emoji`` of ``kwtsms``."""

    cleans = {"Hi 😀": "Hi "}
    leaves = ("Hello", "مرحبا")

    def cleaner(self) -> Cleaner:
        return EMOJI


class TestHidden(CleanerContract):
    """``hidden`` of ``kwtsms``."""

    cleans = {"a\u200bb": "ab"}
    leaves = ("Hello",)

    def cleaner(self) -> Cleaner:
        return HIDDEN_CHARACTERS


class TestDigits(CleanerContract):
    """``digits`` of ``kwtsms``."""

    cleans = {"رمزك ١٢٣": "رمزك 123"}
    leaves = ("Hello 123",)

    def cleaner(self) -> Cleaner:
        return DIGITS


class TestTags(CleanerContract):
    """``tags`` of ``kwtsms``."""

    cleans = {"<b>Hi</b>": "Hi"}
    leaves = ("1 < 2",)

    def cleaner(self) -> Cleaner:
        return TAGS

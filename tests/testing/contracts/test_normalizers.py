"""Every normalizer that comes with notifykit, through the contract that strangers' normalizers are held to."""

from __future__ import annotations

from notifykit import Channel
from notifykit.normalizers.email import EmailNormalizer
from notifykit.normalizers.phone import InternationalNormalizer
from notifykit.normalizers.push import PushNormalizer
from notifykit.testing.contracts.normalizer import NormalizerContract
from notifykit_kwtsms.phone.normalizer import KwtSmsNormalizer


class TestInternational(NormalizerContract):
    """``international``."""

    accepts = {"+965 9876-5432": "96598765432", "00966501234567": "966501234567", "tel:+٩٦٥ ٩٨٧٦٥٤٣٢": "96598765432"}
    rejects = ("", "12345", "fatima@example.com", "0501234567", "965 9876 5432, 965 9876 5433")

    def normalizer(self) -> InternationalNormalizer:
        return InternationalNormalizer()


class TestEmail(NormalizerContract):
    """``email``."""

    channel = Channel.EMAIL
    accepts = {
        "Fatima <f.alsabah@EXAMPLE.com>": "f.alsabah@example.com",
        " mailto:a%2Bb@example.org?subject=x": "a+b@example.org",
        "a@bücher.example": "a@xn--bcher-kva.example",
    }
    rejects = ("", "96598765432", "f.alsabah@example", "f.alsabah@@example.com")

    def normalizer(self) -> EmailNormalizer:
        return EmailNormalizer()


class TestPush(NormalizerContract):
    """``push``."""

    channel = Channel.PUSH
    accepts = {" ops-team ": "ops-team", "f7x:Token_-": "f7x:Token_-"}
    rejects = ("", "two words", "x" * 5000)

    def normalizer(self) -> PushNormalizer:
        return PushNormalizer()


class TestKwtSms(NormalizerContract):
    """``kwtsms``, without a country of its own."""

    accepts = {"(+965) 9876-5432": "96598765432", "٠٠٩٦٥٩٨٧٦٥٤٣٢": "96598765432", "+966 050 123 4567": "966501234567"}
    rejects = ("98765432", "96522345678", "call me", "")

    def normalizer(self) -> KwtSmsNormalizer:
        return KwtSmsNormalizer()


class TestKwtSmsAtHome(TestKwtSms):
    """``kwtsms`` where local numbers are Kuwaiti."""

    accepts = {"98765432": "96598765432", "+965 9876 5432": "96598765432"}
    rejects = ("22345678", "call me")

    def normalizer(self) -> KwtSmsNormalizer:
        return KwtSmsNormalizer(default_country="KW")


class TestKwtSmsInChina(TestKwtSms):
    """``kwtsms`` where a Kuwaiti number without a plus sign could be a local one."""

    accepts = {"13812345678": "8613812345678", "+965 9876 5432": "96598765432"}
    rejects = ("call me",)
    bare = False

    def normalizer(self) -> KwtSmsNormalizer:
        return KwtSmsNormalizer(default_country="CN")


class TestKwtSmsRelaxed(TestKwtSms):
    """``kwtsms`` that takes any number of the right size."""

    accepts = {"22345678": "22345678", "+965 9876 5432": "96598765432"}
    rejects = ("12345", "call me")

    def normalizer(self) -> KwtSmsNormalizer:
        return KwtSmsNormalizer(kuwait_rule="relaxed")

"""The normalizer that knows what the gateway delivers to."""

from __future__ import annotations

import pickle
import re

import phonenumbers
import pytest
from hypothesis import example, given, strategies as st
from phonenumbers import SUPPORTED_REGIONS, PhoneNumberFormat, PhoneNumberType

from notifykit.errors import ConfigError, InvalidRecipient
from notifykit.models.message import Channel
from notifykit.models.recipient import Recipient, Rejected
from notifykit.normalizers.phone import InternationalNormalizer, latin_digits
from notifykit_kwtsms.phone.documented import validate_phone_format, validate_phone_input
from notifykit_kwtsms.phone.normalizer import KwtSmsNormalizer
from notifykit_kwtsms.phone.rules import BY_COUNTRY
from tests.kwtsms.phone.strategies_phone import (
    any_text,
    e164,
    examples_abroad,
    gulf_mobiles,
    kuwait_mobiles,
    mobiles,
    spellings,
)

STRICT = KwtSmsNormalizer()
RELAXED = KwtSmsNormalizer(kuwait_rule="relaxed")
AT_HOME = KwtSmsNormalizer(default_country="965")
NORMALIZERS = (
    STRICT,
    RELAXED,
    AT_HOME,
    *(KwtSmsNormalizer(default_country=code) for code in ("966", "55", "225", "1")),
)


def normalized(raw: str, by: KwtSmsNormalizer = STRICT) -> Recipient | Rejected:
    answer = by.normalize(raw, Channel.SMS)
    assert answer is not None
    return answer


def reason(raw: str, by: KwtSmsNormalizer = STRICT) -> InvalidRecipient:
    answer = normalized(raw, by)
    assert isinstance(answer, Rejected), answer
    assert answer.raw == raw
    return answer.error


@pytest.mark.parametrize(
    ("raw", "address", "country"),
    [
        ("96598765432", "96598765432", "KW"),
        ("+96598765432", "96598765432", "KW"),
        ("00 965 9876-5432", "96598765432", "KW"),
        ("+965 9876-5432", "96598765432", "KW"),
        ("096598765432", "96598765432", "KW"),
        ("96598765432+", "96598765432", "KW"),
        ("٩٦٥٩٨٧٦٥٤٣٢", "96598765432", "KW"),
        ("۹۶۵۹۸۷۶۵۴۳۲", "96598765432", "KW"),
        ("９６５９８７６５４３２", "96598765432", "KW"),
        ("\u202a+965 98765432\u202c", "96598765432", "KW"),
        ("tel:+965-9876-5432", "96598765432", "KW"),
        (" 96598765432\r\n", "96598765432", "KW"),
        ("+965 0 98765432", "96598765432", "KW"),
        ("+966 0559123456", "966559123456", "SA"),
        ("009660559123456", "966559123456", "SA"),
        ("966559123456", "966559123456", "SA"),
        ("+44 (0) 7911 123456", "447911123456", "GG"),
        ("+225 07 12 34 56 78", "2250712345678", "CI"),
        ("+1 212 555 1234", "12125551234", "US"),
        ("96599999999", "96599999999", "KW"),
        ("96552212345", "96552212345", "KW"),
        ("971504496677", "971504496677", "AE"),
    ],
)
def test_a_number_is_taken_however_it_is_set(raw: str, address: str, country: str | None) -> None:
    """The address is what the gateway wants; the country is named where the code identifies it."""
    answer = normalized(raw)
    assert answer == Recipient(address, Channel.SMS, country)
    assert answer.raw == raw


@pytest.mark.parametrize(
    ("raw", "detail", "action"),
    [
        ("", "empty", "telephone number"),
        ("user@gmail.com", "email address", "mobile number"),
        ("abc", "no digits", "telephone number"),
        ("call 96598765432", "letters", "extensions"),
        ("+965 98765432 ext 3", "letters", "extensions"),
        ("12345abc", "letters", "digits only"),
        ("96598765432,96598765433", "several numbers", "item of its own"),
        ("9.65987654E10", "rounded", "column as text"),
        ("96598765432.5", "fraction", "column as text"),
        ("01196598765432", "begins with 011", "+ in place of 011"),
        ("123", "at least 7", "country code"),
        ("1234567890123456", "at most 15", "too many"),
        ("9876543", "7 digits are too few", "country code"),
        ("98765432", "Kuwait mobile number without its country code", "965 first"),
        ("50123456", "without its country code", "965 first"),
        ("22345678", "without its country code", "965 for Kuwait"),
        ("0559123456", "dialled inside its country", "country code instead of the zero"),
        ("015112345678", "dialled inside its country", "country code instead of the zero"),
        ("96522345678", "start with 4, 5, 6 or 9 after 965; 2 is a landline, which can't receive SMS", "mobile number"),
        ("96512345678", "Kuwait mobile numbers start with 4, 5, 6 or 9 after 965.", "mobile number"),
        ("9659876543", "Kuwait mobile numbers have 8 digits after 965; this one has 7", "missing"),
        ("965987654321", "Kuwait mobile numbers have 8 digits after 965; this one has 9", "too many"),
        ("+96612345", "Saudi Arabia mobile numbers have 9 digits after 966; this one has 5", "missing"),
        ("966459123456", "Saudi Arabia mobile numbers start with 5 after 966.", "mobile number"),
        ("96112345", "without its country code", "965 first"),
        ("+961123456789", "of +961 (LB) have 7 or 8 digits after the code; this one has 9", "too many"),
    ],
)
def test_a_refused_number_says_why_and_what_to_do(raw: str, detail: str, action: str) -> None:
    """The reason names the rule, the action what a person does; there is no code, for no provider was asked."""
    error = reason(raw)
    assert detail in error.detail
    assert action in error.action
    assert error.code is None


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.PUSH])
def test_other_channels_are_left_to_others(channel: Channel) -> None:
    """The gateway sends SMS only."""
    assert STRICT.normalize("96598765432", channel) is None
    assert STRICT.normalize("user@gmail.com", channel) is None


class TestDefaultCountry:
    """Local numbers are completed, and only where they are asked to be."""

    @pytest.mark.parametrize(
        ("country", "raw", "address"),
        [
            ("965", "98765432", "96598765432"),
            ("965", "9876 5432", "96598765432"),
            ("965", "٩٨٧٦٥٤٣٢", "96598765432"),
            ("965", "098765432", "96598765432"),
            ("965", "96612345", "96596612345"),
            ("965", "96598765432", "96598765432"),
            ("965", "+96598765432", "96598765432"),
            ("965", "+966559123456", "966559123456"),
            ("965", "966559123456", "966559123456"),
            ("966", "0559123456", "966559123456"),
            ("966", "559123456", "966559123456"),
            ("966", "966559123456", "966559123456"),
            ("966", "96598765432", "96598765432"),
            ("225", "0712345678", "2250712345678"),
            ("1", "(212) 555-1234", "12125551234"),
            ("49", "015112345678", "4915112345678"),
        ],
    )
    def test_a_local_number_gets_its_code_once(self, country: str, raw: str, address: str) -> None:
        """A number of the local form is local first; one that has its code already does not get it again."""
        answer = normalized(raw, KwtSmsNormalizer(default_country=country))
        assert isinstance(answer, Recipient), answer.error
        assert answer.address == address

    @pytest.mark.parametrize("raw", ["+98765432", "0098765432", "22345678", "9876543", "0559123456"])
    def test_what_has_not_the_local_form_is_not_completed(self, raw: str) -> None:
        """A prefix means that the code is there; a landline and a wrong length stay what they are."""
        assert isinstance(normalized(raw, AT_HOME), Rejected)

    def test_a_number_that_can_be_read_two_ways_is_local_unless_it_is_marked(self) -> None:
        """Ten digits are a whole number in the United States, so there an Indian one needs its plus sign."""
        in_america = KwtSmsNormalizer(default_country="US")
        assert normalized("2025550123", in_america) == Recipient("12025550123", country="US")
        assert normalized("+20 2555 0123", in_america).raw == "+20 2555 0123"
        assert normalized("+20 10 0123 4567", in_america) == Recipient("201001234567", country="EG")

    @given(kuwait_mobiles(), st.sampled_from(sorted(SUPPORTED_REGIONS)))
    def test_no_country_has_local_mobile_numbers_like_whole_kuwaiti_ones(self, number: str, region: str) -> None:
        """So a Kuwaiti number needs no plus sign, whatever the default country is."""
        by = KwtSmsNormalizer(default_country=region)
        assert region == "KW" or by._completed(number, number) in (None, Recipient(number, country="KW"))
        assert normalized(number, by) == Recipient(number, country="KW")

    @pytest.mark.parametrize("given", ["965", "+965", "00965", "KW", "kw", " KW "])
    def test_a_country_is_given_by_calling_code_or_iso_code(self, given: str) -> None:
        """Either means the same normalizer."""
        assert KwtSmsNormalizer(default_country=given) == AT_HOME

    @pytest.mark.parametrize("given", [None, "", "  "])
    def test_nothing_given_sets_none(self, given: str | None) -> None:
        """An empty setting is no setting."""
        assert KwtSmsNormalizer(default_country=given) == STRICT

    @pytest.mark.parametrize("given", ["Kuwait", "999", "800", "0", "+", "965 KW", "XX"])
    def test_an_unknown_country_is_an_error(self, given: str) -> None:
        """Its local numbers can't be recognized, so the setting is refused, with what is possible."""
        with pytest.raises(ConfigError, match=r"default_country: .*965 or KW"):
            KwtSmsNormalizer(default_country=given)

    @given(st.data(), st.sampled_from(sorted(BY_COUNTRY)), st.sampled_from(("", "0")))
    def test_every_local_mobile_number_of_a_gulf_country_is_completed(
        self, data: st.DataObject, country: str, trunk: str
    ) -> None:
        """With and without a trunk zero."""
        rule = BY_COUNTRY[country]
        number = data.draw(mobiles(st.just(rule)))
        answer = normalized(trunk + number.removeprefix(rule.code), KwtSmsNormalizer(default_country=country))
        assert answer == Recipient(number, country=country)

    @pytest.mark.parametrize("region", sorted(SUPPORTED_REGIONS))
    def test_every_local_mobile_number_of_a_country_is_completed(self, region: str) -> None:
        """As phonenumbers writes it for calls inside the country; some islands have too few digits for a guess."""
        example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        assert example is not None or region == "TA"
        if example is None or len(phonenumbers.national_significant_number(example)) < 7:
            return
        local = phonenumbers.format_number(example, PhoneNumberFormat.NATIONAL)
        answer = normalized(local, KwtSmsNormalizer(default_country=region))
        assert isinstance(answer, Recipient), answer.error
        assert answer.address == e164(example)


class TestRelaxed:
    """Any 7 to 15 digits, as the documented client has it."""

    @pytest.mark.parametrize(
        ("raw", "address", "country"),
        [
            ("96512345678", "96512345678", "KW"),
            ("0096511111111", "96511111111", "KW"),
            ("98765432", "98765432", None),
            ("0559123456", "559123456", None),
            ("8887654", "8887654", None),
            ("888456789012345", "888456789012345", None),
            ("+54 11 2345-6789", "541123456789", "AR"),
            ("+44 7911 123456", "447911123456", "GG"),
            ("+9660559123456", "966559123456", "SA"),
        ],
    )
    def test_no_countrys_rule_applies(self, raw: str, address: str, country: str | None) -> None:
        """Landlines and local numbers pass; a country is named only where the length is its own."""
        assert normalized(raw, RELAXED) == Recipient(address, country=country)

    @pytest.mark.parametrize("raw", ["123456", "1234567890123456", "call 98765432", "user@gmail.com", "9650000000", ""])
    def test_it_still_has_to_be_one_number(self, raw: str) -> None:
        """Relaxed is about countries, not about garbage."""
        assert isinstance(normalized(raw, RELAXED), Rejected)

    def test_a_default_country_still_completes(self) -> None:
        """The two settings are independent."""
        relaxed_at_home = KwtSmsNormalizer(default_country="KW", kuwait_rule="relaxed")
        assert normalized("98765432", relaxed_at_home) == Recipient("96598765432", country="KW")

    def test_another_word_is_an_error(self) -> None:
        """A setting that can't be understood never means either."""
        with pytest.raises(ConfigError, match="kuwait_rule: 'loose' is neither"):
            KwtSmsNormalizer(kuwait_rule="loose")  # type: ignore[arg-type]


@pytest.mark.parametrize("by", NORMALIZERS)
def test_the_sandbox_numbers_always_pass(by: KwtSmsNormalizer) -> None:
    """965 4500 0000 to 9999, the sandbox's magic block, is valid under every setting."""
    for number in range(96545000000, 96545010000):
        assert normalized(f"+{number}", by) == Recipient(str(number), country="KW")
    assert validate_phone_format("96545000000") == (True, None)


@pytest.mark.parametrize("by", NORMALIZERS)
@given(raw=any_text())
def test_any_text_gets_an_answer(by: KwtSmsNormalizer, raw: str) -> None:
    """Nothing raises, the input is kept, and an address is 7 to 15 digits."""
    answer = normalized(raw, by)
    assert answer.raw == raw
    if isinstance(answer, Recipient):
        assert re.fullmatch("[1-9][0-9]{6,14}", answer.address)


@pytest.mark.parametrize("by", [STRICT, RELAXED, AT_HOME])
@given(raw=st.one_of(any_text(), mobiles(), examples_abroad(), st.from_regex(r"\A\+?[0-9]{6,16}\Z")))
def test_a_canonical_address_is_its_own(by: KwtSmsNormalizer, raw: str) -> None:
    """Normalizing what was normalized gives the same recipient; up to 8 digits could be a local number."""
    answer = normalized(raw, by)
    if isinstance(answer, Recipient) and len(answer.address) > 8:
        assert normalized(answer.address, by) == answer


@pytest.mark.parametrize("by", NORMALIZERS)
@given(raw=st.one_of(any_text(), mobiles(), st.from_regex(r"\A\+?[0-9]{6,16}\Z")))
@example(raw="+2000000000000")
@example(raw="+4400000000012")
@example(raw="4930000")
def test_a_marked_canonical_address_is_its_own_whatever_the_default_country(by: KwtSmsNormalizer, raw: str) -> None:
    """A number with a plus sign is never read as local."""
    answer = normalized(raw, by)
    if isinstance(answer, Recipient):
        marked = normalized("+" + answer.address, by)
        assert isinstance(marked, Recipient)
        assert marked.address == answer.address
        # Without the sign a few digits may be a local number, of a country that is not known.
        assert answer.country in (None, marked.country)


@given(raw=st.one_of(any_text(), mobiles(), st.from_regex(r"\A\+?[0-9]{6,16}\Z")))
def test_it_agrees_with_the_documented_functions(raw: str) -> None:
    """Relaxed accepts what strict accepts, as the same numbers; strict applies the rules of the Gulf."""
    strict, relaxed, documented = normalized(raw), normalized(raw, RELAXED), validate_phone_input(raw)
    if isinstance(strict, Recipient):
        assert isinstance(relaxed, Recipient)
        if strict.country in BY_COUNTRY:
            assert validate_phone_format(strict.address) == (True, None)
            assert relaxed == strict
    if isinstance(relaxed, Recipient) and not raw.lower().strip().startswith(("tel:", "sms:")):
        assert documented == (True, None, relaxed.address)


@given(st.data(), st.one_of(gulf_mobiles(), examples_abroad()))
def test_every_spelling_of_a_number_is_that_number(data: st.DataObject, number: str) -> None:
    """Script and punctuation don't matter, nor the mark where a number is too long for a local one."""
    answer = normalized(data.draw(spellings(number, ("", "+", "00") if len(number) > 8 else ("+", "00"))))
    assert isinstance(answer, Recipient), answer.error
    assert answer.address == number


@pytest.mark.parametrize("by", NORMALIZERS)
@given(data=st.data())
def test_the_fast_path_equals_the_slow_path(by: KwtSmsNormalizer, data: st.DataObject) -> None:
    """The fast path is no rule of its own: the slow path returns the same, letter by letter."""
    number = data.draw(st.one_of(kuwait_mobiles(), mobiles(), st.from_regex(r"\A965[0-9]{6,9}\Z")))
    raw = data.draw(spellings(number, marks=("", "+", "00", "0", "+0", "++", "0+", "tel:", " ", "\u202a")))
    raw += data.draw(st.sampled_from(("", "", "", ".0", "0.0", " ", "\n", "+", "_1", "\u202c", "\u0660", ".\u0660")))
    answer, slow = normalized(raw, by), by._normalize_any(raw)
    assert type(answer) is type(slow)
    assert answer.raw == slow.raw == raw
    if isinstance(answer, Rejected):
        assert isinstance(slow, Rejected)
        assert (str(answer.error), answer.suggestion) == (str(slow.error), slow.suggestion)
    else:
        assert answer == slow


@pytest.mark.parametrize("raw", ["9659800012.0", "+9659800012.0", " 9659800012.0 ", "9659800012.0\u00a0"])
def test_a_cell_of_one_digit_too_few_is_no_number(raw: str) -> None:
    """Without its point it would be another person's number."""
    assert "have 8 digits after 965; this one has 7" in reason(raw).detail


@pytest.mark.parametrize(
    "raw", ["96598765432.0", "+96598765432.00", "9.6598765432E+10", '="96598765432"', "'96598765432"]
)
def test_a_cell_of_a_spreadsheet_is_read_where_no_digit_is_lost(raw: str) -> None:
    """Its point and its exponent are no part of the number."""
    assert normalized(raw) == Recipient("96598765432", country="KW")


@pytest.mark.parametrize(
    ("country", "raw", "said"),
    [
        ("KW", "22334455", "start with 4, 5, 6 or 9 after 965; 2 is a landline, which can't receive SMS"),
        ("KW", "9876543", "Kuwait mobile numbers have 8 digits after 965; this one has 7"),
        ("KW", "022334455", "2 is a landline"),
        ("SA", "0112345678", "Saudi Arabia mobile numbers start with 5"),
        ("EG", "0223456789", "not a mobile number of EG, the default country"),
        ("KW", "01196598765432", "begins with 011"),
        ("KW", "+9876543", "+98 (IR)"),
        ("KW", "0022334455", "+223 (ML)"),
    ],
)
def test_a_local_number_is_judged_by_the_default_country_and_a_marked_one_is_not(
    country: str, raw: str, said: str
) -> None:
    """What is missing is no country code: one is set, or given."""
    rejected = normalized(raw, KwtSmsNormalizer(default_country=country))
    assert isinstance(rejected, Rejected)
    assert said in rejected.error.detail
    assert rejected.suggestion is None


@pytest.mark.parametrize("raw", ["096598765432", "0965 9876.5432", "٠96598765432", "0965-9876-5432\n"])
def test_one_zero_in_front_of_a_whole_kuwaiti_number_says_nothing(raw: str) -> None:
    """However it is set: Kuwait has no numbers that are dialled with a zero."""
    assert normalized(raw) == Recipient("96598765432", country="KW")


@given(st.data(), kuwait_mobiles())
def test_the_cores_own_normalizer_agrees_on_kuwaiti_numbers(data: st.DataObject, number: str) -> None:
    """It knows no country, but it finds the same address."""
    spelling = data.draw(spellings(number))
    answer = InternationalNormalizer().normalize(spelling, Channel.SMS)
    assert isinstance(answer, Recipient)
    assert answer.address == number


@pytest.mark.parametrize("by", NORMALIZERS)
@given(raw=st.one_of(any_text(), st.from_regex(r"\A[+0]?[0-9]{5,20}\Z"), st.from_regex(r"\A[a-z]{1,5}[0-9]{5,12}\Z")))
def test_a_reason_never_shows_the_number(by: KwtSmsNormalizer, raw: str) -> None:
    """Reasons end up in logs: neither their text nor the rejection's own contains the digits that were given."""
    answer = normalized(raw, by)
    digits = latin_digits(raw)
    if isinstance(answer, Rejected) and len(digits) >= 5:
        for shown in (str(answer.error), repr(answer.error), repr(answer.error.__reduce__())):
            assert digits not in shown
            assert digits.lstrip("0")[:5] not in shown or len(digits.lstrip("0")) < 5
    if isinstance(answer, Rejected) and len(raw) > 2 and digits:
        assert raw not in str(answer.error)


def test_it_is_a_value() -> None:
    """It does not change, compares by its settings, shows them, and pickles."""
    assert STRICT.name == "kwtsms"
    assert pickle.loads(pickle.dumps(AT_HOME)) == AT_HOME
    assert normalized("98765432", pickle.loads(pickle.dumps(AT_HOME))) == Recipient("96598765432", country="KW")
    assert repr(AT_HOME) == "KwtSmsNormalizer(default_country='KW', kuwait_rule='strict', strict_countries=frozenset())"
    with pytest.raises(AttributeError):
        AT_HOME.default_country = None  # type: ignore[misc]


@pytest.mark.parametrize(
    ("raw", "meant"),
    [("9876 5432", "96598765432"), ("٩٨٧٦٥٤٣٢", "96598765432"), ("22334455", None), ("+98765432", None), ("abc", None)],
)
def test_a_number_without_its_country_code_is_guessed_but_not_used(raw: str, meant: str | None) -> None:
    """The guess stands beside the rejection, for a person to confirm; its repr does not show the number."""
    answer = KwtSmsNormalizer().normalize(raw, Channel.SMS)
    assert isinstance(answer, Rejected)
    assert (answer.suggestion.address if answer.suggestion else None) == meant
    assert "98765432" not in repr(answer)


@pytest.mark.parametrize("by", [STRICT, AT_HOME, RELAXED])
@pytest.mark.parametrize("raw", ["+68271234", "0068271234"])
def test_eight_digits_with_a_plus_are_no_number_of_kuwait(by: KwtSmsNormalizer, raw: str) -> None:
    """They begin with a country code: 682 is that of the Cook Islands."""
    assert normalized(raw, by) == Recipient("68271234", country="CK")

"""Numbers that lead to one person: of phones, cards, accounts, and Chinese resident identity cards."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docutune.sensitive.findings import Finding

_DIGITS = re.compile(r"\d[\d .()-]{6,}\d", re.ASCII)
_FEWEST_DIGITS = 8
"""All of these numbers have so many in a row, spaces and hyphens aside; few texts do, and only they are looked at."""

_PHONES: tuple[tuple[re.Pattern[str], str | None], ...] = (
    (re.compile(r"(?<![\w+./-])\+[1-9]\d{0,2}[ .()-]{0,3}\d[\d .()-]{5,16}\d(?![\w-]|\.\d)", re.ASCII), None),
    (re.compile(r"(?<![\w.(/+-])(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}(?![\w-]|\.\d)", re.ASCII), "US"),
    (re.compile(r"(?<![\d.A-Za-z_/=-])1[3-9]\d([ -]?)\d{4}\1\d{4}(?![\w.-]\d|[A-Za-z0-9_])", re.ASCII), "CN"),
)
"""International, American and Chinese mobile numbers as people write them; phonenumbers judges whether they exist."""

_CARD = re.compile(
    r"(?<![\w.+/-])(?:\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|3[47]\d{2}([ -])\d{6}\2\d{5}|\d{15,19})(?![\w-]|\.\d)"
)
_ISSUER = re.compile(r"4|5[1-5]|2[2-7]|3[47]|6(?:011|2|5)|35")
_PAYS = re.compile(r"card|visa|mastercard|amex|unionpay|payment|\bpan\b|信用卡|银行卡|卡号|借记卡", re.IGNORECASE)
_TEST_CARDS = frozenset(
    ("378282246310005", "371449635398431", "6011111111111117", "6011000990139424", "3530111333300000")
)
_CALLS = re.compile(r"phone|mobile|cell|call|\btel|contact|sms|whatsapp|wechat|[\u4e00-\u9fff]", re.IGNORECASE)
_NEAR = 60
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_EXAMPLE_IBANS = frozenset(("GB82WEST12345698765432", "DE89370400440532013000", "GB29NWBK60161331926819"))
"""Of ISO 13616's registry and of Wikipedia's article."""

_RESIDENT = re.compile(r"(?<![\w.])[1-9]\d{5}(?:19|20)\d{2}[01]\d[0-3]\d{4}[\dXx](?!\w)", re.ASCII)
_EXAMPLE_RESIDENTS = frozenset(("11010519491231002X", "440524188001010014"))
"""Those of the standard itself, GB 11643-1999."""

_FEW = 4


def find(text: str) -> Iterator[Finding]:
    """Numbers whose form and check digits are right, without those that are known examples."""
    if not any(sum(map(str.isdigit, run)) >= _FEWEST_DIGITS for run in _DIGITS.findall(text)):
        return
    yield from _phones(text)
    yield from _cards(text)
    yield from _accounts(text)
    yield from _residents(text)


def _phones(text: str) -> Iterator[Finding]:
    """Eleven digits without a gap are a phone number only where the words beside them speak of one, or are Chinese."""
    for pattern, region in _PHONES:
        for match in pattern.finditer(text):
            told = not match[0].isdecimal() or _CALLS.search(_around(text, match))
            if told and _is_phone(match[0], region):
                yield Finding(*match.span(), "phone number")


def _is_phone(number: str, region: str | None) -> bool:
    """Whether such a number can have been given to somebody; the exchange 555 is kept free for fiction."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return False
    national = str(parsed.national_number)
    fictional = parsed.country_code == 1 and national[3:6] == "555"
    return (
        not fictional and len(set(national)) > _FEW and "12345" not in national and phonenumbers.is_valid_number(parsed)
    )


def _cards(text: str) -> Iterator[Finding]:
    """Card numbers in groups; digits without a gap only where the words beside them speak of cards."""
    from stdnum import luhn

    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        known = digits in _TEST_CARDS or len(set(digits)) <= _FEW
        if known or not _ISSUER.match(digits) or not luhn.is_valid(digits):
            continue
        if digits != match[0] or _PAYS.search(_around(text, match)):
            yield Finding(*match.span(), "card number")


def _accounts(text: str) -> Iterator[Finding]:
    from stdnum import iban

    for match in _IBAN.finditer(text):
        if match[0].replace(" ", "") not in _EXAMPLE_IBANS and iban.is_valid(match[0]):
            yield Finding(*match.span(), "IBAN")


def _residents(text: str) -> Iterator[Finding]:
    from stdnum.cn import ric

    for match in _RESIDENT.finditer(text):
        if match[0].upper() not in _EXAMPLE_RESIDENTS and ric.is_valid(match[0].upper()):
            yield Finding(*match.span(), "resident identity number")


def _around(text: str, match: re.Match[str]) -> str:
    return text[max(0, match.start() - _NEAR) : match.end() + _NEAR]

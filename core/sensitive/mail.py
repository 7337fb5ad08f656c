"""E-mail addresses of people."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docutune.sensitive.findings import Finding

KIND = "e-mail address"
_ADDRESS = re.compile(
    r"(?<![\w.+%/:@-])(?P<local>[A-Za-z0-9][\w.+%-]{0,63})@(?P<domain>(?:[A-Za-z0-9-]{1,63}\.){1,5}(?P<top>[A-Za-z]{2,24}))"
    r"(?![\w@-]|\.\w)",
    re.ASCII,
)
_TOPS = re.compile(
    r"com|org|net|edu|gov|mil|int|info|biz|name|pro|dev|app|io|ai|cloud|tech|online|site|xyz|email|academy|consulting|"
    r"systems|solutions|software|tools|live|store|shop|blog|company|group|digital|agency|london|berlin|amsterdam|"
    r"(?!py|md|sh|so|js|ts)[a-z]{2}",  # these end files more often than addresses
    re.IGNORECASE,
)
_RESERVED = re.compile(
    r"(?:.*\.)?(?:example(?:\.\w+)*|test|invalid|localhost|local)|(?:my|your|some)?-?(?:example|domain|email|mail|server|"
    r"host|company|organi[sz]ation|org|corp|site|website|foo|bar|baz|test|acme|contoso|fabrikam|foobar|host1|doe|smith)\.\w+"
    r"(?:\.\w+)?|users\.noreply\.github\.com|(?:lists?|packages|groups)\..+|googlegroups\.com|groups\.io|[a-z]\.\w+|"
    r"noreply\.\w+",
    re.IGNORECASE,
)
_ROLES = re.compile(
    r"(?:no-?reply|do-?not-?reply|support|help|helpdesk|info|contact|sales|security|admin|administrator|webmaster|"
    r"postmaster|hostmaster|abuse|press|media|jobs|careers|billing|legal|privacy|feedback|team|office|service|services|"
    r"hello|mail|newsletter|marketing|dev|devs|developers?|maintainers?|root|git|hg|svn|me|you|user(?:name)?\d*|someone|"
    r"somebody|anyone|name|email|foo|bar|test(?:er|user)?\d*|demo|your?[._-]?\w*|conduct|community|opensource|oss|bot|"
    r"[\w.-]*-(?:users|dev|devel|list|announce|discuss|bugs|team|sig|conduct|maintainers|security|support|bot)|"
    r"bugs?(?:-[\w-]+)?|[\w.-]+-(?:subscribe|request|owner)|lists?|python-\w+|pypi|notifications?|alerts?|build|ci|"
    r"john|jane|alice|bob|(?:john|jane)[._]?(?:doe|smith)|"
    r"first(?:name)?[._]?last(?:name)?)(?:\+\S*)?",
    re.IGNORECASE,
)
_NAMES_AUTHORS = re.compile(
    r"copyright|\(c\)|©|author|maintain|licen[cs]e|contributors|signed-off-by|reported-by|"
    r"(?:written|developed|contributed|ported) by|history|change ?log|"
    r"作者|维护者",
    re.IGNORECASE,
)
_BEFORE, _AFTER = 300, 60
"""Characters around an address in which a word for authors speaks of it: they stand in lists."""


def find(text: str) -> Iterator[Finding]:
    """Addresses that are no role's, no example's and no author's: documents name these on purpose."""
    if "@" not in text:
        return
    for match in _ADDRESS.finditer(text):
        near = text[max(0, match.start() - _BEFORE) : match.end() + _AFTER]
        if _is_address(match) and not _NAMES_AUTHORS.search(near):
            yield Finding(*match.span(), KIND)


def _is_address(match: re.Match[str]) -> bool:
    known = _TOPS.fullmatch(match["top"]) and not _RESERVED.fullmatch(match["domain"])
    itself = match["domain"].lower().startswith(f"{match['local'].lower()}.")  # fred@fred.com
    return bool(known) and not itself and not _ROLES.fullmatch(match["local"])

"""Verbs with which summaries of functions begin: what they do, so that "How can I ...?" can be asked."""

from __future__ import annotations

import re

_WORDS = """
accept activate add adjust align allow analyze append apply archive assign attach authenticate bind bring build
cache calculate call cancel cast change check clear clone close collect combine commit compare compile compute
configure confirm connect consume convert copy count create cut decode decorate decrypt define delete deliver deploy
derive detach detect determine disable discard dispatch display download drop dump duplicate echo edit emit enable
encode encrypt enforce ensure enter enumerate escape estimate evaluate execute exit expand export expose extract
fetch fill filter find flush forget format forward freeze gather generate get group guess handle hash hide highlight
ignore import include indent infer initialize inject insert inspect install intercept interpret invoke iterate join
keep launch limit list load locate lock log look lower make map mark match merge mock modify monitor mount move
navigate normalize notify obtain open order output parse patch pause peek perform pick play plot pop post prepare
prevent print process produce prompt publish pull push put query quote raise read rebuild receive record recreate
redirect reduce refresh register reject release reload remember remove rename render repeat replace reply report
request reset resize resolve restore resume retrieve retry reverse rewrite roll round run sample sanitize save scan
schedule search seek select send serialize set shift show shuffle shut sign skip sleep slice sort specify split
squash start stop store strip style submit subscribe substitute subtract sum suppress swap switch synchronize toggle
track transform translate trigger trim truncate turn uninstall unlock unpack unregister unset unwrap update upload
validate verify visit wait walk warn watch withdraw wrap write
"""

_IMPERATIVES = frozenset(_WORDS.split())
_FURTHER_VERB = re.compile(r"\b(?:and|or|then|but|also)\s+(?:\w+ly\s+)?(\w+s)\b")
_NOT_NOUNS = {"does", "gives", "has", "is", "makes", "passes", "returns", "takes", "uses", "yields"}


def imperative(sentence: str) -> str:
    """What a sentence tells to do or says is done, as it follows "how can I": "Prints a line" gives "print a line".

    Empty where it begins with no known verb, or where another verb in the third person follows.
    """
    verb, _, rest = sentence.partition(" ")
    lowered = verb.lower()
    if lowered in _IMPERATIVES and rest:
        return f"{lowered} {rest}"
    base = _base(lowered)
    further = {word for word in _FURTHER_VERB.findall(rest) if word in _NOT_NOUNS or _base(word)}
    return f"{base} {rest}" if base and rest and not further else ""


def _base(verb: str) -> str:
    """The base form of a known verb in the third person, "" for any other word."""
    stems = (verb[:-1], verb[:-2], f"{verb[:-3]}y") if verb.endswith("s") else ()
    return next((stem for stem in stems if stem in _IMPERATIVES), "")

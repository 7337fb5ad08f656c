"""Verbs with which summaries of functions begin: what they do, so that "How can I ...?" can be asked."""

from __future__ import annotations

import re

_WORDS = """
activate add adjust append apply assign attach bind build calculate call cancel change check clear close collect
combine compare compile compute configure connect convert copy count create decode decorate define delete detect
determine disable display download echo edit emit enable encode ensure enter evaluate execute exit expand extract
fetch fill filter find flush format forward generate get group handle import initialize insert inspect install
invoke iterate join launch limit list load locate log look make map mark match merge modify move normalize open
order output parse pause perform pick prepare print process produce prompt push put query raise read recreate
redirect register release remove rename render replace report request reset resolve restore retrieve rewrite run
sanitize save schedule search select send serialize set show sort split start stop store strip style submit
synchronize transform translate truncate turn unregister unwrap update upload validate verify wait wrap write
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

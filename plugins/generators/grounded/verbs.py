"""Verbs with which summaries of functions begin, so that "How can I ...?" reads well: "Print a message" does."""

from __future__ import annotations

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

IMPERATIVES = frozenset(_WORDS.split())

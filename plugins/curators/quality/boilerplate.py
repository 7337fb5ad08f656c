"""Phrases that say nothing of the subject: of assistants, of prompts, of pages.

Pages: the lines that C4 drops (Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
Transformer", 2020, section 2.2), as far as they have nothing to do with code, and the headers of common licences.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

ASSISTANT = re.compile(
    r"\b(?:as an? (?:ai|artificial intelligence|large language)(?: language)? (?:model|assistant)"
    r"|as a language model|i(?:'m| am) (?:just |only )?an ai(?: language)?(?: model| assistant)?\b|my knowledge cutoff"
    r"|i hope this helps|let me know if you (?:have|need) (?:any )?(?:more|other|further))"
    r"|\A(?:certainly|sure|of course|absolutely|great question|i'd be happy to help)[!,.]* *"
    r"(?:here(?:'s| is| are)|let me|i(?:'d| would) be (?:happy|glad)|i can help|below is)"
    r"|作为一[个名款](?:AI|人工智能|大?语言)(?:语言)?(?:模型|助手)|作为(?:AI|人工智能)(?:语言)?(?:模型|助手)"
    r"|\A(?:当然(?:可以)?|好的|没问题)[!！，,。]*\s*(?:以下是|下面是|这是|这里是)|希望(?:这|以上).{0,12}(?:有所?帮助|帮到你)",
    re.IGNORECASE,
)
REFUSAL = re.compile(
    r"\A(?:(?:i'm|i am) (?:very |so )?sorry,? but |sorry,? (?:but )?|unfortunately,? )?"
    r"(?:i (?:can(?:no|')t|am (?:not able|unable) to|am not allowed to|won't) "
    r"(?:help|assist|answer|provide|fulfil|comply|do that|discuss)"
    r"|i do(?:n't| not) have (?:access to|enough (?:information|context)|information (?:about|on)))"
    r"|\A(?:很?抱歉|对不起)[，,。!！ ]*我?(?:无法|不能|没有办法|没法)|\A我(?:无法|不能)(?:回答|提供|协助|帮助)",
    re.IGNORECASE,
)
UNSEEN = re.compile(
    r"\b(?:(?:according to|based on|as (?:stated|mentioned|described|shown) in|from) the "
    r"(?:(?:above|given|provided|following) (?:document|documentation|text|passage|context|section|excerpt|snippet)"
    r"|(?:document|documentation|text|passage|context|section|excerpt|snippet) "
    r"(?:above|(?:you )?(?:provided|given|gave)))"
    r"|the (?:provided|given) (?:document|text|passage|context|excerpt|snippet) "
    r"(?:does not|doesn't|states|says|mentions|shows))"
    r"|(?:根据|基于|按照|如)(?:您|你|所)?(?:上面|上述|以上|给定|提供|给出)的?(?:这段|该)?(?:文档|文本|段落|上下文|材料|内容)"
    r"|(?:文档|文本|上下文|材料)(?:中)?(?:没有|并未|未)(?:提及|提到|说明)",
    re.IGNORECASE,
)
LICENCE = re.compile(
    r"permission is hereby granted, free of charge|licensed under the apache license, version 2\.0 \(the"
    r"|redistribution and use in source and binary forms|this program is free software[:;] you can redistribute"
    r"|spdx-license-identifier:|the software is provided \"as is\", without warranty",
    re.IGNORECASE,
)
NAVIGATION = re.compile(
    r"\A(?:skip to (?:main )?content|toggle (?:navigation|table of contents)|table of contents\s*$)"
    r"|\b(?:lorem ipsum dolor|accept (?:all )?cookies|we use cookies|cookie policy[.|]|all rights reserved\.?\s*$"
    r"|please enable javascript|previous page\W+next page|edit (?:this page )?on github\s*$)",
    re.IGNORECASE,
)
ABOUT_LICENCES = re.compile(r"licen[cs]e|copyright|legal|许可|授权|版权|协议", re.IGNORECASE)


def any_of(phrases: Iterable[str]) -> re.Pattern[str] | None:
    """What finds one of the phrases, in any case; None where there are none."""
    wanted = "|".join(re.escape(phrase) for phrase in phrases if phrase)
    return re.compile(wanted, re.IGNORECASE) if wanted else None

"""Whether prose says of a name that it is not there: "there is no `X`", "`X` was renamed to", "不存在 `X`"."""

from __future__ import annotations

import re

_AROUND = 120  # characters before and after a name that are looked at
_LISTED = r"(?:`[^`\n]+`(?:,| and| or|,? nor|、|和|与|及|或)? ?)*"
_NOUN = (
    r"(?:(?:such|public|a|an|any|the|its|function|method|class|attribute|module|name|symbol|member|API|thing|way|call|"
    r"called|named|as|like|of|old|or|and|parameter|constant|exception) )*"
)
_BEFORE = re.compile(
    rf"(?:\b(?:no|not an?|not any|nor|neither|isn't an?|(?:does not|doesn't|do not|don't|did not|didn't) "
    rf"(?:have|offer|provide|know|contain|include|define|export)|never had|"
    rf"instead of|rather than|in place of|replac(?:es?|ed|ing)|remov(?:es?|ed|ing|al of)|drop(?:s|ped|ping)?|"
    rf"delet(?:es?|ed|ing)|renam(?:es?|ed|ing)|deprecat(?:es|ed|ing)|formerly|previously called|"
    rf"nonexistent|non-existent|unknown|invented|no longer (?:have|has|offers?|provides?|includes?|use|call|import)|"
    rf"(?:do not|don't|never|cannot|can't) (?:use|call|import)) {_NOUN}|"
    r"(?:没有|不存在|并无|并没有|未提供|不提供|不包含|不含|移除了?|删除了?|去掉了?|弃用了?|废弃了?|不再(?:使用|调用|提供|有)|"
    r"不要(?:使用|调用)|取代了?|替换了?|代替了?|替代了?|而不是|而非)"
    r"(?:名为|叫做?|一个|函数|方法|类|接口|属性|模块|这个|这样的|所谓的?|的|名称|名字|API|\s)*)"
    rf"{_LISTED}[“\"'(]?$",
    re.IGNORECASE,
)
_GONE = "removed|renamed|replaced|dropped|deleted|gone|deprecated|invented|made up|withdrawn|moved|nonexistent|unknown"
_AFTER = re.compile(
    rf"^[”\"')]?(?:(?:,| and| or|、|和|与|及|或) ?{_LISTED})?(?:"
    rf"(?:,? (?:which|that|but (?:it|that)|and (?:it|that)))?"
    rf"\s*(?:function |method |class |attribute |module |name |call )?(?:(?:both|all|also) )?(?:"
    rf"(?:does not|doesn't|do not|don't|did not|didn't|never) exist(?:s|ed)?\b|"
    rf"(?:is|are|was|were)(?: not|n't) (?:a |an |any |the name|part\b|in\b|available|there\b|defined|provided|offered|"
    rf"known|among|one of|something)|"
    rf"(?:is|are|was|were|has been|have been|got|had been) (?:now |also |both |since )?(?:{_GONE})\b|"
    rf"(?:(?:is|are) )?no longer (?:exists?|available|there|part|works?|supported|defined|provided|offered|present)\b|"
    rf"(?:became|becomes|has become|is now(?: called| named| spelled)?|turned into|went to) (?:the )?`|(?:→|->) ?`|"
    rf"is no (?:such |public )?(?:function|method|class|attribute|name|member|part)\b|went away)|"
    r",? a (?:name|function|method|class|call) (?:that|which) [^`.;,\n]{0,30}(?:does not|doesn't) "
    r"(?:have|know|offer|provide)|"
    r"(?:，?(?:但|而|可|不过)?(?:它|这个名称|该名称|这))?(?:\s*在[^`，。；\n]{0,20}(?:中|里|时|起|后|版))?"
    r"\s*(?:这个|这一|这样的|函数|方法|类|接口|名称|名字|属性|参数|模块|API|都|的|在该库中|在库中|其实|\s)*"
    r"(?:并?不存在|并没有|没有这|不是(?:该库|库中|库里|有效|真实|公开)|"
    r"(?:已经?被?|被)(?:移除|删除|弃用|废弃|去掉)|(?:已经?)?被(?:替换|取代|代替|替代)|"
    r"(?:已经?)?被 ?`[^`\n]+` ?(?:取代|代替|替代|替换)|"
    r"(?:已经?|被|已经?被)?(?:改名|更名|重命名)|已?改(?:称|为|成)|不再(?:存在|可用|提供|支持|有效|公开)|移到了?|"
    r"已?由 ?`[^`\n]+` ?(?:取代|代替|替代|替换)))",
    re.IGNORECASE,
)
_EMPTY_NO = re.compile(r"\bno (?:need|reason|harm|problem|doubt|matter|better|other)\b[^`]*$", re.IGNORECASE)


def is_denied(name: str, prose: str) -> bool:
    """Whether every mention of the dotted name says that it is not there, or no more."""
    mentions = list(re.finditer(rf"(?<![\w.]){re.escape(name)}(?![\w]|\.\w)", prose, re.ASCII))
    return bool(mentions) and all(_denies(prose, *mention.span()) for mention in mentions)


def _denies(prose: str, start: int, end: int) -> bool:
    before = prose[max(start - _AROUND, 0) : start].rpartition("\n")[2].removesuffix("`")
    after = prose[end : end + _AROUND].partition("\n")[0]
    after = re.sub(r"^(?:\([^)`]*\))?`?", "", after)
    if _EMPTY_NO.search(before):
        return False
    return bool(_BEFORE.search(before) or _AFTER.search(after))

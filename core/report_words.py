"""What the report says, in English and Chinese, and how it writes numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from docutune.evaluation import Comparison, Interval
from docutune.records import JsonValue
from docutune.report_charts import is_share, number

ENGLISH: Mapping[str, str] = {
    "report": "Fine-tuning report",
    "better": "Better",
    "worse": "Worse",
    "no difference": "No difference",
    "unmeasured": "Not measured",
    "dataset only": "Dataset only",
    "head.better": "The tuned model is better: {metric} rose from {base} to {tuned}",
    "head.worse": "The tuned model is worse: {metric} fell from {base} to {tuned}",
    "head.no difference": "No difference could be shown: {metric} was {base} before and {tuned} after tuning",
    "head.evidence": "{difference}, 95% interval {low} to {high}",
    "asked": "Measured on {count} held-out questions by {evaluator}.",
    "range": "{low} to {high}",
    "head.several": "{better} of {all} models got better; the best is {name}: {metric} rose from {base} to {tuned}",
    "head.several none": "None of {all} models got better.",
    "head.trained": "The model {name} was trained, but nothing was measured.",
    "head.trained several": "{all} models were trained, but nothing was measured.",
    "head.dataset": "The dataset is ready: {samples:,} samples of {facts:,} facts. No model was trained.",
    "head.nothing": "Neither dataset nor model was made.",
    "head.proven": "{claim} ({evidence}).",
    "metric.match": "matching answers",
    "metric.exact_match": "exact answers",
    "metric.rouge1": "ROUGE-1",
    "metric.rouge2": "ROUGE-2",
    "metric.rougeL": "ROUGE-L",
    "metric.bleu": "BLEU",
    "metric.chrf": "chrF",
    "note.match": "exact, or ROUGE-L above 0.6",
    "note.exact_match": "equal but for width and white space",
    "note.rouge1": "words shared",
    "note.rouge2": "pairs of words shared",
    "note.rougeL": "words shared in the same order",
    "note.bleu": "word sequences shared",
    "note.chrf": "character sequences shared",
    "models": "Models",
    "model": "Model",
    "figures": "Figures",
    "metric": "Metric",
    "base": "Base",
    "tuned": "Tuned",
    "difference": "Difference",
    "verdict": "Verdict",
    "questions": "Questions",
    "interval": "95% interval",
    "figures.note": "Means over held-out questions with 95% bootstrap intervals; the difference is paired by question.",
    "left_out": "{count} without a value on both sides are left out",
    "no figures": "This model was not evaluated.",
    "points": "points",
    "answers": "Answers side by side",
    "question": "Question",
    "expected": "Expected",
    "empty": "(empty answer)",
    "sources": "Sources",
    "training": "Training",
    "loss": "Loss",
    "learning_rate": "Learning rate",
    "step": "step",
    "no curve": "No training curve was recorded.",
    "not numbers": "{count} values were not numbers and are not drawn.",
    "from to": "{name} from {first} to {last} over {steps} steps",
    "training figures": "Training figures",
    "value": "Value",
    "settings": "Settings",
    "trainer": "Trainer",
    "base model": "Base model",
    "key": "Key",
    "evaluator": "Evaluator",
    "dataset": "Dataset",
    "no dataset": "No dataset was made.",
    "version": "Version",
    "samples": "Samples",
    "facts": "Facts",
    "train": "Train",
    "validation": "Validation",
    "test": "Held out",
    "by kind": "By kind",
    "by language": "By language",
    "rejected": "Left out, by reason",
    "nothing rejected": "No sample was left out.",
    "library": "Library",
    "documents": "Documents",
    "sections": "Sections",
    "symbols": "Symbols",
    "public_symbols": "Public symbols",
    "problems": "Problems in the sources",
    "source": "Source",
    "problem": "Problem",
    "no problems": "Every document was read without a problem.",
    "run": "Run",
    "name": "Name",
    "status": "Status",
    "time": "Time",
    "steps": "Steps",
    "started": "Started",
    "finished": "Finished",
    "outcome": "Outcome",
    "manifest": "Manifest",
    "project": "Project",
    "docutune": "docutune version",
    "status.made": "made",
    "status.reused": "reused",
    "status.failed": "failed",
    "status.cancelled": "stopped",
    "status.success": "success",
    "status.finished": "finished",
    "scroll": "table, scrolls sideways",
    "h": "h",
    "min": "min",
    "s": "s",
}

CHINESE: Mapping[str, str] = {
    "report": "微调报告",
    "better": "变好",
    "worse": "变差",
    "no difference": "无显著差异",
    "unmeasured": "未评测",
    "dataset only": "仅数据集",
    "head.better": "微调后的模型更好：{metric}从 {base} 升至 {tuned}",
    "head.worse": "微调后的模型更差：{metric}从 {base} 降至 {tuned}",
    "head.no difference": "未能证明有差异：{metric}微调前为 {base}，微调后为 {tuned}",
    "head.evidence": "{difference}，95% 置信区间 {low} 至 {high}",
    "asked": "由 {evaluator} 在 {count} 个留出问题上评测。",
    "range": "{low} 至 {high}",
    "head.several": "{all} 个模型中有 {better} 个变好；最好的是 {name}：{metric}从 {base} 升至 {tuned}",
    "head.several none": "{all} 个模型都没有变好。",
    "head.trained": "模型 {name} 已训练，但未做评测。",
    "head.trained several": "{all} 个模型已训练，但未做评测。",
    "head.dataset": "数据集已就绪：{samples:,} 条样本，{facts:,} 个事实。未训练模型。",
    "head.nothing": "既没有生成数据集，也没有训练模型。",
    "head.proven": "{claim}（{evidence}）。",
    "metric.match": "答案吻合率",
    "metric.exact_match": "完全一致率",
    "metric.rouge1": "ROUGE-1",
    "metric.rouge2": "ROUGE-2",
    "metric.rougeL": "ROUGE-L",
    "metric.bleu": "BLEU",
    "metric.chrf": "chrF",
    "note.match": "完全一致，或 ROUGE-L 大于 0.6",
    "note.exact_match": "忽略全半角与空白后相同",
    "note.rouge1": "共有的词",
    "note.rouge2": "共有的相邻词对",
    "note.rougeL": "顺序一致的共有词",
    "note.bleu": "共有的词序列",
    "note.chrf": "共有的字符序列",
    "models": "模型对比",
    "model": "模型",
    "figures": "评测结果",
    "metric": "指标",
    "base": "微调前",
    "tuned": "微调后",
    "difference": "差值",
    "verdict": "结论",
    "questions": "问题数",
    "interval": "95% 置信区间",
    "figures.note": "留出问题上的均值与 95% 自助法置信区间；差值按问题配对。",
    "left_out": "另有 {count} 个问题缺少一侧的值，未计入",
    "no figures": "该模型未做评测。",
    "points": "个百分点",
    "answers": "回答对照",
    "question": "问题",
    "expected": "参考答案",
    "empty": "（空回答）",
    "sources": "出处",
    "training": "训练",
    "loss": "损失",
    "learning_rate": "学习率",
    "step": "步",
    "no curve": "没有记录训练曲线。",
    "not numbers": "有 {count} 个值不是有效数字，未画出。",
    "from to": "{name}在 {steps} 步内从 {first} 变为 {last}",
    "training figures": "训练数据",
    "value": "值",
    "settings": "设置",
    "trainer": "训练器",
    "base model": "基座模型",
    "key": "键",
    "evaluator": "评测器",
    "dataset": "数据集",
    "no dataset": "没有生成数据集。",
    "version": "版本",
    "samples": "样本",
    "facts": "事实",
    "train": "训练集",
    "validation": "验证集",
    "test": "留出集",
    "by kind": "按类型",
    "by language": "按语言",
    "rejected": "剔除的样本（按原因）",
    "nothing rejected": "没有样本被剔除。",
    "library": "文档与代码库",
    "documents": "文档",
    "sections": "章节",
    "symbols": "符号",
    "public_symbols": "公开符号",
    "problems": "来源中的问题",
    "source": "来源",
    "problem": "问题",
    "no problems": "所有文档都已顺利读取。",
    "run": "运行",
    "name": "名称",
    "status": "状态",
    "time": "耗时",
    "steps": "步骤",
    "started": "开始",
    "finished": "结束",
    "outcome": "结果",
    "manifest": "清单",
    "project": "项目",
    "docutune": "docutune 版本",
    "status.made": "已生成",
    "status.reused": "已复用",
    "status.failed": "失败",
    "status.cancelled": "已停止",
    "status.success": "成功",
    "status.finished": "已完成",
    "scroll": "表格，可横向滚动",
    "h": "小时",
    "min": "分",
    "s": "秒",
}

TEXTS: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "zh": CHINESE}


@dataclass(frozen=True, slots=True)
class Words:
    """The texts and number forms of one language; any language but Chinese reads English."""

    language: str

    @property
    def tag(self) -> str:
        """The language the report is in, for the page's `lang`."""
        return "zh" if self.language.lower().startswith("zh") else "en"

    def say(self, key: str, **parts: object) -> str:
        """The text of that key with its parts filled in."""
        return TEXTS[self.tag][key].format(**parts)

    def known(self, group: str, name: str) -> str:
        """The text of "group.name", or the name itself where there is none: plugins bring names of their own."""
        return TEXTS[self.tag].get(f"{group}.{name}", name)

    def note(self, metric: str) -> str:
        """What a metric measures, in a few words; empty for an unknown one."""
        return TEXTS[self.tag].get(f"note.{metric}", "")

    def value(self, amount: float, share: bool) -> str:
        """A metric's value: 61.3% for a share, else a plain number."""
        return f"{100 * amount:.1f}%" if share else number(amount)

    def change(self, amount: float, share: bool) -> str:
        """A signed difference without unit: +59.2 for shares, counted in points of a hundred."""
        scaled = round(100 * amount, 1) if share else amount
        sign = "+" if scaled > 0 else "−" if scaled < 0 else ""
        return sign + (f"{abs(scaled):.1f}" if share else number(abs(scaled)))

    def points(self, amount: float, share: bool) -> str:
        """A signed difference with its unit."""
        return f"{self.change(amount, share)} {self.say('points')}" if share else self.change(amount, share)

    def score(self, metric: str, amount: float | None) -> str:
        """One answer's value with the metric's name; empty where there is none."""
        if amount is None:
            return ""
        return f"{self.known('metric', metric)} {self.value(amount, 0 <= amount <= 1)}".strip()

    def title(self, metric: str) -> str:
        """A metric's name where it stands alone: words take a capital, "chrF" and names of plugins stay."""
        name = self.known("metric", metric)
        return name[0].upper() + name[1:] if name != metric and name.replace(" ", "").islower() else name

    def span(self, interval: Interval, share: bool) -> str:
        """The ends of an interval of values."""
        return self.say("range", low=self.value(interval.low, share), high=self.value(interval.high, share))

    def change_span(self, interval: Interval, share: bool) -> str:
        """The ends of an interval of differences, without the unit."""
        low, high = (self.change(end, share) for end in (interval.low, interval.high))
        return self.say("range", low=low, high=high)

    def evidence(self, comparison: Comparison) -> str:
        """The difference of a comparison with its interval, as half a sentence."""
        share, difference = is_share(comparison), comparison.difference
        low, high = self.change(difference.low, share), self.change(difference.high, share)
        return self.say("head.evidence", difference=self.points(difference.mean, share), low=low, high=high)

    def duration(self, seconds: float) -> str:
        """A time span: 0.4 s, 12 s, 3 min 5 s, 1 h 12 min."""
        if seconds < 10:
            return f"{seconds:.1f} {self.say('s')}"
        minutes, rest = divmod(round(seconds), 60)
        if not minutes:
            return f"{rest} {self.say('s')}"
        hours, minutes_left = divmod(minutes, 60)
        if not hours:
            return f"{minutes} {self.say('min')} {rest} {self.say('s')}"
        return f"{hours} {self.say('h')} {minutes_left} {self.say('min')}"


def moment(iso: str) -> str:
    """An ISO 8601 time to the second, with its zone; text that is none stays as it is."""
    try:
        time = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{time:%Y-%m-%d %H:%M:%S} {time.tzname() or ''}".strip()


def flat(value: JsonValue, name: str = "") -> Iterator[tuple[str, str]]:
    """Names and values of nested JSON, one row each: ("lora.rank", "16"); a list of plain values is one row."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from flat(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(item, (list, Mapping)) for item in value):
        for index, item in enumerate(value):
            yield from flat(item, f"{name}[{index}]")
    elif isinstance(value, list):
        yield name, ", ".join(plain(item) for item in value) or "—"
    else:
        yield name, plain(value)


def plain(value: JsonValue) -> str:
    """One plain value as text: numbers short, nothing as a dash."""
    if value is None or value == "":
        return "—"
    if isinstance(value, float):
        return number(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

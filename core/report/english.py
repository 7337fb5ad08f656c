"""Every text of the report in English."""

from __future__ import annotations

from collections.abc import Mapping

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
    "range": "{low} to {high}",
    "head.several": "{better} of {all} models got better; the best is {name}: {metric} rose from {base} to {tuned}",
    "head.trained": "The model {name} was trained, but nothing was measured.",
    "head.trained several": "{all} models were trained, but nothing was measured.",
    "head.dataset": "The dataset is ready: {samples:,} samples of {facts:,} facts. No model was trained.",
    "head.nothing": "The run ended before a dataset was made.",
    "head.proven": "{claim} ({evidence}).",
    "metric.match": "matching answers",
    "metric.exact_match": "exact answers",
    "metric.rouge1": "ROUGE-1",
    "metric.rouge2": "ROUGE-2",
    "metric.rougeL": "ROUGE-L",
    "metric.bleu": "BLEU",
    "metric.chrf": "chrF",
    "score.match.1": "matches",
    "score.match.0": "no match",
    "score.exact_match.1": "exact",
    "score.exact_match.0": "not exact",
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
    "expected": "Expected",
    "empty": "(empty answer)",
    "training": "Training",
    "learning_rate": "Learning rate",
    "step": "step",
    "no curve": "No training curve was recorded.",
    "not numbers": "{count} values were not numbers and are not drawn.",
    "value": "Value",
    "trainer": "Trainer",
    "base model": "Base model",
    "key": "Key",
    "dataset": "Dataset",
    "version": "Version",
    "dataset version": "Dataset version",
    "samples": "Samples",
    "facts": "Facts",
    "train": "Train",
    "validation": "Validation",
    "documents": "Documents",
    "sections": "Sections",
    "symbols": "Symbols",
    "public_symbols": "Public symbols",
    "source": "Source",
    "problem": "Problem",
    "name": "Name",
    "status": "Status",
    "time": "Time",
    "steps": "Steps",
    "started": "Started",
    "finished": "Finished",
    "outcome": "Outcome",
    "docutune": "docutune version",
    "status.made": "made",
    "status.reused": "reused",
    "status.failed": "failed",
    "status.cancelled": "stopped",
    "status.interrupted": "interrupted",
    "status.finished": "finished",
    "h": "h",
    "min": "min",
    "s": "s",
    "head.evidence": "{difference}, 95% interval {low} to {high}, {count} questions",
    "head.several none": "None of {all} models got better; the closest is {closest}.",
    "head.closest": "{name} with {metric} ({evidence})",
    "says": "What this says",
    "does not say": "What it does not say",
    "means.same questions": (
        "Base and tuned model were asked the same {count} questions, none of which was trained in these words."
    ),
    "means.match": (
        "An answer matches when it equals the expected one, or shares so many words with it, in the same "
        "order, that ROUGE-L is above 0.6."
    ),
    "means.exact_match": "An answer is exact when it equals the expected one but for width and white space.",
    "means.rephrased": (
        "{count} held-out questions ask, in other words, for facts that were trained: they show whether "
        "those were learned."
    ),
    "means.unseen": "{count} held-out questions are about symbols that no training sample names.",
    "means.given": "{count} held-out questions come from files or rows that are marked as test.",
    "means.random": "{count} held-out questions were drawn by chance from the question-answer files.",
    "means.better": (
        "The whole 95% interval of the difference lies above zero: other questions of this kind would very "
        "likely show a gain, too."
    ),
    "means.worse": (
        "The whole 95% interval of the difference lies below zero: other questions of this kind would very "
        "likely show a loss, too."
    ),
    "means.no difference": (
        "The 95% interval of the difference reaches zero, or fewer than {fewest} answers differ: what is "
        "seen may be chance."
    ),
    "limits.tiny": (
        "{name} is a toy that is made on the spot to show that the way works: its figures say nothing of a real model."
    ),
    "limits.no difference": (
        "It does not prove that both are equally good: more questions could still show a difference."
    ),
    "limits.overlap": (
        "Shared words are no proof that an answer is right, nor are other words proof that it is wrong: read "
        "the answers below."
    ),
    "limits.other questions": (
        "Nothing is known of questions that the sources do not cover, nor of what the base knew of other "
        "things and may have forgotten."
    ),
    "limits.interval": (
        "The interval covers the choice of questions, not that of the seed: another training may end elsewhere."
    ),
    "answers": "Answers that changed most",
    "some answers": "Some answers",
    "chosen.changed": (
        "Ordered by the change of {metrics}; where that is the same, by the next one. At most {count} that "
        "improved and {count} that worsened, and one for each fact."
    ),
    "chosen.same": "Hardly any answer changed: some that stayed the same are shown, at equal distances.",
    "chosen.unmeasured": "These answers have no measure of their own; they are chosen at equal distances.",
    "change.improved": "Improved",
    "change.worsened": "Worsened",
    "change.same": "Same",
    "change.unmeasured": "Not measured",
    "changes": "All {count} answers",
    "trace": "docutune trace ID tells where a sample comes from.",
    "sources": "Sources",
    "sample": "Sample",
    "loss": "Loss",
    "curve.loss": "training",
    "curve.validation_loss": "validation",
    "curve.learning_rate": "learning rate",
    "validation_loss": "Validation loss",
    "no validation": "No validation loss: no sample was held out for it (split: validation).",
    "training figures": "Figures of the training",
    "settings": "Settings",
    "coverage": "Coverage of the public symbols",
    "covered.documents": "mentioned in the documents",
    "covered.samples": "spoken of by samples",
    "covered.none": "{count} of {all} without any sample",
    "all covered": "Every public symbol has a sample.",
    "no samples": "The run made no dataset: samples are not counted.",
    "coverage.note": (
        "A section mentions a symbol when it writes its full name or, in code, the end of that name where it "
        "fits no other public symbol."
    ),
    "module": "Module",
    "more modules": "{count} more modules",
    "more symbols": "{count} more are in report.json.",
    "mentioned": "in the documents",
    "kind": "Kind",
    "by kind": "By kind",
    "by language": "By language",
    "by split": "By split",
    "rejected": "Left out, by reason",
    "nothing rejected": "No sample was left out.",
    "unseen left out": "names a symbol that is held out",
    "test": "Held out for the test",
    "lengths.question": "Length of the questions",
    "lengths.answer": "Length of the answers",
    "lengths.note": "characters; shortest {shortest:,}, median {median:,}, longest {longest:,}",
    "library": "Library",
    "problems": "Problems in the sources",
    "no problems": "Every document was read without a problem.",
    "run": "Time and cost",
    "whole run": "Whole run",
    "requests": "Requests",
    "reused replies": "Replies reused",
    "input tokens": "Input tokens",
    "output tokens": "Output tokens",
    "cost": "Cost",
    "spending": "Calls of chat models",
    "manifest": "Manifest",
    "manifest.note": "as in manifest.json in the folder of the run",
    "nothing of this": "Nothing was recorded.",
    "scroll": "table, scrolls sideways",
    "fold": "show",
    "comma": ", ",
    "asked": "Measured on {count} held-out questions by {evaluator}.",
    "language.en": "English",
    "language.zh": "Chinese",
    "characters": "Characters",
}

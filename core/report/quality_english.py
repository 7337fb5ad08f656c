"""The texts of the report on a dataset's quality in English."""

from __future__ import annotations

from collections.abc import Mapping

QUALITY_ENGLISH: Mapping[str, str] = {
    "quality": "Dataset quality",
    "quality.headline": "{train:,} samples to train on, {validation:,} to validate with, {test:,} to ask afterwards",
    "quality.looked at": "What was looked at",
    "level.good": "fine",
    "level.look": "look at this",
    "level.bad": "mend this",
    "find.nothing held out": "No sample is held out: nothing will tell whether a training helped.",
    "find.leaked": (
        "{count:,} of {all:,} held-out questions are trained, too ({exact:,} word for word, {near:,} nearly): what is "
        "measured on them says nothing. To mend it: `leakage` and `duplicates` in `curate:`, then docutune run --until "
        "dataset."
    ),
    "find.no leak": "None of the {all:,} held-out questions is asked in the training data, word for word or nearly.",
    "find.contradicting": (
        "{count:,} samples ask what an earlier one of their split asks, and answer it otherwise; the curator "
        "`duplicates` leaves such out."
    ),
    "find.repeated": (
        "{count:,} samples ask and answer the same as an earlier one of their split; the curator `duplicates` leaves "
        "such out."
    ),
    "find.no training": "No training is known for this version: lengths in tokens are estimates.",
    "find.unmeasured": "{name}: not yet measured against max_length {limit:,}; lengths in tokens are estimates.",
    "find.too many": (
        "{name}: {count:,} of {all:,} samples are longer than max_length {limit:,}, more than {share} of those to "
        "train on: it will not begin."
    ),
    "find.too long": "{name}: {count:,} of {all:,} samples are longer than max_length {limit:,} and are left out.",
    "find.all fit": "{name}: all {all:,} samples fit into max_length {limit:,}.",
    "find.other language.question": "{count:,} questions are not written in the language that they declare.",
    "find.other language.answer": (
        "{count:,} answers are not written in the language that their samples declare; the curator `quality` leaves "
        "such out."
    ),
    "find.languages fit": "Every question is written in the language that it declares, and every answer may be.",
    "find.no library": "Public symbols are unknown: no library was read when this version was made here.",
    "find.covered": "{count:,} of {all:,} public symbols ({share}) have a sample.",
    "quality.counts": "Counts",
    "quality.split": "Split",
    "split.train": "train",
    "split.validation": "validation",
    "split.test": "test",
    "split.left out": "in no split",
    "quality.all": "All",
    "quality.rejected": "Left out before, by curator or generator",
    "quality.rejected unknown": "Not known: no run of this workspace made this version.",
    "quality.lengths": "Lengths and truncation",
    "quality.tokens": "Tokens",
    "quality.tokens of": "tokens of {base}",
    "quality.estimated": "tokens, estimated",
    "quality.estimate": (
        "Estimated: one token for each Chinese character and for every four other characters, without the chat "
        "template. {how}"
    ),
    "quality.how measured": (
        "`docutune dataset report` measures them with the tokenizer once the base model is on this disk."
    ),
    "quality.lengths note": "shortest {shortest:,}, median {median:,}, longest {longest:,}",
    "quality.part.question": "Prompt",
    "quality.part.answer": "Answer",
    "quality.part.whole": "Whole",
    "quality.limit": "max_length {limit:,}",
    "quality.too long": "longer than max_length",
    "quality.share trained": "Tokens that bear loss",
    "quality.longest": "The longest samples",
    "quality.duplicates": "Duplicates and leakage",
    "quality.repeated": "Repeated within a split",
    "quality.contradicting": "Of those, answered otherwise",
    "quality.exact": "Trained word for word",
    "quality.near": "Trained nearly so",
    "quality.held out": "Held out",
    "quality.trained": "Trained",
    "quality.alike": "alike",
    "quality.duplicates note": (
        "Questions are compared without case (but for names), width, white space and punctuation at their ends. "
        "Nearly: question and answer both share at least 80% of their pairs of neighbouring words."
    ),
    "quality.languages": "Languages",
    "quality.declared": "Declared",
    "quality.writing": "Written in",
    "writing.zh": "Chinese characters",
    "writing.latin": "Latin letters",
    "writing.mixed": "several scripts",
    "writing.other": "another script",
    "writing.none": "no words outside of code",
    "quality.does not fit": "does not fit",
    "quality.languages note": (
        "Of each question and of each answer of some words, by the script of the words outside of code. An answer of a "
        "Chinese sample may quote an English source."
    ),
    "quality.coverage": "Symbols without samples",
    "quality.coverage note": "The modules with the most public symbols that no sample speaks of.",
    "quality.no library": (
        "No library was read for this version (it was imported, or its run read only question-answer files), so "
        "there is nothing to compare its samples with."
    ),
    "quality.without": "without",
    "quality.masks": "What is trained",
    "quality.masks note": (
        "Samples as the trainer sees them, token by token, with the chat template. Marked tokens bear loss; the others "
        "are only read."
    ),
    "quality.no masks": (
        "The tokens of a sample are shown once the base model is on this disk: train, or run `docutune dataset report`."
    ),
    "quality.mask": "{trained:,} of {tokens:,} tokens are trained",
    "quality.row": "Row {number}",
    "quality.more": "{count:,} more tokens are not shown.",
    "quality.samples": "Samples chosen at random",
    "quality.samples note": "{count} of {all:,}, the same ones for the same version. `docutune trace ID` tells more.",
    "role.system": "System",
    "role.user": "Question",
    "role.assistant": "Answer",
    "quality.producer": "Made by",
    "quality.fact": "Fact",
    "quality.link": "Quality of the dataset",
}

"""The texts of the page in English."""

from __future__ import annotations

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    # all tabs
    "language": "Language",
    "unexpected": "Something went wrong that should not happen.",
    "unexpected_hint": "The terminal in which docutune ui runs says more.",
    "unset": "(unset)",
    "more_options": "{count} more options",
    "from_to": "from {least} to {most}",
    "at_least": "at least {bound}",
    "at_above": "above {bound}",
    "at_most": "at most {bound}",
    "at_below": "below {bound}",
    "saved": "Saved in {file}.",
    "stop": ". ",
    "comma": ", ",
    # a run
    "no_run": "No run yet",
    "running": "at work",
    "finished": "finished",
    "failed": "failed",
    "interrupted": "interrupted",
    "reused": "reused",
    "made": "made",
    "cancelled": "stopped",
    "run_is": "Run {run}: {outcome}",
    "at_step": "{step}: {done} of {total}",
    "in_step": "{step}",
    "took": "{time} so far",
    "took_all": "{time}",
    # tabs
    "tab_sources": "Sources",
    "tab_train": "Train",
    "tab_plugins": "Plugins",
    "tab_settings": "Settings",
    # sources
    "sources_about": (
        "What docutune reads: documents, source code and question-answer files below the workspace's folder."
    ),
    "begin_about": (
        "This folder has no pipeline.yaml yet. Say what to read and which model to train; the file is then "
        "made with comments, and can be changed here or in an editor."
    ),
    "begin_nothing": (
        "No documents, code or question-answer files were found here. Put some into {folder} and press "
        "“{look}”. A file made now waits for question-answer pairs."
    ),
    "begin_project": "Project",
    "begin_project_info": "The name of the library",
    "begin_language": "Languages of the samples",
    "begin_language_info": "In which the questions and answers are written",
    "begin_model": "Base model",
    "begin_model_info": (
        "A name on the hub such as Qwen/Qwen3-0.6B, a folder, or builtin/tiny (made here); empty: dataset only"
    ),
    "begin_lacking": "Nothing can be trained yet. To train: {install}",
    "begin_make": "Make pipeline.yaml",
    "begin_look": "Look again",
    "begun": "{file} is made. Parse the sources to see what is in them, then go on in the tab Train.",
    "sources_choose": "Sources",
    "sources_choose_info": "Folders and files to read; type to search",
    "sources_save": "Save sources",
    "sources_parse": "Parse and preview",
    "sources_reload": "Look again",
    "sources_mistakes": "pipeline.yaml cannot be run as it stands:",
    "preview_empty": (
        "Nothing parsed yet. “{parse}” shows what docutune finds in the sources; nothing is sent anywhere."
    ),
    "documents": "documents",
    "sections": "sections",
    "symbols": "symbols",
    "samples": "samples",
    "problems": "problems",
    "public_symbols": "public symbols",
    "spoken_of": "documented",
    "document": "Document",
    "document_info": "Shows the sections and public symbols found in it",
    "parser": "Parser",
    "problem": "Problem",
    "not_read": "No parser reads: {kinds}",
    "coverage": "Coverage: which public symbols do the documents speak of?",
    "coverage_none": "No public symbols were found, so there is no coverage to tell.",
    "module": "Module",
    "share": "Share",
    "section": "Section",
    "lines": "Lines",
    "begins": "Begins with",
    "symbol": "Symbol",
    "kind": "Kind",
    "signature": "Signature",
    "nothing_inside": "No sections or public symbols were found in this document.",
    # train
    "train_about": (
        "Train a model on the samples that are made of the sources. A run does everything from the sources "
        "to the report; what is made already is used again."
    ),
    "train_no_file": "There is no pipeline.yaml yet: make it in the tab “{tab}”.",
    "train_none": (
        "The pipeline file trains nothing yet. Choose the options below and start: the training is written down."
    ),
    "train_no_trainer": "No trainer is installed that can be used here. The tab “{tab}” says what to install.",
    "train_which": "Training",
    "train_which_info": "An entry of train: in pipeline.yaml",
    "train_new": "a new training",
    "train_trainer": "Trainer",
    "train_trainer_info": "The plugin that trains",
    "train_save": "Save options",
    "train_estimate": "Estimate memory",
    "train_start": "Save and start",
    "train_stop": "Stop",
    "train_stopped": "Stopped. The next start goes on from there.",
    "train_not_running": "No run is at work.",
    "train_started": "Run {run} has begun. It goes on when this page is closed.",
    "train_continues": "{step} was interrupted; the next start goes on from its step {checkpoint}.",
    "train_wrong": "The options are not right: see the marked fields.",
    "train_progress": "Progress",
    "train_nothing_yet": "No run yet. Choose the options and press “{start}”.",
    "plan_title": "What a run would do",
    "plan_reuse": "reuse",
    "plan_make": "make",
    "plan_waits": "after the steps before it",
    "plan_step": "Step",
    "plan_action": "Action",
    "plan_memory": "Memory",
    "plan_unknown": "not known before the base model is here",
    "plan_memory_is": "{step} takes about {memory} of memory at most, with rows of the full length.",
    "loss": "Loss",
    "train_loss": "training",
    "eval_loss": "validation",
    "learning_rate": "Learning rate",
    "step": "Step",
    "at_training_step": "Optimizer step",
    "status": "Status",
    "time": "Time",
    "left": "left",
    "speed": "tokens/s",
    "loss_now": "loss",
    "log": "Log",
    "log_empty": "The run has printed nothing yet.",
    "board": "Open TensorBoard",
    "board_no_run": "There is no run to show yet.",
    "board_at": "TensorBoard of run {run}:",
    # plugins
    "plugins_about": "What is installed. A package that brings plugins appears here after a restart of docutune ui.",
    "plugin": "Plugin",
    "package": "Package",
    "state": "State",
    "ready": "ready",
    "needs": "needs {missing}: {install}",
    "does": "What it does",
    "plugins_failed": "Failed to load",
    "plugin_choose": "Options of a plugin",
    "plugin_choose_info": "Shows its form; values are checked by the plugin itself",
    "plugin_no_options": "This plugin has no options.",
    "plugin_check": "Check and show as YAML",
    "plugin_right": "These options are right. In pipeline.yaml:",
    # settings
    "settings_about": "Keys are read from environment variables alone: they are never shown, and stored nowhere.",
    "provider": "Provider",
    "variable": "Environment variable",
    "key_set": "set",
    "key_unset": "not set",
    "key_asked": "set; named by pipeline.yaml",
    "key_asked_unset": "not set, but named by pipeline.yaml",
    "settings_keys": "Keys of providers",
    "settings_keys_how": (
        "To use a provider, stop docutune ui, set its variable (export OPENAI_API_KEY=...) and start it again."
    ),
    "settings_here": "This workspace",
    "folder": "Folder",
    "version": "docutune",
    "pipeline_file": "Pipeline file",
    "none": "none",
    "settings_machine": "This machine",
    "settings_check": "Check this machine",
    "settings_unchecked": (
        "“{check}” shows processor, memory, GPU and libraries, and what to do about what is missing."
    ),
    "check": "Check",
    "found": "Found",
    "advice": "What to do",
}

EXPLANATIONS: Mapping[str, str] = {}
"""Option -> explanation; plugins explain their options in English themselves."""

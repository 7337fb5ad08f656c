"""English wording."""

from __future__ import annotations

from docutune.plugins.generators.grounded.phrasing import Phrasing, Wording

_FORMS = {
    "purpose": Phrasing(
        questions=(
            "What is `{name}` for?",
            "What does `{name}` do?",
            "Explain the purpose of `{name}`.",
            "Can you tell me what `{name}` is used for?",
            "When would I need `{name}`?",
            "Describe `{name}` briefly.",
        ),
        answer=("`{name}`: {summary}",),
    ),
    "signature": Phrasing(
        questions=(
            "What is the signature of `{name}`?",
            "How is `{name}` declared?",
            "Show me the signature of `{name}`.",
            "Which arguments does `{name}` accept, as declared in the source?",
            "What does the declaration of `{name}` look like?",
            "Write down the full signature of `{name}`.",
        ),
        answer=("`{name}` is declared as:\n\n```{language}\n{signature}\n```",),
    ),
    "declaration": Phrasing(
        questions=(
            "How is the {noun} `{name}` declared?",
            "What is the declaration of `{name}`?",
            "Show me how `{name}` is defined.",
            "What does the definition of `{name}` look like?",
            "Which type or value does `{name}` have?",
            "Write down the declaration of the {noun} `{name}`.",
        ),
        answer=("`{name}` is declared as:\n\n```{language}\n{signature}\n```",),
    ),
    "parameters": Phrasing(
        questions=(
            "Which parameters does `{name}` have?",
            "List the parameters of `{name}`.",
            "What can I pass to `{name}`?",
            "What are the parameter names of `{name}`?",
            "Name all parameters of `{name}`.",
            "Which inputs does `{name}` take?",
        ),
        answer=("`{name}` takes {parameters}.",),
    ),
    "parameter": Phrasing(
        questions=(
            "What does the parameter `{parameter}` of `{name}` mean?",
            "In `{name}`, what is `{parameter}` for?",
            "What should I pass as `{parameter}` to `{name}`?",
            "Explain the `{parameter}` argument of `{name}`.",
            "How does `{parameter}` affect `{name}`?",
            "Describe the parameter `{parameter}` that `{name}` takes.",
        ),
        answer=("`{parameter}`: {description}", " Its default is `{default}`."),
    ),
    "default": Phrasing(
        questions=(
            "What is the default value of `{parameter}` in `{name}`?",
            "Which value does `{name}` use when `{parameter}` is not given?",
            "If I leave out `{parameter}` when calling `{name}`, what is it?",
            "Tell me the default of the `{parameter}` parameter of `{name}`.",
            "What does `{parameter}` default to in `{name}`?",
            "In the signature of `{name}`, what is `{parameter}` set to?",
        ),
        answer=("In `{name}`, `{parameter}` defaults to `{default}`.",),
    ),
    "returns": Phrasing(
        questions=(
            "What does `{name}` return?",
            "What do I get back from `{name}`?",
            "What is the return value of `{name}`?",
            "What is the result of calling `{name}`?",
            "Tell me what a call to `{name}` returns.",
            "What kind of value does `{name}` give back?",
        ),
        answer=("`{name}` returns `{type}`.", "`{name}` returns: {description}", " Its return type is `{also}`."),
    ),
    "usage": Phrasing(
        questions=(
            "How do I use `{name}`?",
            "Show me an example of `{name}`.",
            "Give me sample code for `{name}`.",
            "What does typical code with `{name}` look like?",
            "Can you demonstrate `{name}` in code?",
            "I want to use `{name}`. What do I write?",
        ),
        answer=(
            "{lead}\n\n",
            "An example of `{unannounced}`:\n\n",
            "An example of `{name}`, here under its other name `{spelled}`:\n\n",
            "```{language}\n{code}\n```",
        ),
    ),
    "lookup": Phrasing(
        questions=(
            'Which {noun} in `{package}` is described like this: "{task}"?',
            'I am looking for the {noun} in `{package}` that does this: "{task}". What is its name?',
            'What in `{package}` fits the description "{task}"?',
            'Name the {noun} of `{package}` with this purpose: "{task}".',
            'In `{package}`, what should I use for this: "{task}"?',
            '"{task}": which part of `{package}` is meant?',
        ),
        answer=("That is `{name}`: {summary}",),
    ),
    "task": Phrasing(
        questions=(
            "How can I {task} with `{package}`?",
            "Which {noun} of `{package}` do I use to {task}?",
            "I want to {task}. What does `{package}` offer for that?",
            "Is there a {noun} in `{package}` to {task}?",
            "Using `{package}`, I need to {task}. What should I call?",
            "What is the right {noun} in `{package}` if I want to {task}?",
        ),
        answer=("Use `{name}`: {summary}",),
    ),
    "explanation": Phrasing(
        questions=(
            'What does the documentation say about "{topic}"?',
            'Explain "{topic}".',
            'Summarize the section "{topic}" of the documentation.',
            'What should I know about "{topic}"?',
            'I am reading the docs on "{topic}". What are the main points?',
            'What is explained under "{topic}"?',
        ),
        answer=("{text}",),
    ),
    "inheritance": Phrasing(
        questions=(
            "Which class does `{name}` inherit from?",
            "What is the base class of `{name}`?",
            "What does `{name}` derive from?",
            "Is `{name}` a subclass of something?",
            "Name the direct parents of the class `{name}`.",
            "What is `{name}` built on, in terms of inheritance?",
        ),
        answer=("`{name}` inherits from {bases}.",),
    ),
    "members": Phrasing(
        questions=(
            "Which public members does `{name}` have?",
            "What does the {noun} `{name}` contain?",
            "List what `{name}` offers.",
            "What can I find in `{name}`?",
            "Which names are defined in `{name}`?",
            "Give me an overview of the members of `{name}`.",
        ),
        answer=("`{name}` has {members}.", "`{name}` has, among others, {some}."),
    ),
    "negative": Phrasing(
        questions=(
            "What does `{wrong}` do?",
            "How do I use `{wrong}`?",
            "What is the signature of `{wrong}`?",
            "Explain `{wrong}` to me.",
            "Which parameters does `{wrong}` take?",
            "Does `{wrong}` exist?",
        ),
        answer=("There is no `{wrong}`. Did you mean `{name}`? It is described as: {summary}",),
    ),
}

ENGLISH = Wording(
    forms=_FORMS,
    nouns={},
    comma=", ",
    conjunction=" and ",
)

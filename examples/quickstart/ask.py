"""Asks the model that the quickstart tuned one question that it was never trained on, and the base model the same."""

from __future__ import annotations

import json
from pathlib import Path

from docutune import Workspace
from docutune.records import Message, Sampling


def main() -> None:
    """Print the held-out question whose answer improved most, what was expected, and what base and tuned model say."""
    workspace = Workspace.find(Path(__file__).parent)
    report = json.loads((workspace.run_folder() / "report.json").read_text())
    chosen = report["models"][0]["answers"][0]  # the most improved come first
    with workspace.session() as session:
        question = [Message("user", chosen["question"])]
        base = "".join(session.stream(question, "base", Sampling(max_new_tokens=60)))
        tuned = "".join(session.stream(question, "tuned", Sampling(max_new_tokens=256)))
    print(f"\nQuestion: {chosen['question']}\nExpected: {chosen['reference']}")
    print(f"\nBase model:  {base}\nTuned model: {tuned}")


if __name__ == "__main__":
    main()

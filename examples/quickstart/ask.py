"""Asks the model that the quickstart tuned one question that it was never trained on, and the base model the same."""

from __future__ import annotations

import json
from pathlib import Path

from docutune import Workspace
from docutune.records import Message


def main() -> None:
    """Print the held-out question with the best answer, its expected answer, and what base and tuned model say."""
    workspace = Workspace.find(Path(__file__).parent)
    answers = json.loads((workspace.run_folder() / "report.json").read_text())["models"][0]["answers"]
    chosen = max(answers, key=lambda answer: answer["tuned_score"])
    with workspace.session() as session:
        question = [Message("user", chosen["question"])]
        base = "".join(session.stream(question, "base", max_new_tokens=60))
        tuned = "".join(session.stream(question, "tuned", max_new_tokens=256))
    print(f"\nQuestion: {chosen['question']}\nExpected: {chosen['reference']}")
    print(f"\nBase model:  {base}\nTuned model: {tuned}")


if __name__ == "__main__":
    main()

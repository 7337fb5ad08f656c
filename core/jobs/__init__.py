"""Long work in child processes: a spec as a JSON file in, events out; a served model over a socket pair."""

from docutune.jobs.run import run_job
from docutune.jobs.sessions import open_session

__all__ = ["open_session", "run_job"]

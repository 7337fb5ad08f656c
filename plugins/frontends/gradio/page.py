"""One page in one language: what stands above the tabs, and the tabs."""

from __future__ import annotations

from contextlib import ExitStack
from html import escape
from typing import TYPE_CHECKING

import gradio as gr

from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.room import Room
from docutune.plugins.frontends.gradio.tabs import TABS
from docutune.plugins.frontends.gradio.words import LANGUAGES, Words

if TYPE_CHECKING:
    from docutune.api import Workspace
    from docutune.desk.live import Look

_REMEMBER = """() => {
  if (!window.docutuneSettled) return;
  const here = new URL(location.href);
  here.searchParams.set('tab', '%s');
  history.replaceState(null, '', here);
  for (const link of document.querySelectorAll('.languages a')) link.search = here.search;
}"""
"""The tab stays the same when the page is loaded again, and when its language is switched; so does what tabs add."""

_SETTLE = """() => {
  window.docutuneSettled = true;
  for (const link of document.querySelectorAll('.languages a')) {
    link.search = location.search;
    link.onclick = event => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      fetch(link.href).finally(() => location.assign(link.href));
    };
  }
}"""
"""From here on a tab that is selected was selected by the user, not by the page.

A page in the other language is asked for before this one is left: gradio takes its own connections, which end then, for
lost ones, and loads this page again where the other takes seconds to come.
"""

_CLOCK = """() => {
  let moved = Date.now(), seconds = 0, told = '';
  const beat = () => document.getElementById('beat').click();
  const user = () => { moved = Date.now(); };
  for (const kind of ['pointerdown', 'keydown', 'input']) addEventListener(kind, user, true);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) { user(); beat(); } });
  setInterval(() => {
    if (document.hidden) return;
    const state = document.getElementById('state').textContent;
    if (state !== told) { told = state; user(); }
    seconds += 1;
    if (Date.now() - moved < 10000 || seconds % 3 === 0) beat();
  }, 1000);
}"""
"""A beat a second while a run goes on or somebody does something here, else one in three seconds, and none while the
page cannot be seen: each takes the browser a tenth of a second or more, beside a training perhaps.
"""

_ONCE = """() => addEventListener('click', event => {
  const button = event.target.closest('button');
  if (event.detail < 2 || !button || button.closest('.pages')) return;
  event.stopImmediatePropagation();
  event.preventDefault();
}, true)"""
"""A double click is one click, but where pages are turned: gradio sends both before it knows what came of the first."""


def build(workspace: Workspace, words: Words, closing: ExitStack) -> gr.Blocks:
    """Build it; nothing of the workspace is looked at before somebody opens it."""
    page: gr.Blocks
    with gr.Blocks(title=f"docutune · {workspace.project.name}", analytics_enabled=False, fill_width=True) as page:
        beat = gr.Button("", visible="hidden", elem_id="beat")
        room = Room(workspace, words, closing, page, beat)
        gr.HTML(_head(workspace, words), elem_id="head", padding=False)
        state = gr.HTML(elem_id="state", padding=False)
        with gr.Tabs(elem_id="tabs") as tabs:
            for name, tab in TABS.items():
                with gr.Tab(words(f"tab_{name}"), id=name) as shown:
                    tab(room)
                shown.select(None, None, None, js=_REMEMBER % name, api_visibility="private")
        room.quietly(lambda: _state(room), None, state)
        room.follow()
        opened = room.on(page.load, _chosen, None, tabs, show_progress="hidden")
        opened.then(None, None, None, js=_SETTLE, api_visibility="private")
        for script in (_CLOCK, _ONCE):
            page.load(None, None, None, js=script, api_visibility="private")
    return page


def _chosen(request: gr.Request) -> object:
    name = request.query_params.get("tab", "")
    return gr.update(selected=name) if name in TABS else gr.skip()


def _head(workspace: Workspace, words: Words) -> str:
    here = {words.language: " aria-current=true"}
    links = " ".join(
        f'<a href="/{language}/" lang="{language}"{here.get(language, "")}>{name}</a>'
        for language, name in LANGUAGES.items()
    )
    where = escape(str(workspace.project))
    label = escape(words("language"))
    return (
        f'<header lang="{words.language}"><b>docutune</b><span class="where">{where}</span>'
        f'<nav class="languages" aria-label="{label}">{links}</nav></header>'
    )


def _state(room: Room) -> str:
    """One line on the run at work, or the newest one, above all tabs."""
    try:
        look = room.workspace.desk.look()
    except Exception as error:
        return room.mistake(error)
    words = room.words
    if look is None:
        return f'<p class="run none">{escape(words("no_run"))}</p>'
    parts = [words("run_is", run=look.run, outcome=words.either(look.outcome, look.outcome)), *_moment(look, words)]
    return f'<p class="run {escape(look.outcome)}">{" · ".join(map(escape, parts))}</p>'


def _moment(look: Look, words: Words) -> list[str]:
    if look.outcome != "running":
        return [words("took_all", time=show.duration(look.seconds, words))]
    parts = [words("took", time=show.duration(look.seconds, words))]
    if look.step and look.total:
        parts.insert(0, words("at_step", step=look.step, done=f"{look.done or 0:,}", total=f"{look.total:,}"))
    elif look.step:
        parts.insert(0, words("in_step", step=look.step))
    return parts

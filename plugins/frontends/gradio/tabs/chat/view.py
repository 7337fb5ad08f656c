"""Which part of a chat is seen: its end while an answer is written, the newest question once two answers stand there.

Whoever has scrolled up stays where he is until something else is asked or opened.
"""

from __future__ import annotations

FOLLOW = """() => {
  const NEAR = 32;  // pixels from the end that still count as the end
  const follow = talk => {
    let following = true, writing = false, shown = '', answers = 0, placed = 0, waiting = false;
    const newest = () => [...talk.querySelectorAll('.turn')].at(-1);
    const go = top => { talk.scrollTop = top; placed = talk.scrollTop; };
    const place = () => {
      const turn = newest(), both = turn && turn.querySelectorAll('.answer').length > 1;
      if (!both || writing) return go(talk.scrollHeight);
      go(talk.scrollTop + turn.getBoundingClientRect().top - talk.getBoundingClientRect().top - 8);
    };
    const look = () => {
      waiting = false;
      const turns = talk.querySelectorAll('.turn'), going = talk.querySelector('.going') !== null;
      const now = turns.length + ' ' + (newest()?.querySelector('.question')?.textContent ?? '');
      const another = now !== shown || (going && !writing);
      const said = newest()?.querySelectorAll('.answer').length ?? 0;
      const over = !going && (writing || said !== answers);  // a short answer is there before it was seen going
      [shown, writing, answers] = [now, going, said];
      following = following || another;
      if (another || over || going) { if (following) place(); }
    };
    const later = () => { if (!waiting) { waiting = true; requestAnimationFrame(look); } };
    talk.addEventListener('scroll', () => {
      if (Math.abs(talk.scrollTop - placed) > 1 || !writing)
        following = talk.scrollHeight - talk.scrollTop - talk.clientHeight < NEAR;
    });
    new MutationObserver(later).observe(talk, {childList: true, subtree: true, characterData: true});
    let hidden = talk.clientHeight === 0;
    new ResizeObserver(() => {
      if (hidden && talk.clientHeight) place();
      hidden = talk.clientHeight === 0;
    }).observe(talk);
    later();
  };
  const begin = () => {
    const talk = document.getElementById('talk');
    if (talk) follow(talk);
    return talk !== null;
  };
  if (!begin()) {
    const wait = new MutationObserver(() => { if (begin()) wait.disconnect(); });
    wait.observe(document.body, {childList: true, subtree: true});
  }
}"""

"""A real Chromium for the tests that open a page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CONTRASTS = """() => {
  const parse = text => {
    const parts = text.match(/-?[\\d.]+(e-?\\d+)?/g).map(Number);
    const scale = text.startsWith("color(") ? 1 : 255;
    return [...parts.slice(0, 3).map(part => part / scale), parts.length > 3 ? parts[3] : 1];
  };
  const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const background = node => {
    if (!node) return [1, 1, 1, 1];
    const own = parse(getComputedStyle(node).backgroundColor);
    return own[3] === 1 ? own : over(own, background(node.parentElement));
  };
  const light = colour => colour.slice(0, 3)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const text = [...node.childNodes].filter(child => child.nodeType === 3).map(child => child.data).join("").trim();
    if (!text || !node.getClientRects().length) continue;
    const style = getComputedStyle(node), under = background(node);
    const ink = over(parse(node instanceof SVGElement ? style.fill : style.color), under);
    const [low, high] = [light(ink), light(under)].sort((a, b) => a - b);
    found.push({text: text.slice(0, 40), ratio: (high + 0.05) / (low + 0.05)});
  }
  return found;
}"""
"""Contrast of every text with what is behind it, as WCAG 2.2 (success criterion 1.4.3) defines it."""


@contextmanager
def started() -> Iterator[Browser]:
    """The browser that CHROMIUM names, or the one on the path."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    assert found, (
        "these tests need Chromium: install it, or let CHROMIUM name it (make test leaves them out without one)"
    )
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()

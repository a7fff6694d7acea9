"""The built pages in Chromium: served by this machine, and watched from the first paint on."""

import functools
import http.server
import shutil
import threading
from contextlib import contextmanager

from notebooks import ROOT
from playwright.sync_api import sync_playwright

SITE = ROOT / "_build" / "html"
CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
# Milliseconds to the first text, by the browser's own clock.
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
# Everything that moved without the reader's doing, from the first paint on: to be run before a page.
SHIFTS = """
window.moved = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved += entry.value;
}).observe({type: "layout-shift", buffered: true});
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the pages without a word."""

    def log_message(self, *args):
        """Say nothing."""


@contextmanager
def served():
    """The address of the pages while they are served."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(SITE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def chromium():
    """A browser without a window; Playwright allows one in each thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()

"""Each page's first view from disk in headless Chromium, and how much of it moves afterwards.

Run it on a quiet machine, after `make book`: a busy one shows its own load.
"""

import functools
import http.server
import shutil
import statistics
import sys
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright

SITE = Path(__file__).resolve().parents[1] / "_build" / "html"
REPEATS = 3
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
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


def measure(browser, address):
    """Milliseconds to the first text, by the browser's own clock, and the sum of layout shifts (CLS)."""
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    page = context.new_page()
    page.add_init_script(SHIFTS)
    page.goto(address, wait_until="load")
    page.wait_for_timeout(300)
    found = page.evaluate(PAINT), page.evaluate("window.moved")
    context.close()
    return found


def main():
    if not shutil.which("chromium") or not SITE.is_dir():
        print("Chromium and a built book are needed.")
        return 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(SITE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rows = []
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        for path in sorted(SITE.glob("book/**/*.html")):
            name = path.relative_to(SITE).as_posix()
            runs = [measure(browser, f"http://127.0.0.1:{server.server_port}/{name}") for _ in range(REPEATS)]
            rows.append((statistics.median(paint for paint, _ in runs), max(shift for _, shift in runs), name))
        browser.close()
    server.shutdown()
    rows.sort()
    print(f"{'first view (ms)':>16} {'shift':>7}  page; middle of {REPEATS} visits, largest shift")
    for paint, shift, name in rows:
        print(f"{paint:16.0f} {shift:7.4f}  {name}")
    print(f"{rows[len(rows) // 2][0]:16.0f} at the median of {len(rows)} pages, {rows[-1][0]:.0f} at most")
    return 0


if __name__ == "__main__":
    sys.exit(main())

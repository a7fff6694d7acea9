"""Each page's first view from disk in headless Chromium, and how much of it moves afterwards.

Run it on a quiet machine, after `make book`: a busy one shows its own load.
"""

import statistics
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tools"))
from browse import CHROMIUM, PAINT, SHIFTS, SITE, chromium, served

REPEATS = 3


def measure(browser, address):
    """Milliseconds to the first text, and the sum of layout shifts (CLS)."""
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    page = context.new_page()
    page.add_init_script(SHIFTS)
    page.goto(address, wait_until="load")
    page.wait_for_timeout(300)
    found = page.evaluate(PAINT), page.evaluate("window.moved")
    context.close()
    return found


def main():
    if not CHROMIUM or not SITE.is_dir():
        print("Chromium and a built book are needed.")
        return 0
    rows = []
    with served() as address, chromium() as browser:
        for path in sorted(SITE.glob("book/**/*.html")):
            name = path.relative_to(SITE).as_posix()
            runs = [measure(browser, f"{address}/{name}") for _ in range(REPEATS)]
            rows.append((statistics.median(paint for paint, _ in runs), max(shift for _, shift in runs), name))
    rows.sort()
    print(f"{'first view (ms)':>16} {'shift':>7}  page; middle of {REPEATS} visits, largest shift")
    for paint, shift, name in rows:
        print(f"{paint:16.0f} {shift:7.4f}  {name}")
    print(f"{rows[len(rows) // 2][0]:16.0f} at the median of {len(rows)} pages, {rows[-1][0]:.0f} at most")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What work beyond book size costs: measuring it, and the table of it in the book.

`python tools/costs.py` runs what COSTS lacks and writes processor time and memory of each run. A run that takes longer
than the limit is stopped, and the table says how long it had taken by then. As a Sphinx extension it makes the table.
"""

import argparse
import json
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import threading

import chapters
import nbformat
import notebooks
import typeset
from notebooks import ROOT
from sphinx.util.docutils import SphinxDirective

from crlab.ledger.rooms import ROOMS
from crlab.ledger.turbulence import checks
from crlab.turbulence import results

COSTS = ROOT / "book" / "reference" / "costs.json"
MEMORY = 10 * 2**30
# What a paper would run, besides the chapters at full size.
COMMANDS = {
    "python -m crlab.sources STORE": ("sources", "6000 Galaxies in four scenarios"),
    "python -m crlab.sources.library make reference --folder FOLDER": (
        "sources",
        "a library of 6000 Galaxies for the classifier",
    ),
}


def jobs():
    """All that can be measured: room, what it is, and the command."""
    for path in notebooks.physics():
        name = path.relative_to(ROOT).as_posix()
        yield path.parent.name, path.stem, f"CRLAB_SIZE=full python tools/chapters.py --dry {name}"
    for command, (room, what) in COMMANDS.items():
        yield room, what, command


def measure(command, limit):
    """Processor seconds and peak memory in MB of a command, and whether it ended within `limit` seconds."""
    words = shlex.split(command)
    begin = words.index("python")
    environment = os.environ | {"CRLAB_PROGRESS": "0", "PYTHONPATH": str(ROOT)}
    environment |= dict(word.split("=", 1) for word in words[:begin])
    with tempfile.TemporaryDirectory() as folder:
        places = {"FOLDER": folder, "STORE": f"{folder}/store"}
        started = subprocess.Popen(
            [sys.executable, *(places.get(word, word) for word in words[begin + 1 :])],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
        )
        timer = threading.Timer(limit, started.terminate)  # its kernel sees that, and ends too
        timer.start()
        _, status, used = os.wait4(started.pid, 0)
        ended = timer.is_alive()
        timer.cancel()
        started.returncode = os.waitstatus_to_exitcode(status)
    if ended and started.returncode:
        raise RuntimeError(f"{command} failed")
    return {
        "core_seconds": round(used.ru_utime + used.ru_stime),
        "memory_mb": round(used.ru_maxrss / 2 ** (20 if sys.platform == "darwin" else 10)),
        "ended": ended,
    }


def measured():
    """What has been measured, by command."""
    return json.loads(COSTS.read_text()) if COSTS.is_file() else {}


def stored():
    """Work whose results are in the package, with the cost that was stored beside them."""
    made = results.manifest()
    yield (
        "turbulence",
        f"{made['cases']} cases of the transport in synthetic turbulence",
        made["command"],
        made["processor_hours"],
    )
    seconds = float(sum(checks.load()["seconds"]))
    yield (
        "turbulence",
        "all checks at ten times their size",
        "python -m crlab.turbulence checks --size 10",
        seconds / 3600,
    )


def rows():
    """The lines of the table: for each room book size, then what was measured beyond it."""
    found = measured()
    for room in ROOMS:
        records = [chapters.cost(nbformat.read(p, 4)) for p in notebooks.chapters() if p.parent.name == room]
        seconds, memory = sum(r.threads * r.seconds for r in records), max(r.memory_mb for r in records)
        what = f"{len(records)} chapters at book size" if len(records) > 1 else "its chapter at book size"
        yield room, what, "make chapters", f"at most {hours(seconds / 3600)}", memory
        for _, what, command in (job for job in jobs() if job[0] == room and job[2] in found):
            cost = found[command]
            core = (
                hours(cost["core_seconds"] / 3600) if cost["ended"] else f"not done after {cost['limit'] / 60:.0f} min"
            )
            yield room, what, command, core, cost["memory_mb"]
        for _, what, command, core in (line for line in stored() if line[0] == room):
            yield room, what, command, hours(core), ""


def hours(number):
    return f"{number:.2g}"


class Costs(SphinxDirective):
    """The table of measured costs."""

    def run(self):  # noqa: D102
        self.env.note_dependency(str(COSTS))
        lines = []
        for room, what, command, core, memory in rows():
            if "CRLAB_SIZE" in command:
                chapter = command.split()[-1].removesuffix(".ipynb")
                what, command = f"{{doc}}`/{chapter}` at full size", "CRLAB_SIZE=full make lab"
            lines.append((room, what, command, core, memory))
        return self.parse_text_to_nodes(typeset.render("costs.md", rows=lines))


def setup(app):
    """Sphinx calls this."""
    app.add_directive("costs", Costs)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def main():
    parser = argparse.ArgumentParser(description="Measure what work beyond book size costs.")
    parser.add_argument("name", nargs="*", help="chapters or rooms; by default all that has not been measured")
    parser.add_argument("--limit", type=int, default=600, help="seconds after which a run is stopped (%(default)s)")
    options = parser.parse_args()
    for room, what, command in jobs():
        if {room, what} & set(options.name) or (not options.name and command not in measured()):
            print(command, flush=True)
            cost = measure(command, options.limit) | {"limit": options.limit}
            COSTS.write_text(json.dumps(measured() | {command: cost}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

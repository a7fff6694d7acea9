"""Chapters and their stored outputs: which are current, running those that are not, feeding the build.

A chapter's outputs carry a fingerprint of its code cells and of the sources (and data files) of the
crlab modules that it loaded. Where the fingerprint still fits, the outputs are what the code gives; where
it does not, the chapter is run. Used as a command, and as a Sphinx extension that hands every chapter with
valid outputs to myst-nb, so that no page ever shows a stale result.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import time
from pathlib import Path

import nbformat
import typeset
from docutils import nodes
from jupyter_cache import get_cache
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from notebooks import ROOT, chapters, code_cells, is_door, page, write
from sphinx.util.docutils import SphinxDirective

from crlab.ledger.rooms import ROOMS

QUIET = ["--log-level=ERROR"]  # else each kernel warns of its local sockets
COST = "Time and memory at book size"  # how the sentence begins to which a page adds what was measured
THREADS = 2  # of a chapter, unless CRLAB_THREADS says otherwise
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
# Run before and after the chapter in its own kernel: which files of crlab it used, and its peak memory. In many short
# lines: nbclient looks for carriage returns in a time that grows as the square of a line's length.
WATCH = """
def watch():
    import sys
    opened = set()
    sys.addaudithook(lambda event, args: opened.add(str(args[0])) if event == "open" else None)
    sys.modules["__main__"].__dict__["_opened_files"] = opened
watch(); del watch
"""
# Linux counts in ru_maxrss what the process that started the kernel held; VmHWM is the kernel's own.
PROBE = """
import json, pathlib, resource, sys
if (status := pathlib.Path("/proc/self/status")).is_file():
    peak = int(status.read_text().split("VmHWM:")[1].split()[0]) / 2**10
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**(20 if sys.platform == "darwin" else 10)
print(json.dumps({
    "opened": sorted(_opened_files),
    "modules": [m.__file__ for n, m in sys.modules.items() if n.split(".")[0] == "crlab" and m.__file__],
    "memory": peak
}, indent=1))
"""


def used_files(modules, opened):
    """What decides the results: the package's modules that were loaded and its data files that were read."""
    paths = {Path(p).resolve() for p in modules}
    paths |= {p for name in opened if (p := Path(name)).suffix not in (".py", ".pyc", ".nbi", ".nbc") and p.is_file()}
    return sorted(p.relative_to(ROOT).as_posix() for p in paths if p.is_relative_to(ROOT / "crlab"))


def fingerprint(notebook, files, environment=os.environ):
    """Hash of the code cells, the files of crlab and the size at which the chapter runs in an environment."""
    h = hashlib.sha256(environment.get("CRLAB_SIZE", "book").encode())
    for cell in code_cells(notebook):
        h.update(cell.source.encode() + b"\0")
    for name in files:
        path = ROOT / name
        h.update(name.encode() + b"\0" + (path.read_bytes() if path.is_file() else b"gone"))
    return h.hexdigest()[:16]


def is_current(notebook):
    """Whether stored outputs are those of the present code."""
    record = notebook.metadata.get("crlab")
    return record is not None and record["fingerprint"] == fingerprint(notebook, record["files"])


def execute(path, folder=None, **environment):
    """Run a chapter in a fresh kernel, in its own folder or another one; return it with outputs and record."""
    notebook = nbformat.read(path, 4)
    # BLAS on one thread: its threads spin when both cores are busy, and small matrices then take far longer.
    fixed = {"CRLAB_PROGRESS": "0", "OPENBLAS_NUM_THREADS": "1"}
    environment = {"CRLAB_THREADS": str(THREADS)} | os.environ | fixed | environment
    code = [i for i, cell in enumerate(notebook.cells, 1) if cell.cell_type == "code" and not is_door(cell)]
    watch, probe = nbformat.v4.new_code_cell(WATCH), nbformat.v4.new_code_cell(PROBE)
    notebook.cells = [watch, *notebook.cells, probe]
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", record_timing=False, coalesce_streams=True, extra_arguments=QUIET
    )
    client.resources["metadata"] = {"path": str(folder or path.parent)}
    begin = time.perf_counter()
    with client.setup_kernel(env=environment):
        client.execute_cell(watch, 0, store_history=False)
        for count, i in enumerate(code, 1):
            say(f"  {path.stem}: cell {count} of {len(code)}", end="\r")
            client.execute_cell(notebook.cells[i], i, execution_count=count)
        seconds = time.perf_counter() - begin
        client.execute_cell(probe, len(notebook.cells) - 1, store_history=False)
    notebook.cells = notebook.cells[1:-1]
    found = json.loads(probe.outputs[0].text)
    files = used_files(found["modules"], found["opened"])
    record = {"fingerprint": fingerprint(notebook, files, environment), "files": files}
    record |= {"seconds": round(seconds, 1), "threads": int(environment["CRLAB_THREADS"])}
    record |= {"memory_mb": round(found["memory"])}
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}, "crlab": record})
    say(f"  {path.stem}: {seconds:.0f} s, {record['memory_mb']} MB" + " " * 20)
    return notebook


def with_outputs(path, fresh=False):
    """A chapter with valid outputs: stored ones, those of an earlier build, or new ones."""
    kept = ROOT / "_build" / "executed" / path.relative_to(ROOT)
    present = nbformat.read(path, 4)
    for candidate in () if fresh else (kept, path):
        if candidate.is_file():
            notebook = nbformat.read(candidate, 4)
            if is_current(notebook) and take_outputs(present, notebook):
                return present
    say(f"Running {path.relative_to(ROOT)}" + ("" if fresh else ": its stored outputs are not those of this code"))
    notebook = execute(path)
    write(notebook, kept)
    return notebook


def take_outputs(present, notebook):
    """Put the outputs of a run into the present text, if both have the same code; captions may have changed since."""
    pairs = [code_cells(n) for n in (present, notebook)]
    if [cell.source for cell in pairs[0]] != [cell.source for cell in pairs[1]]:
        return False
    for cell, ran in zip(*pairs, strict=True):
        cell.outputs, cell.execution_count = ran.outputs, ran.execution_count
    present.metadata = notebook.metadata
    return True


def say(text, end="\n"):
    if end == "\n" or sys.stderr.isatty():
        print(text, end=end, file=sys.stderr, flush=True)


def prime(app, config):
    """Put every chapter's valid outputs where myst-nb looks for them."""
    notebooks = {path: with_outputs(path, os.environ.get("FRESH") == "1") for path in chapters()}
    h = hashlib.sha256()
    for path, notebook in notebooks.items():
        h.update(str(path).encode() + json.dumps([c for c in notebook.cells if c.cell_type == "code"]).encode())
    # A new name makes Sphinx read the pages again, though their sources are the old ones.
    folder = ROOT / "_build" / f".jupyter_cache-{h.hexdigest()[:12]}"
    config["nb_execution_cache_path"] = str(folder)
    if (folder / "complete").exists():
        return
    for old in folder.parent.glob(".jupyter_cache-*"):
        shutil.rmtree(old)
    cache = get_cache(folder)
    for path, notebook in notebooks.items():
        part = folder / path.name
        write(notebook, part)
        # Not held to the count of its cells: the one for Colab has no number.
        cache.cache_notebook_file(part, uri=str(path), overwrite=True, check_validity=False)
        part.unlink()
    (folder / "complete").touch()


def cost(notebook):
    """What a chapter took when its outputs were made."""
    return nbformat.from_dict({"threads": THREADS} | notebook.metadata.crlab)


def rooms(files):
    """Those of which a chapter used a file."""
    return [room for room in ROOMS if any(name.startswith(f"crlab/{room}/") for name in files)]


class RunStatus(SphinxDirective):
    """A table of every chapter's time and memory, as measured when its outputs were made."""

    def run(self):  # noqa: D102
        self.env.note_reread()
        rows = [(page(path), record := cost(with_outputs(path)), rooms(record.files)) for path in chapters()]
        return self.parse_text_to_nodes(typeset.render("run-status.md", rows=rows))


def tell_cost(app, doctree):
    """Write what a chapter took into its page, where it promises that."""
    path = ROOT / f"{app.env.docname}.ipynb"
    for paragraph in doctree.findall(nodes.paragraph):
        if paragraph.astext().startswith(COST):
            record = cost(with_outputs(path))
            threads = f"{record.threads} threads" if record.threads > 1 else "one thread"
            words = f"This chapter took {record.seconds:.0f} s on {threads} and {record.memory_mb} MB. "
            paragraph.insert(0, nodes.Text(words))


def setup(app):
    """Sphinx calls this."""
    app.connect("config-inited", prime, priority=100)
    app.connect("doctree-read", tell_cost)
    app.add_directive("run-status", RunStatus)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def main():
    parser = argparse.ArgumentParser(description="Run chapters and store their outputs.")
    parser.add_argument("chapter", nargs="*", type=Path, help="notebooks; by default all of the table of contents")
    parser.add_argument("--fresh", action="store_true", help="also those whose fingerprint is current")
    parser.add_argument("--check", action="store_true", help="run nothing, only tell which are out of date")
    parser.add_argument("--dry", action="store_true", help="run them without storing, to fill numba's cache")
    options = parser.parse_args()
    failed = []
    for path in [p.resolve() for p in options.chapter] or chapters():
        name = path.relative_to(ROOT)
        if not (options.fresh or options.dry) and is_current(nbformat.read(path, 4)):
            print(f"{name}: current")
        elif options.check:
            print(f"{name}: out of date")
            failed.append(name)
        else:
            print(f"{name}: running")
            try:
                notebook = execute(path)
            except CellExecutionError as error:
                print(f"{name}: stopped with an error, its stored outputs are untouched\n{error}")
                failed.append(name)
            else:
                if not options.dry:
                    write(notebook, path)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Keep the book whole without a network: equations, doors to its repository, no repeated scripts."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

MATHJAX = "tex-svg-full.js"


def copy_mathjax(app, exception):
    """Put the one file of MathJax beside the pages."""
    if exception is None and app.builder.format == "html":
        package = Path(find_spec("sphinx-mathjax-offline").origin).parent
        target = Path(app.outdir) / "_static" / "mathjax"
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(package / "static" / "mathjax" / MATHJAX, target / MATHJAX)


def public_address(address):
    """The https address of a repository on a public forge, or "" for anything else."""
    found = re.fullmatch(
        r"(?:https://|ssh://git@|git@)(?:[^@/]+@)?([\w.-]+\.\w+)[:/](.+?)(?:\.git)?/?", address.strip()
    )
    return f"https://{found[1]}/{found[2]}" if found else ""


def doors(app, config):
    """Show launch, source and issue buttons once the repository's address is known.

    The address is `repository: url` of _config.yml, else git's origin. The options must be set
    before the theme reads them.
    """
    options = config["html_theme_options"]
    address = public_address(options.get("repository_url") or "") or public_address(
        subprocess.run(
            ["git", "config", "--get", "remote.origin.url"],
            cwd=app.srcdir,
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    )
    options["repository_url"] = address
    for button in ("use_repository_button", "use_issues_button", "use_source_button"):
        options[button] = bool(address)
    if not address:
        options["launch_buttons"] = {}


def mend_lists(app, pagename, templatename, context, doctree):
    """Drop a list role whose children are no list items, which screen readers stumble over."""
    if "body" in context:
        context["body"] = context["body"].replace('role="list" class="citation-list"', 'class="citation-list"')


def clean_scripts(app, pagename, templatename, context, doctree):
    """Drop inline scripts that Sphinx emits twice: a second `const` of one name is an error."""
    seen, kept = set(), []
    for script in context.get("script_files", []):
        body = getattr(script, "attributes", {}).get("body")
        if body is None or body not in seen:
            kept.append(script)
        seen.add(body)
    context["script_files"] = kept


def setup(app):
    """Sphinx calls this."""
    app.config.mathjax_path = f"mathjax/{MATHJAX}"
    app.connect("config-inited", doors, priority=100)
    app.connect("build-finished", copy_mathjax)
    app.connect("html-page-context", mend_lists)
    app.connect("html-page-context", clean_scripts, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

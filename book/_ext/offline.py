"""Keep the book whole without a network: doors to its repository, no repeated scripts."""

import base64
import re
import struct
import subprocess
from pathlib import Path


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


def png_size(begin):
    """Width and height from the first bytes of a PNG; nothing for other files."""
    return struct.unpack(">II", begin[16:24]) if begin[:8] == b"\x89PNG\r\n\x1a\n" else None


def size_images(app, pagename, templatename, context, doctree):
    """Write the size of each image into the page, so that nothing jumps when it arrives."""
    files = {name: Path(app.srcdir) / path for path, name in getattr(app.builder, "images", {}).items()}

    def sized(found):
        tag, source = found[0], found[1]
        if re.search(r"\s(width|height)=", tag):
            return tag
        if source.startswith("data:image/png;base64,"):
            begin = base64.b64decode(source.partition(",")[2][:32])
        elif (path := files.get(Path(source).name)) and path.is_file():
            with path.open("rb") as file:
                begin = file.read(24)
        else:
            return tag
        size = png_size(begin)
        return tag if size is None else f'<img width="{size[0]}" height="{size[1]}"{tag[4:]}'

    if "body" in context:
        context["body"] = re.sub(r'<img\s[^>]*?src="([^"]*)"[^>]*>', sized, context["body"])


def clean_scripts(app, pagename, templatename, context, doctree):
    """Drop inline scripts that Sphinx emits twice: a second `const` of one name is an error."""
    seen, kept = set(), []
    for script in context.get("script_files", []):
        body = getattr(script, "attributes", {}).get("body")
        if body is None or body not in seen:
            kept.append(script)
        seen.add(body)
    context["script_files"] = kept


def mark_claims(app, doctree):
    """Give the cell that prints a chapter's claims the name that the page on the talk links to."""
    from docutils import nodes

    place = f'claims.report("{app.env.docname.removeprefix("book/")}")'
    for cell in doctree.findall(nodes.container):
        if cell.get("nb_element") == "cell_code" and place in cell.astext():
            cell["ids"].append("claims")
            slugs = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
            slugs["claims"] = (cell.line or 0, "claims", "claims")


def setup(app):
    """Sphinx calls this."""
    app.connect("config-inited", doors, priority=100)
    app.connect("doctree-read", mark_claims)
    app.connect("html-page-context", mend_lists)
    app.connect("html-page-context", size_images)
    app.connect("html-page-context", clean_scripts, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

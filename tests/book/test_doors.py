"""Buttons to Binder, Colab and the repository: there once the address is known, absent before."""

import shutil
import subprocess

import offline
import pytest
from bs4 import BeautifulSoup
from conftest import ROOT


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("https://github.com/example/crlab", "https://github.com/example/crlab"),
        ("https://github.com/example/crlab.git\n", "https://github.com/example/crlab"),
        ("https://user:secret@github.com/example/crlab.git", "https://github.com/example/crlab"),
        ("git@github.com:example/crlab.git", "https://github.com/example/crlab"),
        ("ssh://git@gitlab.com/group/sub/crlab.git", "https://gitlab.com/group/sub/crlab"),
        ("/somewhere/on/disk", ""),
        ("file:///somewhere/on/disk", ""),
        ("../clone", ""),
        ("http://localhost:3000/example/crlab", ""),
        ("", ""),
    ],
)
def test_public_address(address, public):
    assert offline.public_address(address) == public


@pytest.fixture(scope="module")
def small_book(tmp_path_factory):
    """The index and the first chapter, in a checkout whose origin is not known yet."""
    folder = tmp_path_factory.mktemp("book")
    leave = shutil.ignore_patterns("__pycache__", "*.nbi", "*.nbc", ".ipynb_checkpoints")
    for name in ("book", "crlab", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=leave)
    shutil.copy(ROOT / "_config.yml", folder)
    first = next(iter(sorted((ROOT / "book" / "grammage").glob("*.ipynb")))).stem
    (folder / "_toc.yml").write_text(
        f"format: jb-book\nroot: book/reference/glossary\nchapters:\n- file: book/grammage/{first}\n"
    )
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder, first


def build(small_book):
    """The chapter's page."""
    folder, first = small_book
    subprocess.run(["jupyter-book", "build", ".", "-q", "--all"], cwd=folder, check=True, capture_output=True)
    page = folder / "_build" / "html" / "book" / "grammage" / f"{first}.html"
    return BeautifulSoup(page.read_text(), "html.parser")


def links(soup):
    return [a.get("href", "") for a in soup.select(".article-header-buttons a")]


def test_no_address_no_button_and_an_address_gives_all(small_book):
    assert not any("://" in link for link in links(build(small_book)))
    folder, first = small_book
    subprocess.run(["git", "remote", "add", "origin", "git@github.com:example/crlab.git"], cwd=folder, check=True)
    page = build(small_book)
    found = links(page)
    chapter = f"book/grammage/{first}.ipynb"
    assert any(f"mybinder.org/v2/gh/example/crlab/main?urlpath=lab/tree/{chapter}" in link for link in found)
    assert f"https://colab.research.google.com/github/example/crlab/blob/main/{chapter}" in found
    assert "https://github.com/example/crlab" in found
    assert any(link.startswith("https://github.com/example/crlab/issues/new") for link in found)
    assert "google.colab" not in page.text, "the cell that installs the package on Colab is for Colab"

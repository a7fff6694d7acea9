"""Pages from files: every word is put in, and texts that look like one stay as they are."""

import re

import pytest

from crlab.show._page import fill

WORDS = {"id": "x-1", "title": "$x$ __id", "images": "{id}", "last": 1, "first": "${first} __title", "interval": 9}


def test_words_are_put_in_once():
    page = fill("sliders", **WORDS)
    assert page.count('aria-label="$x$ __id"') == 2
    assert ">${first} __title</output>" in page
    assert 'getElementById("x-1")' in page
    assert "}, 9);" in page
    assert set(re.findall(r"__\w+", page)) == {"__id", "__title"}


def test_a_word_that_is_missing_is_noticed():
    with pytest.raises(KeyError, match="interval"):
        fill("sliders", **{name: word for name, word in WORDS.items() if name != "interval"})

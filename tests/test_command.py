"""Executors chosen on a command line."""

import argparse

import pytest

from crlab import command


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--workers", "0"], "--workers must be at least 1"),
        (["--scheduler", "tcp://somewhere:8786"], "--scheduler needs --executor dask"),
    ],
)
def test_options_that_do_not_fit_are_refused(words, message):
    parser = argparse.ArgumentParser()
    command.add_executor(parser)
    with pytest.raises(ValueError, match=message), command.executor(parser.parse_args(words)):
        pass

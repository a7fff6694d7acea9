"""Command line: ``python -m crlab.data list`` and ``python -m crlab.data seal FILE...``."""

import argparse
import sys

from crlab.data import catalogue, seal


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.

    Returns
    -------
    int
        0, or 1 after an error, whose message goes to standard error.
    """
    parser = argparse.ArgumentParser(prog="python -m crlab.data", description="Tables of measurements.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="list the tables that come with the package")
    sealing = commands.add_parser("seal", help="write the checksum into the header of new tables")
    sealing.add_argument("file", nargs="+")
    options = parser.parse_args(arguments)
    if options.command == "list":
        print("\n".join(catalogue().pformat()))
        return 0
    try:
        seal(*options.file)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

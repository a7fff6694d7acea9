"""Command line: ``python -m crlab.turbulence results FOLDER`` and ``python -m crlab.turbulence checks``."""

import argparse
import sys
from pathlib import Path

from crlab.turbulence import checks, results


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.

    Returns
    -------
    int
        0, or 1 if a check failed.
    """
    parser = argparse.ArgumentParser(prog="python -m crlab.turbulence", description="Long calculations of this room.")
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("results", help="compute what FOLDER lacks and renew the stored table")
    making.add_argument("folder", type=Path)
    making.add_argument("--target", type=Path, default=Path(__file__).with_name("results"))
    making.add_argument("--collect", action="store_true", help="compute nothing, collect the complete cases")
    checking = commands.add_parser("checks", help="measure anew what theory and other codes give")
    checking.add_argument("--size", type=int, default=10, help="multiplies the number of fields; 10 by default")
    checking.add_argument("--target", type=Path, help="file to write the table to")
    checking.add_argument("--rows", type=int, nargs="+", help="numbers of the checks to run; all by default")
    options = parser.parse_args(arguments)
    if options.command == "checks":
        table = checks.run(options.size, only=options.rows)
        if options.target:
            table.write(options.target, format="ascii.ecsv", overwrite=True)
        text, passed = checks.report(table)
        print(text)
        return 0 if passed else 1
    if not options.collect:
        results.run(options.folder)
    results.collect(options.folder, options.target)
    return 0


if __name__ == "__main__":
    sys.exit(main())

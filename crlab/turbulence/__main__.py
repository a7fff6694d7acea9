"""Command line: ``python -m crlab.turbulence results FOLDER`` and ``python -m crlab.turbulence checks``."""

import argparse
import sys
from pathlib import Path

from crlab import command
from crlab.ledger.turbulence import checks
from crlab.turbulence import results


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
    making.add_argument("--target", type=Path, help="folder of the table; by default the stored one is renewed")
    making.add_argument("--collect", action="store_true", help="compute nothing, collect the complete cases")
    making.add_argument("--full", action="store_true", help="down to r_g = 0.001 L_c; by default into FOLDER/table")
    command.add_executor(making)
    checking = commands.add_parser("checks", help="measure anew what theory and other codes give")
    checking.add_argument("--size", type=int, default=10, help="multiplies the number of fields; 10 by default")
    checking.add_argument("--target", type=Path, help="file to write the table to")
    checking.add_argument("--rows", nargs="+", help="ids of the checks to run; all by default")
    options = parser.parse_args(arguments)
    if options.command == "checks":
        table = checks.run(options.size, only=options.rows)
        if options.target:
            table.write(options.target, format="ascii.ecsv", overwrite=True)
        text, passed = checks.report(table)
        print(text)
        return 0 if passed else 1
    cases = (*results.CASES, *results.FULL) if options.full else results.CASES
    stored = options.folder / "table" if options.full else Path(__file__).with_name("results")
    if not options.collect:
        with command.executor(options) as executor:
            results.run(options.folder, cases, executor=executor)
    results.collect(options.folder, options.target or stored, cases)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Command line: ``python -m crlab.turbulence results FOLDER`` and ``python -m crlab.turbulence checks``."""

import argparse
import io
import sys
from pathlib import Path

from crlab import command, ensemble
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
        0, or 1 if a check failed or after an error, whose message goes to standard error.
    """
    options = _parser().parse_args(arguments)
    try:
        return _checks(options) if options.command == "checks" else _results(options)
    except (ImportError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m crlab.turbulence", description="Long calculations of this room.")
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("results", help="compute what FOLDER lacks and renew the stored table")
    making.add_argument("folder", type=Path)
    making.add_argument("--target", type=Path, help="folder of the table; by default the stored one is renewed")
    making.add_argument("--collect", action="store_true", help="compute nothing, collect the complete cases")
    making.add_argument("--full", action="store_true", help="down to r_g = 0.001 L_c; by default into FOLDER/table")
    command.add_store(making)
    command.add_executor(making)
    checking = commands.add_parser("checks", help="measure anew what theory and other codes give")
    checking.add_argument("--size", type=int, default=10, help="multiplies the number of fields; 10 by default")
    checking.add_argument("--target", type=Path, help="file to write the table to")
    checking.add_argument("--rows", nargs="+", help="ids of the checks to run; all by default")
    return parser


def _checks(options: argparse.Namespace) -> int:
    if options.target:
        if options.target.is_dir():
            raise IsADirectoryError(f"--target must be a file, {options.target} is a folder")
        ensemble.check_folder(options.target.parent)
    table = checks.run(options.size, only=options.rows)
    if options.target:
        text = io.StringIO()
        table.write(text, format="ascii.ecsv")
        ensemble.write_file(options.target, text.getvalue().encode())
    report, passed = checks.report(table)
    print(report)
    return 0 if passed else 1


def _results(options: argparse.Namespace) -> int:
    cases = (*results.CASES, *results.FULL) if options.full else results.CASES
    stored = options.folder / "table" if options.full else Path(__file__).with_name("results")
    target = options.target or stored
    for folder in (options.folder, target):
        ensemble.check_folder(folder, make=True)
    if not options.collect:
        with command.executor(options) as executor:
            computed = results.run(options.folder, cases, other_kernels=options.other_kernels, executor=executor)
        total = sum(case.realisations for case in cases)
        print(f"computed {computed} of the {total} realisations in {options.folder}")
    results.collect(options.folder, target, cases)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Command line: ``python -m crlab.sources STORE`` computes an ensemble of Galaxies of the size that a paper needs.

Called again after a kill it goes on where it stopped. The store is that of `crlab.ensemble`.
"""

import argparse
import sys

import numpy as np
from astropy import units as u

from crlab import command, ensemble
from crlab.sources.population import PROFILES, Population
from crlab.sources.release import Burst, EscapeLaw, Release
from crlab.sources.spectra import Galaxy, prepare


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.

    Returns
    -------
    int
        0, or 1 after an error, whose message goes to standard error.
    """
    options = _parser().parse_args(arguments)
    try:
        ensemble.check_store(options.store)
        R = _grid(options.lowest, options.highest, options.per_decade)
        scenarios: dict[str, Release] = {"burst": Burst()}
        scenarios |= {f"CREDIT {floor!r} TeV": EscapeLaw(floor=floor * u.TeV) for floor in options.floors}
        if len(scenarios) <= len(options.floors):
            raise ValueError(f"--floors must differ, got {' '.join(map(str, options.floors))}")
        population = Population(options.profile)
        rate = population.ring_density(0 * u.kpc) if options.profile == "infinite" else population.ring_density
        galaxy = Galaxy(rate=rate)
        simulator = prepare(galaxy, R, scenarios=scenarios, threshold=options.threshold)
        with command.executor(options) as executor:
            computed = ensemble.fill(
                options.store,
                simulator.batch,
                n=options.realisations,
                batch=options.batch,
                seed=options.seed,
                coords={"floor": [np.inf if k is None else k for k in [None, *options.floors]], "rigidity": R.value},
                parameters={
                    "galaxy": galaxy,
                    "scenarios": scenarios,
                    "threshold": options.threshold,
                    "x": "flux over its mean; floor in TeV, infinite where burst-like; rigidity in GV",
                },
                kernels=simulator.kernels,
                other_kernels=options.other_kernels,
                executor=executor,
            )
    except (ImportError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"computed {computed} of the {options.realisations} realisations in {options.store}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m crlab.sources",
        description="Spectra of many Galaxies, burst-like and with energy-dependent escape.",
    )
    parser.add_argument("store", help="folder of the ensemble; one that is unfinished is completed")
    parser.add_argument("--realisations", type=int, default=6000, help="number of Galaxies (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="seed of all of them (%(default)s)")
    parser.add_argument("--batch", type=int, default=20, help="Galaxies in one task and one file (%(default)s)")
    parser.add_argument(
        "--floors",
        type=float,
        nargs="*",
        default=[1.0, 10.0, 100.0],
        help="E_max,b in TeV of the scenarios beside burst-like",
    )
    parser.add_argument("--lowest", type=float, default=10.0, help="lowest rigidity in GV (%(default)s)")
    parser.add_argument("--highest", type=float, default=1e6, help="highest rigidity in GV (%(default)s)")
    parser.add_argument("--per-decade", type=int, default=80, help="energies a decade (%(default)s)")
    parser.add_argument(
        "--threshold", type=float, default=2e-4, help="share of the mean below which sources are a Gaussian"
    )
    parser.add_argument("--profile", default="infinite", choices=["infinite", *PROFILES], help="where the sources are")
    command.add_store(parser)
    command.add_executor(parser)
    return parser


def _grid(lowest: float, highest: float, per_decade: int) -> u.Quantity:
    if not (0 < lowest < highest and per_decade >= 1):
        raise ValueError(
            f"--lowest, --highest and --per-decade must make a grid, got {lowest}, {highest}, {per_decade}"
        )
    return np.geomspace(lowest, highest, max(2, round(per_decade * np.log10(highest / lowest)) + 1)) * u.GV


if __name__ == "__main__":
    sys.exit(main())

"""Command line: ``python -m crlab.emission STORE`` computes the planes of as many Galaxies as a paper needs.

Called again after a kill it goes on where it stopped. The store is that of `crlab.ensemble`; the last entry along its
longitudes, at infinity, is the emissivity at the Sun.
"""

import argparse
import sys

import numpy as np
from astropy import units as u

from crlab import command, ensemble
from crlab.emission.absorption import Absorption
from crlab.emission.stochastic import prepare
from crlab.sources.release import Burst, EscapeLaw, Release, Suppression


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
        if not options.step > 0:
            raise ValueError(f"--step must be positive, got {options.step}")
        scenarios: dict[str, Release] = {
            "burst": Burst(),
            "CREDIT": EscapeLaw(floor=options.floor * u.TeV),
            "slow": Suppression(factor=options.factor, recovery=options.recovery * u.kyr),
        }
        simulator = prepare(
            scenarios,
            energy=options.energies * u.TeV,
            rigidity=options.rigidities * u.TV,
            lon=np.arange(-180 + options.step / 2, 180, options.step) * u.deg,
            absorption=None if options.transparent else Absorption(),
        )
        with command.executor(options) as executor:
            computed = ensemble.fill(
                options.store,
                simulator.batch,
                n=options.galaxies,
                batch=options.batch,
                seed=options.seed,
                coords=simulator.coords,
                parameters=simulator.parameters,
                kernels=simulator.kernels,
                other_kernels=options.other_kernels,
                executor=executor,
            )
    except (ImportError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"computed {computed} of the {options.galaxies} Galaxies in {options.store}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m crlab.emission",
        description="Gamma rays along the plane of many Galaxies: burst-like, CREDIT and with slow diffusion.",
    )
    parser.add_argument("store", help="folder of the ensemble; one that is unfinished is completed")
    parser.add_argument("--galaxies", type=int, default=10_000, help="number of Galaxies (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="seed of all of them (%(default)s)")
    parser.add_argument("--batch", type=int, default=10, help="Galaxies in one task and one file (%(default)s)")
    parser.add_argument("--energies", type=float, nargs="+", default=[10.0, 100.0, 1000.0], help="gamma rays, in TeV")
    parser.add_argument(
        "--rigidities",
        type=float,
        nargs="+",
        default=[20.0, 60.0, 200.0, 600.0, 2000.0],
        help="where densities are computed, in TV",
    )
    parser.add_argument("--step", type=float, default=2.0, help="between longitudes, in degrees (%(default)s)")
    parser.add_argument("--floor", type=float, default=10.0, help="E_max,b of CREDIT in TeV (%(default)s)")
    parser.add_argument("--factor", type=float, default=100.0, help="by which diffusion is slower (%(default)s)")
    parser.add_argument("--recovery", type=float, default=50.0, help="its recovery in kyr (%(default)s)")
    parser.add_argument("--transparent", action="store_true", help="without absorption")
    command.add_store(parser)
    command.add_executor(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Spectra of realisations: the kernel against numpy term by term, and the split against numpy's sum over all sources.

One core. A term is one source at one energy. Brute force needs all sources that are felt at 10 GV: within 16 z_max and
younger than 12 z_max²/κ the split loses nothing, so numpy's cost is that of the sources which give the mean to the
accuracy that the split has in its quantiles, 2e-3: within 5 z_max, younger than 2.5 z_max²/κ(10 GV). It is timed on a
part of them and scaled up. Run as ``python benchmarks/sources.py``.
"""

import sys

import numpy as np
from _timing import best
from astropy import units as u

from crlab.sources import _kernels
from crlab.sources.credit import RATE
from crlab.sources.release import Burst, EscapeLaw
from crlab.sources.spectra import Galaxy, _tables, prepare

BARS = {"terms per second": 1e8, "kernel over numpy": 4, "split over numpy": 15, "seconds a realisation": 0.15}
SCENARIOS = {"burst": Burst(), **{f"{floor} TeV": EscapeLaw(floor=floor * u.TeV) for floor in (1, 10, 100)}}
GRID = np.geomspace(10, 1e6, 401) * u.GV


def numpy_sum(rho2, age, kappa, delay, weight):
    """All terms of all scenarios, an energy array at a time."""
    out = np.zeros(delay.shape)
    for k in range(delay.shape[0]):
        tau = age[:, None] - delay[k]
        per_s = 1 / (np.maximum(tau, 1e-12) * kappa)
        young = per_s > 1 / 0.3
        q = np.exp(-np.where(young, per_s, (np.pi**2 / 4) / per_s))
        q3 = q * q * q  # powers by `**` would cost numpy twice the time
        q8 = q3 * q3 * q * q
        theta = np.where(young, np.sqrt(per_s / (4 * np.pi)) * (1 - 2 * q * (1 - q3)), q * (1 + q8 * (1 + q8 * q8)))
        out[k] = (np.where(tau > 0, weight * per_s * theta, 0) * np.exp(-0.25 * rho2[:, None] * per_s)).sum(0)
    return out


def main():
    galaxy = Galaxy()
    kappa, weight, delay, slow, clock = _tables(galaxy, GRID, SCENARIOS)[1]
    rng = np.random.default_rng(1)
    # Old enough and near enough that every term counts.
    rho2, age = 0.1 * rng.random(500), 0.5 + 0.5 * rng.random(500)
    high = slice(0, 240)
    some = kappa[high].copy(), delay[:1, high].copy(), weight[high].copy()
    found = np.zeros((1, some[0].size))

    def ours_into(out):
        return _kernels.total(rho2, age, some[0], some[1][0], some[2], slow[0], clock[0], 0.0, out[0])

    terms = ours_into(found)
    assert terms == age.size * some[0].size
    assert np.allclose(found, numpy_sum(rho2, age, *some), rtol=1e-9)
    functions = {
        "kernel": lambda: ours_into(np.zeros_like(found)),
        "numpy": lambda: numpy_sum(rho2, age, *some),
    }
    ours, theirs = (seconds / terms for seconds in best(functions).values())

    simulator = prepare(galaxy, GRID, scenarios=SCENARIOS)
    number = (RATE * np.pi * (25 * u.kpc) ** 2).to_value(1 / u.Myr) * 2.5 / kappa[0]
    part = 2000
    rho2, age = 25 * rng.random(part), 2.5 / kappa[0] * rng.random(part)
    functions = {
        "realisations": lambda: [simulator.realisation(i, seed=1) for i in range(10)],
        "numpy": lambda: numpy_sum(rho2, age, kappa, delay, weight),
    }
    ten, few = best(functions).values()
    realisation, brute = ten / 10, few * number / part

    results = {
        "terms per second": 1 / ours,
        "kernel over numpy": theirs / ours,
        "split over numpy": brute / realisation,
        "seconds a realisation": realisation,
    }
    print(f"source x energy terms on one core: crlab {ours * 1e9:.1f} ns, numpy {theirs * 1e9:.1f} ns")
    print(f"one realisation {realisation * 1e3:.1f} ms; numpy, {number:.1g} sources: {brute:.0f} s")
    missed = [n for n, bar in BARS.items() if (results[n] > bar if n.startswith("seconds") else results[n] < bar)]
    for name, value in results.items():
        print(f"  {name:<24}{value:>10.3g}   bar {BARS[name]:.3g}: {'MISSED' if name in missed else 'met'}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())

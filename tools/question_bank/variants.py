"""The numbers of the question bank: inputs are drawn, answers are computed.

Each function takes ``pick``, which returns one of its arguments at random, and returns two dictionaries: what the
question states, and what only the answer shows. A question of the bank names its function under ``variant``.
"""

import numpy as np
from astropy import constants as const
from astropy import units as u

from crlab import timescales
from crlab.acceleration import bell_cycle, emax, instability, remnant, shock, stochastic
from crlab.acceleration.escape import EscapeLaw
from crlab.anisotropy import sky, walk
from crlab.diffusion import green
from crlab.emission import absorption
from crlab.emission import cross_sections as cs
from crlab.emission import stochastic as planes
from crlab.emission.density import spread
from crlab.galaxy import Halo
from crlab.grammage import chain, halo, slab, spectrum
from crlab.grammage.pathlength import leaky_box
from crlab.ledger.anisotropy.answers import _moving_observer
from crlab.ledger.sources.answers import _reach
from crlab.sources import credit, population, statistics
from crlab.turbulence import particles, quasilinear, results, transport
from crlab.turbulence.spectrum import kolmogorov
from crlab.units import kinematics, nucleon

KMS = u.km / u.s
DIFFUSION = u.cm**2 / u.s
HYDROGEN = const.m_p / u.cm**3
GRAMMAGE = u.g / u.cm**2


# --- Grammage


def doubling(pick):
    gamma, factor = pick(2.6, 2.7, 2.8, 3.1), pick(2, 3, 5, 10)
    E = np.geomspace(1, 1e6, 4001) * u.GeV
    J = E.value**-gamma / (u.m**2 * u.s * u.sr * u.GeV)
    above = [spectrum.integral_intensity(E, J, above=x * u.GeV) for x in (10, 10 * factor)]
    return {"gamma": gamma, "factor": factor}, {"answer": above[0] / above[1], "naive": factor**gamma}


def where_protons_are(pick):
    """Medians of the density and of the energy density of protons at Earth."""
    T = np.geomspace(0.1, 1e7, 201) * u.GeV
    fit = spectrum.global_spline_fit(T)
    number = np.cumsum(fit.intensity[0] / fit.beta[0] * T)  # the grid is even in ln T
    energy = np.cumsum(fit.intensity[0] / fit.beta[0] * T**2)
    half = [np.interp(0.5, (x / x[-1]).value, T.value) * u.GeV for x in (number, energy)]
    return {}, {"number": half[0], "answer": half[1]}


def detector_rate(pick):
    area, energy = pick(0.5, 1, 2, 4) * u.m**2, pick(10, 30, 100, 300) * u.TeV
    T = np.geomspace(1e3, 1e8, 100) * u.GeV
    J = spectrum.integral_intensity(T, spectrum.global_spline_fit(T).total, above=energy)
    stated = float(f"{J.to_value(1 / (u.m**2 * u.s * u.sr)):.2g}") / (u.m**2 * u.s * u.sr)
    counts = (np.pi * u.sr * stated * area * u.day).to(u.one)
    return {"area": area, "energy": energy, "intensity": stated}, {"answer": counts}


def power(pick):
    density, X = pick(0.8, 0.9, 1.0, 1.2) * u.eV / u.cm**3, pick(5, 6, 8, 10) * GRAMMAGE
    mass, interval = pick(4e9, 5e9, 6e9) * u.Msun, pick(30, 50, 80) * u.yr
    P = (density * const.c * mass / X).to(u.erg / u.s)
    share = (P * interval / (1e51 * u.erg)).to(u.percent)
    return {"density": density, "X": X, "mass": mass, "interval": interval}, {"answer": P, "share": share}


def one_cross_section(pick):
    ratio, sigma, error = pick(0.15, 0.2, 0.25), pick(55, 60, 70) * u.mbarn, pick(5, 10, 20) * u.percent
    X = (ratio * const.m_p / sigma).to(GRAMMAGE)
    return {"ratio": ratio, "sigma": sigma, "error": error}, {
        "answer": X,
        "more": 100 * (1 / (1 + error.to_value(u.one)) - 1) * u.percent,
    }


def crossings(pick):
    X, height = pick(4, 5, 6, 8) * GRAMMAGE, pick(100, 200, 300) * u.pc
    n = pick(0.5, 1, 2) / u.cm**3
    once = slab.crossing_grammage(n, height, mass=const.m_p)
    age = slab.residence_time(X, density=n, mass=const.m_p).to(u.Myr)
    number = (X / once).to(u.one)
    return {"X": X, "height": height, "n": n}, {"answer": number, "path": (number * height).to(u.kpc), "age": age}


def slab_and_box(pick):
    """For the sources of the chapter's figure."""
    ratio, nuclei, X = pick(0.15, 0.2, 0.25, 0.3), chain.network(), np.linspace(0, 20, 81)
    read = []
    for behind in (chain.propagate, leaky_box):
        N = behind(X * GRAMMAGE, {"12C": 0.81, "14N": 0.075, "16O": 1.0}, nuclei)
        read.append(np.interp(ratio, nuclei.element("B", N) / nuclei.element("C", N), X) * GRAMMAGE)
    return {"ratio": ratio}, {"slab": read[0], "answer": read[1]}


def halo_grammage(pick):
    H, kappa, n = pick(3, 4, 6, 8) * u.kpc, pick(3e28, 4e28, 5e28) * DIFFUSION, pick(0.8, 1, 1.2) / u.cm**3
    mu = (2 * 100 * u.pc * n * const.m_p).to(GRAMMAGE)
    model = halo.HaloModel(Halo(kappa0=kappa, height=H), surface_density=mu)
    X = model.grammage(10 * u.GV)
    return {"H": H, "kappa": kappa, "n": n}, {"answer": X, "visits": (X / mu).to(u.one)}


def beryllium(pick):
    energy, kappa, H = pick(0.3, 1, 3) * u.GeV / nucleon, pick(2e28, 4e28, 6e28) * DIFFUSION, pick(4, 5, 6) * u.kpc
    gamma = 1 / np.sqrt(1 - kinematics("10Be", energy_per_nucleon=energy).beta ** 2)
    life = 1.39 * u.Myr / np.log(2)
    length = np.sqrt(kappa * gamma * life).to(u.kpc)
    factor = H / length / np.tanh((H / length).value)
    return {"energy": energy, "kappa": kappa, "H": H}, {"answer": length, "factor": factor, "gamma": gamma}


# --- Anisotropy


def significance(pick):
    amplitude, number = pick(5e-4, 1e-3, 2e-3), pick(1e7, 3e7, 1e8)
    chance = float(sky.isotropy_probability(amplitude, int(number)))
    verdict = "a discovery" if chance < 3e-7 else "a hint" if chance < 0.003 else "no discovery"
    return {"amplitude": amplitude, "number": number}, {
        "answer": np.sqrt(3 / number),
        "chance": chance,
        "verdict": verdict,
    }


def three_sigma(pick):
    level, number = pick(2.5, 3, 3.5), 10**6
    chance = float(sky.isotropy_probability(level * np.sqrt(3 / number), number))
    return {"level": level}, {"answer": 100 * chance * u.percent}


def dipole_power(pick):
    amplitude, number = pick(5e-4, 1e-3, 2e-3), pick(1e8, 3e8, 1e9, 1e10)
    signal, noise = 4 * np.pi / 9 * amplitude**2, 4 * np.pi / number
    return {"amplitude": amplitude, "number": number}, {"answer": signal / noise, "signal": signal, "noise": noise}


def galactic_rotation(pick):
    speed = pick(220, 230, 240) * KMS
    return {"speed": speed}, {"answer": _moving_observer(speed)}


def walk_distance(pick):
    length, number = pick(0.5, 1, 1.6, 3) * u.pc, pick(1e4, 1e5, 1e6, 1e7)
    t = (number * length / const.c).to(u.Myr)
    away = np.sqrt(walk.mean_square(t, mean_free_path=length)).to(u.kpc)
    return {"length": length, "number": number}, {"answer": away, "t": t}


def gradient(pick):
    delta, scale = pick(0.33, 0.4, 0.5, 0.6), pick(3, 5, 8) * u.kpc
    low, high = (5e28 * DIFFUSION * (R / 10) ** delta for R in (10.0, 1e4))
    a = [walk.gradient_dipole(scale, kappa=kappa) for kappa in (low, high)]
    return {"delta": delta, "scale": scale}, {"low": a[0], "answer": a[1]}


# --- Diffusion


def bubble_expands(pick):
    factor = pick(2, 3, 4, 5)
    return {"factor": factor}, {"answer": 1 / factor, "density": float(factor) ** -4}


def longest_step(pick):
    width, kappa, span = pick(20, 50, 100) * u.pc, pick(3e28, 5e28, 1e29) * DIFFUSION, pick(50, 100, 200) * u.Myr
    step = (width**2 / (2 * kappa)).to(u.yr)
    number = (span / step).to(u.one)
    return {"width": width, "kappa": kappa, "span": span}, {"answer": step, "steps": number, "finer": 4 * number}


def filling(pick):
    age, H = pick(3, 10, 30) * u.Myr, pick(3, 4, 5) * u.kpc
    kappa = (4 * H**2 / (np.pi**2 * age)).to(DIFFUSION)
    R = (kappa / (1.5e28 * DIFFUSION)).to_value(u.one) ** (1 / 0.6) * u.GV
    return {"age": age, "H": H}, {"answer": R}


# --- Acceleration


def gain_and_loss(pick):
    gain, loss = pick(1, 2, 3) * u.percent, pick(1, 1.5, 2, 4) * u.percent
    s = 1 - np.log(1 - loss.to_value(u.one)) / np.log(1 + gain.to_value(u.one))
    return {"gain": gain, "loss": loss}, {"answer": s}


def mach(pick):
    number = pick(1.5, 2, 3, 5, 10)
    r = float(shock.compression_ratio(number))
    return {"mach": number}, {"r": r, "answer": float(shock.energy_index(r))}


def cycles(pick):
    U, factor = pick(1000, 2000, 5000) * KMS, pick(10, 100)
    gain, back = bell_cycle.mean_gain(U) - 1, bell_cycle.return_probability(U / 4)
    number = np.log(factor) / np.log1p(gain)
    return {"U": U, "factor": factor}, {"answer": number, "gain": gain, "left": back**number}


def sde_step(pick):
    U, kappa = pick(3000, 5000) * KMS, pick(1e26, 3e26) * DIFFUSION
    step, width = pick((1e-4, 0.01), (0.001, 5e-4), (0.1, 0.4))  # in units of κ/u² and κ/u
    s = stochastic.Shock(u1=U, kappa_1=kappa)
    dt, w = (float(f"{x.value:.2g}") * x.unit for x in ((step * s.time).to(u.yr), (width * s.length).to(u.pc)))
    rungs = stochastic.ladder(s, step=dt, width=w)
    broken = [
        words
        for words, ratio in (
            ("a step inside the shock gains too much", rungs.drift / rungs.width),
            ("the step does not resolve the precursor", rungs.diffusion / rungs.precursor),
            ("the shock is too wide", rungs.width / rungs.precursor),
        )
        if ratio > 0.1
    ]
    found = {"answer": rungs.drift, "walk": rungs.diffusion, "precursor": rungs.precursor}
    given = {"U": U, "kappa": kappa, "step": dt, "width": w}
    return given, found | {"verdict": " and ".join(broken) or "the four lengths are in order"}


def time_for_factor(pick):
    U, kappa, factor = pick(3000, 5000, 10000) * KMS, pick(1e25, 1e26, 3e26) * DIFFUSION, pick(4, 10, 100)
    t = (emax.acceleration_time(U, kappa) * np.log(factor)).to(u.yr)
    return {"U": U, "kappa": kappa, "factor": factor}, {"answer": t}


def reach(pick):
    U, B, age = pick(3000, 5000, 10000) * KMS, pick(1, 3, 10, 100) * u.uG, pick(300, 500, 1000) * u.yr
    E = emax.maximum_energy(U, B, age).to(u.TeV)
    return {"U": U, "B": B, "age": age}, {"answer": E, "field": B * (3 * u.PeV / E).to(u.one)}


def cutoffs(pick):
    E = pick(1, 2, 3, 4) * u.PeV
    of_proton = emax.maximum_energy(1e4 * KMS, 100 * u.uG, 1000 * u.yr)
    helium, iron = (
        E * (emax.maximum_energy(1e4 * KMS, 100 * u.uG, 1000 * u.yr, charge=Z) / of_proton).to(u.one) for Z in (2, 26)
    )
    return {"E": E}, {"helium": helium, "answer": iron, "per": (iron / 56).to(u.PeV)}


def read_acceleration_time(pick):
    B, E = pick(1, 10, 100) * u.uG, pick(10, 100, 1000) * u.TeV
    t = emax.acceleration_time(1e4 * KMS, emax.bohm_diffusion(E, B)).to(u.yr)
    return {"B": B, "E": E}, {"answer": t, "knee": (t * 3 * u.PeV / E).to(u.yr)}


def sedov(pick):
    t, n = pick(1000, 2000, 5000) * u.yr, pick(0.1, 0.3, 1) / u.cm**3
    rho = n * 1.4 * const.m_p
    R, U = remnant.sedov_radius(t, density=rho).to(u.pc), remnant.sedov_speed(t, density=rho).to(KMS)
    return {"t": t, "n": n}, {"answer": R, "U": U}


def stronger_explosion(pick):
    factor = pick(2, 4, 9)
    weak, strong = (remnant.characteristic_scales(energy=f * 1e51 * u.erg, ejecta_mass=1 * u.Msun) for f in (1, factor))
    return {"factor": factor}, {"answer": strong.time / weak.time, "radius": strong.radius / weak.radius}


def bell_wave(pick):
    U, E, B = pick(5000, 1e4) * KMS, pick(30, 100, 300) * u.TeV, pick(1, 3, 5) * u.uG
    j = instability.escape_current(U, density=HYDROGEN, energy=E)
    wave = instability.fastest_growth(current=j, field=B, density=HYDROGEN)
    length, r_g = (2 * np.pi / wave.wavenumber).to(u.pc), emax.gyroradius(E, B).to(u.pc)
    found = {"j": j.to(u.A / u.m**2), "answer": (1 / wave.rate).to(u.yr), "length": length, "ratio": r_g / length}
    return {"U": U, "E": E, "B": B}, found


def saturation(pick):
    U, xi = pick(3000, 5000, 1e4) * KMS, pick(0.01, 0.03, 0.1)
    B = instability.saturated_field(U, density=HYDROGEN, efficiency=xi).to(u.uG)
    return {"U": U, "xi": xi}, {"answer": B, "faster": 2 ** (2 / 3)}


def escape_age(pick):
    E, slope, start = pick(10, 30, 100, 300) * u.TeV, pick(0.8, 1.1, 1.5), pick(200, 300, 500) * u.yr
    law = EscapeLaw(peak=3 * u.PeV, start=start, slope=slope, floor=1 * u.TeV)
    t = law.escape_time(E).to(u.yr)
    return {"E": E, "slope": slope, "start": start}, {"answer": t, "later": law.escape_time(E / 2) / t}


# --- Sources


def count(pick):
    R, interval, disc = pick(0.1, 1, 10, 100) * u.TV, pick(30, 50, 100) * u.yr, pick(12, 15) * u.kpc
    t = Halo().escape_time(R).to(u.Myr)
    number = float(population.number_of_sources(t, rate=1 / interval, radius=disc))
    return {"R": R, "interval": interval, "disc": disc}, {"t": t, "answer": number}


def electron_index(pick):
    source, delta = pick(2.2, 2.3, 2.4), pick(0.3, 0.4, 0.5, 0.6)
    cooled = source + (delta + 1) / 2
    return {"source": source, "delta": delta}, {"protons": source + delta, "answer": cooled}


def electron_horizon(pick):
    E = pick(0.1, 0.3, 3, 10) * u.TeV
    t = timescales.cooling_time(E).to(u.kyr)
    reach = _reach(E)
    number = (np.pi * reach**2 * credit.RATE * t).to(u.one)
    return {"E": E, "t": float(f"{t.to_value(u.Myr):.2g}") * u.Myr}, {"answer": reach, "number": number}


def images_or_modes(pick):
    age, R = pick(0.01, 0.1, 10, 30) * u.Myr, pick(0.1, 1, 3) * u.TV
    h = Halo()
    s = (h.kappa(R) * age / h.height**2).to_value(u.one)
    decay = [np.exp(-s * (m * np.pi / 2) ** 2) for m in (1, 3)]
    return {"age": age, "R": R}, {"answer": s, "first": decay[0], "third": decay[1]}


def locality(pick):
    x = pick(0.2, 0.5, 1.0, 1.5)
    return {"radius": x * Halo().height}, {"answer": 100 * float(green.locality(x)) * u.percent}


def faster_than_light(pick):
    R = pick(10, 30, 100, 300) * u.TV
    kappa = Halo().kappa(R).to(DIFFUSION)
    stated = float(f"{kappa.value:.2g}") * DIFFUSION
    lost = 100 * float(green.causal_loss(kappa=stated)) * u.percent
    return {"R": R, "kappa": stated}, {"answer": (6 * stated / const.c).to(u.kpc), "lost": lost}


def remnants_that_shine(pick):
    interval, life, known = pick(30, 50, 60) * u.yr, pick(3e4, 5e4, 1e5) * u.yr, 300
    number = (life / interval).to(u.one)
    return {"interval": interval, "life": life}, {"answer": number, "share": 100 * known / number * u.percent}


def none_within(pick):
    rate, span, distance = pick(20, 25, 30) / (u.kpc**2 * u.Myr), pick(10, 20, 50) * u.kyr, pick(0.5, 1, 1.5) * u.kpc
    mean = (np.pi * distance**2 * rate * span).to_value(u.one)
    return {"rate": rate, "span": span, "distance": distance}, {"mean": mean, "answer": np.exp(-mean)}


def error_of_the_mean(pick):
    factor = pick(2, 3, 4)
    power = 1 / (1 - 1 / 1.5), 1 / (1 - 1 / float(-statistics.causal_slope(1e9)))
    return {"factor": factor}, {"answer": factor ** power[1], "median": float(factor) ** 2}


def stable_width(pick):
    number = pick(100, 1000, 1e4, 1e5)
    law = statistics.stable_distribution(number)
    above = 100 * (1 - float(law.cdf(1.0))) * u.percent
    found = {"answer": float(statistics.stable_scale(number)), "median": float(law.quantile(0.5)), "above": above}
    return {"number": number}, found


def line_of_one_source(pick):
    distance, age = pick(0.25, 0.3, 0.35, 0.4) * u.kpc, pick(40, 45, 50) * u.kyr
    law = EscapeLaw()
    found = credit.feature(distance=distance, age=age, scenario=law)
    E = law.max_energy(age).to(u.TeV)
    width = 2.7 * law.slope * (credit.pulse_time(distance, E) / age).to_value(u.one) / np.log(10)
    return {"distance": distance, "age": age}, {"E": E, "answer": width, "full": np.log10(found.high / found.low)}


def more_features(pick):
    slope = pick(0.8, 1.0, 1.1, 1.5, 2.0)
    law = EscapeLaw(slope=slope)
    low, high = (float(credit.feature_rate(E * u.TeV, 0.1, scenario=law)) for E in (10, 20))
    return {"slope": slope}, {"exponent": 0.4 - 1 / slope, "answer": high / low}


def posterior(pick):
    right, false = pick(80, 90, 95) * u.percent, pick(2, 5, 10) * u.percent
    prior = pick(5, 10, 20) * u.percent
    found = right * prior / (right * prior + false * (100 * u.percent - prior))
    return {"right": right, "false": false, "prior": prior}, {"answer": 100 * found.to_value(u.one) * u.percent}


def lost_work(pick):
    each, workers, batch = pick(10, 20, 50) * u.ms, pick(4, 16, 64), pick(20, 100, 500)
    task = (each * batch).to(u.s)
    overhead = 100 * (5 * u.ms / (task + 5 * u.ms)).to_value(u.one) * u.percent
    found = {"answer": (workers * task).to(u.s), "overhead": overhead}
    return {"each": each, "workers": workers, "batch": batch}, found


# --- Emission


def parents(pick):
    E = pick(1, 3, 10, 30) * u.TeV
    share = np.cumsum(cs.emissivity_matrix([E.value] * E.unit)[0])
    median = np.interp(0.5, (share / share[-1]).value, cs.RIGIDITY.to_value(u.TV)) * u.TV
    return {"E": E}, {"answer": median, "ratio": median.to_value(u.TV) / E.to_value(u.TeV)}


def pair_threshold(pick):
    name, T = pick(
        ("the microwave background", 2.725), ("dust at 20 K", 20), ("dust at 40 K", 40), ("stars at 5000 K", 5000)
    )
    photon = (2.7 * const.k_B * T * u.K).to(u.eV)
    photon = float(f"{photon.value:.2g}") * u.eV
    E = ((const.m_e * const.c**2) ** 2 / photon).to(u.TeV)
    tried = E * np.geomspace(1, 30, 400)
    best = tried[np.argmax(absorption.PhotonField(name, T * u.K).rate(tried))]
    return {"field": name, "photon": photon}, {"answer": E, "best": best}


def plane_intensity(pick):
    E, column = pick(1, 10, 30) * u.TeV, pick(5e22, 1e23, 2e23) / u.cm**2
    more = pick(1.5, 2)
    q = cs.emissivity([E.value] * E.unit)[0].to(1 / (u.TeV * u.s * u.sr))
    q = float(f"{q.value:.2g}") * q.unit
    intensity = (q * column * more).to(1 / (u.TeV * u.cm**2 * u.s * u.sr))
    return {"E": E, "column": column, "more": more, "q": q}, {"answer": intensity}


def survival_from_centre(pick):
    E, distance = pick(0.5, 1, 2.2, 5) * u.PeV, pick(4, 8.5, 16) * u.kpc
    path = (1 / absorption.CMB.rate(E)).to(u.kpc)
    path = float(f"{path.value:.2g}") * u.kpc
    return {"E": E, "distance": distance, "path": path}, {"answer": np.exp(-(distance / path).to_value(u.one))}


def share_of_one_source(pick):
    age, length, distance = pick(5, 10, 20) * u.kyr, pick(10, 15, 20) * u.kpc, pick(2, 3, 5) * u.kpc
    width = np.sqrt(4 * spread(age, 100 * u.TV)[0, 0])
    found = {
        "answer": float(planes.column_share(age, length)),
        "spot": np.degrees((width / distance).to_value(u.one)) * u.deg,
    }
    return {"age": age, "length": length, "distance": distance}, found


def fewer_sources(pick):
    low, high = pick(3, 10, 30) * u.TV, pick(300, 1000) * u.TV
    numbers = [float(credit.source_count(R.to_value(u.TV) * u.TeV)) for R in (low, high)]
    return {"low": low, "high": high}, {"answer": (ratio := numbers[0] / numbers[1]), "wider": ratio ** (1 / 3)}


def line_and_place(pick):
    number, length = pick(300, 1000, 3000, 1e4), pick(10, 15, 20) * u.kpc
    line, place = float(planes.beam_scale(number, length / Halo().height)), float(statistics.stable_scale(number))
    return {"number": number, "length": length}, {"answer": line, "place": place}


def slower_everywhere(pick):
    chi = pick(5, 10, 30, 50)
    line, place = (planes.tail_scale(1.0, chi, a) / planes.tail_scale(1.0, 1.0, a) for a in (3 / 2, 4 / 3))
    return {"chi": chi}, {"answer": float(line), "place": float(place)}


# --- Turbulence


def no_wave_left(pick):
    B, longest = pick(1, 3, 4, 6) * u.uG, pick(30, 50, 100) * u.pc
    r_0 = longest / (2 * np.pi)
    E = (1 * u.PeV * r_0 / emax.gyroradius(1 * u.PeV, B)).to(u.PeV)
    return {"B": B, "longest": longest}, {"r0": r_0.to(u.pc), "answer": E}


def quasilinear_scaling(pick):
    q, weaker, rigidity = pick(3 / 2, 5 / 3), pick(2, 3), pick(10, 100, 1000)
    eta = [(1e-3 / f) ** 2 / (1 + (1e-3 / f) ** 2) for f in (1, weaker)]
    kappa = [
        quasilinear.power_law_parallel_diffusion(r_g=r, eta=e, k_min=1.0, index=q)
        for r, e in ((1e-5, eta[0]), (1e-5, eta[1]), (1e-5 * rigidity, eta[0]))
    ]
    name = {3 / 2: r"\tfrac32", 5 / 3: r"\tfrac53"}[q]
    given = {"q": name, "weaker": weaker, "rigidity": rigidity}
    return given, {"answer": kappa[2] / kappa[0], "field": kappa[1] / kappa[0], "exponent": 2 - q}


def longest_wave(pick):
    ratio, length = pick(30, 100, 1000), pick(5, 10, 30) * u.pc
    field = kolmogorov(ratio)
    return {"ratio": ratio, "length": length}, {
        "answer": 2 * np.pi / field.k_min * length,
        "factor": 2 * np.pi / field.k_min,
    }


def wandering(pick):
    eta, s = pick(0.02, 0.05, 0.1), pick(50, 100, 200)
    b = float(quasilinear.field_ratio(eta))
    K = {kind: float(quasilinear.field_line_wandering(kind, eta=eta)) for kind in ("ISO", "ALF")}
    return {"eta": eta, "s": s}, {"b": b, "iso": K["ISO"], "answer": K["ALF"], "strayed": np.sqrt(2 * K["ALF"] * s)}


def bound_to_a_line(pick):
    K, kappa, t = pick(0.005, 0.01, 0.02), pick(2, 4, 8), pick(100, 1000, 1e4)
    square = float(quasilinear.compound_displacement(t, wandering=K, parallel=kappa))
    return {"K": K, "kappa": kappa, "t": t}, {"answer": np.sqrt(square), "square": square, "later": 10**0.25}


def slow_gyration(pick):
    steps, turns = pick(20, 40, 50, 100), pick(10, 100)
    x = 2 * np.pi / steps
    exact = 1 - 2 * np.arctan(x / 2) / x
    return {"steps": steps, "turns": turns}, {
        "answer": exact,
        "series": x**2 / 12,
        "phase": 360 * exact * turns * u.deg,
    }


def high_rigidity(pick):
    eta, r_g = pick(0.1, 0.3, 0.5), pick(5, 10, 30)
    along, across = (float(k) for k in quasilinear.high_rigidity(r_g=r_g, eta=eta))
    return {"eta": eta, "rg": r_g}, {"answer": 3 * along, "across": 3 * across, "ratio": across / along}


def measured_exponent(pick):
    low, high, error = pick(0.02, 0.025, 0.03), pick(0.05, 0.055), pick(5, 10, 15)
    value = np.array([low, high])
    slope, sigma = transport.local_exponents([0.03, 0.1], value, value * error / 100)
    away = abs(float(slope[0]) - 1 / 3) / float(sigma[0])
    return {"low": low, "high": high, "error": error * u.percent}, {
        "answer": float(slope[0]),
        "sigma": float(sigma[0]),
        "away": away,
    }


def reduced_units(pick):
    r_g, B, L = pick(0.03, 0.1, 0.3, 1.0), pick(3, 4, 6) * u.uG, pick(5, 10, 30) * u.pc
    reduced = float(f"{results.stored('ISO', 0.5, r_g, 'par')[0]:.2g}")
    kappa = (reduced * L * const.c).to(DIFFUSION)
    E = (1 * u.PeV * r_g * L / emax.gyroradius(1 * u.PeV, B)).to(u.PeV)
    return {"rg": r_g, "B": B, "L": L, "reduced": reduced}, {"answer": E, "kappa": kappa}


def cascade(pick):
    first, later = pick(5, 10, 20), pick(50, 100, 200)
    return {"first": first, "later": later}, {"answer": np.log(later) / np.log(first)}


def particles_per_field(pick):
    a, c, fields = pick(0.2, 0.35, 0.8), pick(1.5, 1.7, 2.0), pick(50, 100, 200)
    few, many = (np.sqrt((a**2 + c**2 / P) / fields) for P in (4, 400))
    return {"a": a, "c": c, "fields": fields}, {"answer": few, "many": many, "enough": (c / a) ** 2}


def advised_step(pick):
    shortest, r_g = pick(0.01, 0.05, 0.1), pick(0.003, 0.03, 0.3)
    gyration, wave = 2 * np.pi * r_g / 50, shortest / 4
    step = particles.advised_step(shortest, r_g)
    return {"shortest": shortest, "rg": r_g}, {"answer": step, "gyration": gyration, "wave": wave}

"""Field lines: exact cases, early lengths, order, and their wandering against theory and an independent code."""

import numpy as np
import pytest

from crlab.ledger.turbulence.checks_fields import wandering
from crlab.turbulence.fields import wave_field
from crlab.turbulence.particles import ResolutionWarning
from crlab.turbulence.spectrum import BendOver, kolmogorov
from crlab.turbulence.tracing import ensemble, trace

REDUCED = {"lines": 8, "modes": 128, "step": 0.02}


def turbulent(eta=0.5, modes=64, seed=1, **options):
    return wave_field(kolmogorov(), eta=eta, modes=modes, rng=np.random.default_rng(seed), **options)


@pytest.mark.parametrize("eta", [0.1, 0.9])
def test_alfven_lines_advance_exactly_in_tau(eta):
    waves = turbulent(eta=eta, polarisation="ALF")
    line = trace(waves, np.zeros((2, 3)), lengths=[1.0, 5.0, 20.0], parameter="tau", step=0.01)
    assert line.position[..., 2] == pytest.approx(np.broadcast_to(np.sqrt(1 - eta) * line.t, (2, 3)), abs=1e-10)


def test_the_arc_length_is_the_parameter():
    waves = turbulent()
    line = trace(waves, [0.0, 0, 0], lengths=np.arange(1, 401) * 0.005, step=0.005)
    length = np.sum(np.linalg.norm(np.diff(line.position[0], axis=0), axis=1))
    assert length == pytest.approx(line.t[-1] - line.t[0], rel=2e-4)


def test_both_parameters_draw_the_same_line():
    waves = turbulent(eta=0.3)
    fine = trace(waves, [0.0, 0, 0], lengths=np.linspace(0.002, 6, 3000), step=0.002).position[0]
    end = trace(waves, [0.0, 0, 0], lengths=[3.0], parameter="tau", step=0.002).position[0, 0]
    assert np.linalg.norm(fine - end, axis=1).min() < 2e-3


def test_early_lines_are_ballistic_in_tau():
    # Leading order: Δx = B_x τ. 400 realisations make the mean of B_x² itself good to 3 %.
    paths = ensemble(
        kolmogorov(), eta=0.6, lengths=[0.002, 0.004], step=0.002, parameter="tau", realisations=150, lines=20, seed=5
    )
    squares = np.mean(paths.position[..., 0] ** 2, axis=(0, 1))
    assert squares == pytest.approx(0.2 * paths.t**2, rel=0.06)


def test_the_method_has_fourth_order():
    waves = turbulent()
    start = np.random.default_rng(1).uniform(-20, 20, (8, 3))
    options = {"lengths": [0.48], "precision": "accurate"}
    exact = trace(waves, start, tolerance=1e-13, **options).position
    errors = [
        np.sqrt(np.mean((trace(waves, start, step=h, **options).position - exact) ** 2)) for h in (0.012, 0.006, 0.003)
    ]
    assert np.log2(np.array(errors[:-1]) / errors[1:]) == pytest.approx(4, abs=0.3)


def test_batches_do_not_change_a_bit():
    waves = turbulent(modes=300)
    start = np.random.default_rng(1).uniform(-20, 20, (9, 3))
    whole = trace(waves, start, lengths=[0.5, 1.0], step=0.01)
    assert np.array_equal(trace(waves, start, lengths=[0.5, 1.0], step=0.01, batch=2).position, whole.position)


@pytest.mark.parametrize(
    ("kind", "expected"),
    # ISO: quasilinear b²/8, and CRPropa's 0.0148(9). ALF: quasilinear b²/4 = 0.0278, independent code 0.0267(11).
    [("ISO", 0.0139), ("ALF", 0.0272)],
)
def test_weak_turbulence_against_quasilinear_theory(kind, expected):
    value, error = wandering(eta=0.1, polarisation=kind, end=80.0, realisations=60, **REDUCED)
    assert error < 0.12 * expected
    assert value == pytest.approx(expected, abs=3 * error + 0.06 * expected)


def test_magnetosonic_lines_hardly_wander():
    value, error = wandering(eta=0.5, polarisation="MAG", end=120.0, realisations=40, **REDUCED)
    assert error < 0.12 * 0.0115
    assert value == pytest.approx(0.0115, abs=3 * error + 0.03 * 0.0115)


def test_strong_isotropic_turbulence():
    # Two codes: 0.0904(25).
    value, error = wandering(eta=0.5, polarisation="ISO", end=60.0, realisations=60, **REDUCED)
    assert value == pytest.approx(0.0904, abs=3 * np.hypot(error, 0.0025) + 0.03 * 0.0904)


def test_slab_lines_have_their_closed_form():
    # K = π W(0)/(4 B0²) with ∫W dk = δB²: b = 0.3; W is flat below the scale 1 of the bend.
    b = 0.3
    spectrum = BendOver(1.0, 2e-4, 30.0)
    eta = b**2 / (1 + b**2)
    lengths = np.linspace(60, 160, 6)
    paths = ensemble(
        spectrum, eta=eta, lengths=lengths, step=0.05, realisations=1000, lines=1, seed=4, modes=128,
        polarisation="slab", precision="mixed", parameter="tau",
    )  # fmt: skip
    z = paths.position[..., 2]
    squares = np.mean(np.sum(paths.position[..., :2] ** 2, axis=-1), axis=1)
    slopes = np.polyfit(z[0, 0], squares.T, 1)[0] / 4
    expected = np.pi * b**2 * float(spectrum(2e-4)) / 4
    error = slopes.std(ddof=1) / np.sqrt(len(slopes))
    assert slopes.mean() == pytest.approx(expected, abs=3 * error + 0.02 * expected)
    # Without the end of the band W(0) is 2/B(1/2, 1/3), and K = 0.0336.
    assert np.pi * b**2 * float(BendOver(1.0, 1e-4, 1e6)(1e-3)) / 4 == pytest.approx(0.0336, rel=2e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lengths": [2.0, 1.0]}, "must be growing"),
        ({"lengths": [2.0, 1.0], "tolerance": 1e-6}, "must be growing"),
        ({"tolerance": -1.0}, "tolerance must be positive"),
        ({"parameter": "t"}, "parameter must be one of"),
        ({"position": [0.0, np.inf, 0]}, "position must be finite"),
        ({"position": np.zeros((1, 2, 3))}, "shape"),
        ({"step": -1.0}, "step must be positive"),
    ],
)
def test_bad_lines_are_refused(change, message):
    options = {"position": [0.0, 0, 0], "lengths": [1.0]} | change
    with pytest.raises(ValueError, match=message):
        trace(turbulent(), options.pop("position"), **options)


def test_a_long_step_is_warned_of():
    with pytest.warns(ResolutionWarning, match="the shortest wave"):
        trace(turbulent(), [0.0, 0, 0], lengths=[1.0], step=0.1)

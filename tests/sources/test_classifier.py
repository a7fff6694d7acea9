"""What the classifier sees, its reports by hand, and how well it does at the sizes and tolerances promised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, roc_auc_score
from threadpoolctl import threadpool_limits

from crlab.sources.bins import proton_bins
from crlab.sources.classifier import CLASSES, Report, Samples, View, measured_log_ratio, samples, train
from crlab.sources.library import load

BINS = proton_bins()
LN_E = np.log(BINS.centre.value)


@pytest.fixture(scope="module")
def reference():
    return load("reference")


@pytest.fixture(scope="module")
def at_ten(reference):
    """Two looks at each Galaxy to learn from, one to grade."""
    learned = samples(reference, "CREDIT 10 TeV", seed=1, looks=2).split()[0]
    return learned, samples(reference, "CREDIT 10 TeV", seed=2).split()[1]


@pytest.fixture(scope="module")
def tree(at_ten):
    return train("tree", at_ten[0])


@pytest.fixture(scope="module")
def boosting(at_ten):
    return train("boosting", at_ten[0])


# What is seen of a spectrum.


@given(st.integers(0, 5), st.lists(st.floats(-1, 1), min_size=6, max_size=6))
def test_a_polynomial_leaves_nothing(degree, coefficients):
    scaled = (LN_E - LN_E.mean()) / 4
    log_ratio = np.polynomial.polynomial.polyval(scaled, coefficients[: degree + 1])
    assert np.abs(View(degree).residuals(log_ratio)).max() < 1e-8


def test_residuals_are_those_of_a_weighted_fit():
    log_ratio = np.random.default_rng(3).normal(size=47) * BINS.stat
    fit = np.polynomial.Polynomial.fit(LN_E, log_ratio, 3, w=1 / BINS.stat)
    np.testing.assert_allclose(View(3).residuals(log_ratio), (log_ratio - fit(LN_E)) / BINS.stat, atol=1e-8)


def test_residuals_of_separate_fits():
    """An offset between the experiments disappears, but not without a polynomial for each."""
    offset = np.where(BINS.of("DAMPE"), 0.1, 0.0)
    assert np.abs(View(0, separate=True).residuals(offset)).max() < 1e-9
    assert np.abs(View(1).residuals(offset)).max() > 1


@pytest.mark.parametrize(
    ("degree", "extra", "separate", "free"), [(1, 0, False, 2), (3, 0.005, False, 4), (1, 0, True, 4)]
)
def test_chi2_of_a_smooth_spectrum(degree, extra, separate, free):
    """Σr² of pure noise has the mean n - free and the variance of a chi-square distribution."""
    view = View(degree, extra=extra, separate=separate)
    seen = view.observe(np.zeros((4000, 47)), np.random.default_rng(4))
    chi2 = (view.residuals(seen) ** 2).sum(axis=1)
    assert chi2.mean() == pytest.approx(47 - free, abs=4 * np.sqrt(2 * 47 / 4000) + 0.1)
    assert chi2.var() == pytest.approx(2 * (47 - free), rel=0.12)


def test_noise_has_the_errors_of_the_bins():
    noise = View(extra=0.004).observe(np.zeros((20000, 47)), np.random.default_rng(5))
    np.testing.assert_allclose(noise.std(axis=0), np.hypot(BINS.stat, 0.004), rtol=0.03)
    assert abs(np.corrcoef(noise[:, 3], noise[:, 4])[0, 1]) < 0.03


def test_correlated_noise():
    """Neighbours share it, 0.2 decades apart by e^-1/2, and the experiments do not."""
    noise = View(correlated=0.05).observe(np.zeros((20000, 47)), np.random.default_rng(6))
    x = np.log10(BINS.centre.value)
    pair = (3, int(np.argmin(np.abs(x[:37] - x[3] - 0.2))))
    apart = x[pair[1]] - x[3]
    assert np.corrcoef(noise[:, 3], noise[:, pair[1]])[0, 1] == pytest.approx(
        np.exp(-((apart / 0.2) ** 2) / 2), abs=0.03
    )
    assert abs(np.corrcoef(noise[:, 36], noise[:, 37])[0, 1]) < 0.03
    assert noise[:, 3].std() == pytest.approx(0.05, rel=0.03)


def test_features_by_hand():
    view = View(degree=1)
    log_ratio = np.random.default_rng(7).normal(size=47) * 0.01
    r, f = view.residuals(log_ratio), view.features(log_ratio)
    assert len(view.feature_names) == f.size == 53
    expected = [
        np.log10(sum(r**2)),
        max(abs(r)),
        max(r),
        min(r),
        sum(r[k] * r[k + 1] for k in range(46)) / 46,
        max(abs(r[k + 1] - r[k]) for k in range(46)),
    ]
    np.testing.assert_allclose(f[47:], expected, rtol=1e-12)


# The report.


REPORT = Report(
    np.array([0, 0, 1, 1, 2, 2]), np.array([[8, 1, 1], [3, 4, 3], [1, 5, 4], [0, 9, 1], [2, 5, 3], [1, 1, 8]]) / 10
)


def test_report_by_hand():
    assert REPORT.predicted.tolist() == [0, 1, 1, 1, 1, 2]
    assert REPORT.accuracy == pytest.approx(4 / 6)
    assert REPORT.accuracy_error == pytest.approx(np.sqrt(4 / 6 * 2 / 6 / 6))
    np.testing.assert_allclose(REPORT.confusion, [[0.5, 0.5, 0], [0, 1, 0], [0, 0.5, 0.5]])
    np.testing.assert_allclose(REPORT.recall, [0.5, 1, 0.5])
    assert REPORT.between("burst", "CREDIT") == pytest.approx(3 / 4)


def test_report_against_scikit_learn(at_ten, tree):
    report = tree.report(at_ten[1])
    assert report.accuracy == pytest.approx(accuracy_score(report.labels, report.predicted))
    np.testing.assert_allclose(report.confusion, confusion_matrix(report.labels, report.predicted, normalize="true"))
    mistaken, found = report.roc("smooth")
    area = np.sum(np.diff(mistaken) * (found[1:] + found[:-1]) / 2)
    assert area == pytest.approx(roc_auc_score(report.labels == 0, report.probabilities[:, 0]))
    assert (mistaken[-1], found[-1]) == (1, 1)


def test_probabilities_are_calibrated(at_ten, boosting):
    """Mean probability and true share agree within 5 standard errors and 7 %, for every class."""
    report = boosting.report(at_ten[1])
    for name in CLASSES:
        predicted, observed, count = report.calibration(name, 5)
        assert count.sum() == report.labels.size
        assert np.all(np.abs(predicted - observed) < 0.07 + 5 * np.sqrt(0.25 / count))


def test_calibration_by_hand():
    predicted, observed, count = REPORT.calibration("burst", 2)
    np.testing.assert_allclose(predicted, [np.mean([0.1, 0.4, 0.1]), np.mean([0.5, 0.9, 0.5])])
    np.testing.assert_allclose(observed, [0, 2 / 3])
    assert count.tolist() == [3, 3]


# What was promised.


def test_degree_1_floor_10_tev(at_ten, tree, boosting):
    """Tree at least 0.85, boosting at least 0.90; smooth spectra recognised in 99 of 100."""
    learned, graded = at_ten
    assert len(np.unique(learned.galaxy)) == 4200
    assert tree.report(graded).accuracy >= 0.85
    report = boosting.report(graded)
    assert report.accuracy >= 0.90
    assert report.recall[0] >= 0.99


def test_floor_100_tev_looks_like_a_burst(reference):
    """Below 100 TeV the two scenarios are the same but for a shift of all ages."""
    learned, graded = samples(reference, "CREDIT 100 TeV", seed=2).split()
    for kind in ("tree", "boosting"):
        assert train(kind, learned).report(graded).between("burst", "CREDIT") == pytest.approx(0.5, abs=0.04)


def test_more_freedom_and_more_noise_make_it_harder(reference, at_ten, tree):
    accuracy = [tree.report(at_ten[1]).accuracy]
    for view in (View(3), View(3, extra=0.005)):
        learned, graded = samples(reference, "CREDIT 10 TeV", view, seed=1).split()
        accuracy.append(train("tree", learned).report(graded).accuracy)
    assert accuracy[0] > accuracy[1] + 0.03 > accuracy[2] + 0.06


def test_shuffled_labels_teach_nothing(at_ten):
    """Chance is 1/3: nothing leaks into the features. One leaf answers for all smooth spectra, so it varies."""
    learned, graded = at_ten
    found = []
    for seed in range(4):
        labels = np.random.default_rng(seed).permutation(learned.labels)
        found.append(train("tree", Samples(learned.features, labels, learned.galaxy)).report(graded).accuracy)
    assert np.mean(found) == pytest.approx(1 / 3, abs=0.15)


def test_a_second_look_has_errors_of_its_own():
    once, twice = (samples(load("late-sedov"), "CREDIT 10 TeV", seed=1, looks=k) for k in (1, 2))
    np.testing.assert_allclose(twice.features[:6000], once.features, rtol=1e-6, atol=1e-6)
    second = twice.features[6000:8000, :47] - once.features[:2000, :47]  # of smooth spectra
    assert second.std() == pytest.approx(np.sqrt(2 * 45 / 47), rel=0.03)
    np.testing.assert_array_equal(twice.labels, np.tile(once.labels, 2))
    np.testing.assert_array_equal(twice.galaxy, np.tile(once.galaxy, 2))


def test_no_galaxy_is_in_both_sets(at_ten):
    assert not set(at_ten[0].galaxy) & set(at_ten[1].galaxy)


def test_importance(at_ten, tree):
    groups = {"all": range(53), "none": []}
    loss = tree.importance(at_ten[1], groups, seed=9, repeats=2)
    assert loss["none"] == 0
    assert loss["all"] == pytest.approx(tree.report(at_ten[1]).accuracy - 1 / 3, abs=0.03)


@pytest.mark.parametrize("kind", ["tree", "forest", "boosting"])
def test_same_result_on_any_number_of_threads(kind, monkeypatch):
    learned, graded = samples(load("late-sedov"), "CREDIT 10 TeV", seed=1).split(0.2)
    found = []
    for number in ("1", "2"):
        monkeypatch.setenv("CRLAB_THREADS", number)
        found.append(train(kind, learned, seed=3).probabilities(graded.features[:500]))
    np.testing.assert_array_equal(*found)
    np.testing.assert_allclose(found[0].sum(axis=1), 1)


def test_boosting_has_one_thread_of_openmp(monkeypatch):
    """Scikit-learn promises no bits, and small tasks take several times longer on two threads than on one."""
    from sklearn.utils._openmp_helpers import _openmp_effective_n_threads

    learned, graded = samples(load("late-sedov"), "CREDIT 10 TeV", seed=1).split(0.2)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # else hyperthreads do not count as two
    real, used, found = _openmp_effective_n_threads, [], []
    module = "sklearn.ensemble._hist_gradient_boosting.gradient_boosting"
    monkeypatch.setattr(f"{module}._openmp_effective_n_threads", lambda *a: used.append(real(*a)) or used[-1])
    for number in (1, 2):
        with threadpool_limits(number, "openmp"):
            assert real() == number
            found.append(train("boosting", learned, seed=3).probabilities(graded.features))
            assert real() == number
    np.testing.assert_array_equal(*found)
    assert len(used) >= 4
    assert set(used) == {1}


def test_measured_spectrum_falls_as_a_power_law():
    """Flux times E^2.7 stays within a factor 1.6 over the range, up to offsets between experiments."""
    log_ratio = measured_log_ratio(BINS)
    assert log_ratio[0] == 0
    assert np.ptp(log_ratio) < np.log(2)
    by_centre = np.log(BINS.flux.value * BINS.centre.value**2.7)
    np.testing.assert_allclose(np.diff(log_ratio[37:]), np.diff(by_centre[37:]), atol=0.01)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: View(9), "degree must be"),
        (lambda: View(True), "degree must be"),
        (lambda: View(extra=-0.1), "extra must be zero or positive"),
        (lambda: View(correlated=0.5), "correlated must be one value of at most 0.2"),
        (lambda: View().residuals(np.zeros(12)), "47 values"),
        (lambda: View().features(np.full(47, np.nan)), "finite"),
        (lambda: samples(load("late-sedov"), "burst", seed=1), "scenario must be one of CREDIT"),
        (lambda: samples(load("late-sedov"), "CREDIT 1 TeV", seed=1), "scenario must be one of burst"),
        (lambda: samples(load("late-sedov"), "CREDIT 10 TeV", seed=1, looks=0), "looks must be"),
        (lambda: train("forrest", Samples(np.zeros((3, 2)), np.arange(3), np.arange(3))), "kind must be"),
        (lambda: train("tree", Samples(np.zeros((3, 2)), np.zeros(3, int), np.arange(3))), "all three classes"),
        (lambda: Samples(np.zeros((3, 2)), np.arange(3), np.zeros(3, int)).split(), "share must leave"),
        (lambda: REPORT.roc("kink"), "class must be"),
        (lambda: REPORT.between("burst", "burst"), "two classes"),
        (lambda: REPORT.calibration("burst", 1), "at least 2"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(ValueError, match=words):
        call()

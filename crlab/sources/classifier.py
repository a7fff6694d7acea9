r"""Telling smooth, burst-like and CREDIT spectra apart: what is seen of a spectrum, and classifiers that learn from it.

A spectrum enters as ln x in the bins of the experiments. Its smooth part is not known beforehand, so a polynomial of
degree d in ln E is fitted with the errors as weights and taken away: d = 1 leaves slope and normalisation free, d = 3
has room for a break. What is left over the errors σ are the residuals r. Derived in the chapter "Can we tell them
apart?".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crlab.parallel import blocks, one_thread, threads
from crlab.sources.bins import Bins, proton_bins
from crlab.sources.library import Library
from crlab.units import Array, take

__all__ = ["CLASSES", "MODELS", "Report", "Samples", "Trained", "View", "measured_log_ratio", "samples", "train"]

CLASSES = ("smooth", "burst", "CREDIT")
"""The three answers, in the order of labels and probabilities."""

MODELS = ("tree", "forest", "boosting")
"""Classifiers: a decision tree that can be read, a forest of them, and boosted trees."""

_SUMMARY = ("log10 chi2", "largest abs", "largest", "smallest", "mean neighbour product", "largest step")


@dataclass(frozen=True)
class View:
    """What a classifier gets to see of a spectrum.

    Parameters
    ----------
    degree : int
        d of the polynomial in ln E that is taken away, 0 to 8.
    extra : float
        Further relative error of each bin, independent of the others; it adds to the statistical one in quadrature.
    correlated : float
        Relative error that neighbouring bins of an experiment share: a Gaussian process of that size, whose correlation
        falls by e^(-1/2) over 0.2 decades. The classifier sees spectra that have it, the weights do not know of it.
    separate : bool
        Whether each experiment gets a polynomial of its own, as their energy scales and systematic errors ask for.
    bins : Bins
        By default all of `proton_bins`.

    Raises
    ------
    ValueError
        A degree or an error out of range.

    Examples
    --------
    >>> import numpy as np
    >>> view = View(degree=1)
    >>> bool(abs(view.residuals(0.3 + 0.02 * np.log(view.bins.centre.value))).max() < 1e-9)
    True
    """

    degree: int = 1
    extra: float = 0.0
    correlated: float = 0.0
    separate: bool = False
    bins: Bins = field(default_factory=proton_bins)

    def __post_init__(self) -> None:
        if isinstance(self.degree, bool) or not isinstance(self.degree, int) or not 0 <= self.degree <= 8:
            raise ValueError(f"degree must be a whole number from 0 to 8, got {self.degree!r}")
        for name in ("extra", "correlated"):
            value = take(name, getattr(self, name), "", non_negative=True)
            if value.size != 1 or value.max() > 0.2:
                raise ValueError(f"{name} must be one value of at most 0.2, got {getattr(self, name)!r}")

    @property
    def error(self) -> Array:
        """σ, the relative error of each bin, shape (bins,)."""
        return np.hypot(self.bins.stat, self.extra)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of `features`: the residual of each bin, then six summaries."""
        names = zip(self.bins.experiment, self.bins.centre.value, strict=True)
        return (*(f"{experiment} {energy:.3g} GeV" for experiment, energy in names), *_SUMMARY)

    @one_thread()
    def observe(self, log_ratio: Array, rng: np.random.Generator) -> Array:
        """Measure spectra once, with errors.

        Parameters
        ----------
        log_ratio : ndarray, shape (..., bins)
            True ln x.
        rng : Generator

        Returns
        -------
        ndarray, shape (..., bins)
            ln x as measured.

        Raises
        ------
        ValueError
            A shape that does not fit.
        """
        truth = self._checked(log_ratio)
        noise = self.error * rng.standard_normal(truth.shape)
        if self.correlated > 0:
            noise += self.correlated * rng.standard_normal(truth.shape) @ self._shared().T
        return np.asarray(truth + np.log1p(np.maximum(noise, -0.9)))

    @one_thread()
    def residuals(self, log_ratio: Array) -> Array:
        """Take the fitted polynomial away: r = (ln x - fit)/σ.

        Parameters
        ----------
        log_ratio : ndarray, shape (..., bins)
            ln x as measured.

        Returns
        -------
        ndarray, shape (..., bins)

        Raises
        ------
        ValueError
            A shape that does not fit.
        """
        scaled = self._checked(log_ratio) / self.error
        q = np.linalg.qr(self._basis() / self.error[:, None])[0]
        return np.asarray(scaled - (scaled @ q) @ q.T)

    def features(self, log_ratio: Array) -> Array:
        """What a classifier is given: the residuals and six summaries of them.

        The summaries are log10 Σr², the largest abs(r), the largest and the smallest r, the mean of r_k r_(k+1),
        and the largest abs(r_(k+1) - r_k).

        Parameters
        ----------
        log_ratio : ndarray, shape (..., bins)
            ln x as measured.

        Returns
        -------
        ndarray, shape (..., bins + 6)

        Raises
        ------
        ValueError
            A shape that does not fit.
        """
        r = self.residuals(log_ratio)
        step = np.diff(r, axis=-1)
        summary = [
            np.log10(np.maximum((r**2).sum(-1), 1e-30)),
            np.abs(r).max(-1),
            r.max(-1),
            r.min(-1),
            (r[..., 1:] * r[..., :-1]).mean(-1),
            np.abs(step).max(-1),
        ]
        return np.concatenate([r, np.stack(summary, axis=-1)], axis=-1)

    def _checked(self, log_ratio: Array) -> Array:
        values = take("log_ratio", log_ratio, "")
        if values.shape[-1:] != (self.bins.size,):
            raise ValueError(f"log_ratio must have {self.bins.size} values along its last axis, got {values.shape}")
        return values

    def _basis(self) -> Array:
        """Columns that are taken away, shape (bins, columns)."""
        x = np.log(self.bins.centre.value)
        groups = [np.ones(x.size, dtype=bool)]
        if self.separate:
            groups = [self.bins.of(name) for name in dict.fromkeys(self.bins.experiment)]
        columns = []
        for group in groups:
            low, high = x[group].min(), x[group].max()
            scaled = (2 * x - low - high) / (high - low)
            columns.append(np.polynomial.legendre.legvander(np.where(group, scaled, 0.0), self.degree) * group[:, None])
        return np.concatenate(columns, axis=1)

    def _shared(self) -> Array:
        """Cholesky factor of the correlation between bins of one experiment."""
        x = np.log10(self.bins.centre.value)
        same = np.equal.outer(np.array(self.bins.experiment), np.array(self.bins.experiment))
        matrix = np.exp(-0.5 * ((x[:, None] - x) / 0.2) ** 2) * same
        return np.linalg.cholesky(matrix + 1e-9 * np.eye(x.size))


@dataclass(frozen=True)
class Samples:
    """Features of many observed spectra; made by `samples`.

    Parameters
    ----------
    features : ndarray, shape (m, columns)
    labels : ndarray of int, shape (m,)
        Index into `CLASSES`.
    galaxy : ndarray of int, shape (m,)
        Which Galaxy of the library; burst and CREDIT of one Galaxy have the same sources.

    Examples
    --------
    >>> both = Samples(np.zeros((6, 53)), np.array([0, 1, 2, 0, 1, 2]), np.array([0, 0, 0, 1, 1, 1]))
    >>> learn, test = both.split(0.5)
    >>> test.galaxy
    array([1, 1, 1])
    """

    features: Array
    labels: NDArray[np.int64]
    galaxy: NDArray[np.int64]

    def split(self, share: float = 0.7) -> tuple["Samples", "Samples"]:
        """Divide the Galaxies into two sets, so that none is in both.

        Parameters
        ----------
        share : float
            Of the Galaxies that go into the first set, between 0 and 1.

        Returns
        -------
        Samples, Samples

        Raises
        ------
        ValueError
            A share that leaves a set empty.
        """
        border = round(share * (int(self.galaxy.max()) + 1))
        first = self.galaxy < border
        if not 0 < first.sum() < first.size:
            raise ValueError(f"share must leave Galaxies in both sets, got {share!r}")
        parts = (Samples(self.features[s], self.labels[s], self.galaxy[s]) for s in (first, ~first))
        return next(parts), next(parts)


def samples(library: Library, scenario: str, view: View | None = None, *, seed: int, looks: int = 1) -> Samples:
    """Observe all Galaxies of a library as smooth, as burst-like and under CREDIT.

    Parameters
    ----------
    library : Library
    scenario : str
        Which CREDIT scenario, such as ``"CREDIT 10 TeV"``.
    view : View, optional
        By default `View()`.
    seed : int
        Of the errors.
    looks : int
        How often each Galaxy is observed, with errors of its own each time; more than once helps a classifier to learn
        what is error.

    Returns
    -------
    Samples
        As many of each class.

    Raises
    ------
    ValueError
        A scenario that the library has not, or that is no CREDIT scenario; `looks` < 1.

    Examples
    --------
    >>> from crlab.sources.library import load
    >>> some = samples(load("late-sedov"), "CREDIT 10 TeV", seed=1)
    >>> some.features.shape
    (6000, 53)
    """
    if not scenario.startswith("CREDIT"):
        raise ValueError(f"scenario must be one of CREDIT, got {scenario!r}")
    view = view or View()
    burst, credit = library.of("burst"), library.of(scenario)
    truths = (np.zeros_like(burst), burst, credit) * _looks(looks)
    n = len(burst)
    work = blocks(len(truths) * n, size=n, seed=seed)
    seen = [view.observe(truth, block.generator()) for truth, block in zip(truths, work, strict=True)]
    labels = np.tile(np.repeat([0, 1, 2], n), looks)
    return Samples(view.features(np.concatenate(seen)), labels, np.tile(np.arange(n), len(truths)))


def _looks(looks: int) -> int:
    if isinstance(looks, bool) or not isinstance(looks, int | np.integer) or looks < 1:
        raise ValueError(f"looks must be a whole number of at least 1, got {looks!r}")
    return int(looks)


@dataclass(frozen=True)
class Trained:
    """A classifier that has learned; made by `train`.

    Parameters
    ----------
    model : estimator of scikit-learn
    """

    model: Any

    def probabilities(self, features: Array) -> Array:
        """Probability of each class for equal shares of the three.

        Parameters
        ----------
        features : ndarray, shape (m, columns)
            From `View.features`.

        Returns
        -------
        ndarray, shape (m, 3)
            In the order of `CLASSES`.
        """
        with one_thread():
            return np.asarray(self.model.predict_proba(np.atleast_2d(features)), dtype=np.float64)

    def report(self, test: Samples) -> "Report":
        """Classify samples of known class.

        Parameters
        ----------
        test : Samples
            Of Galaxies that the classifier has not learned from.

        Returns
        -------
        Report
        """
        return Report(test.labels, self.probabilities(test.features))

    def importance(
        self, test: Samples, groups: Mapping[str, Sequence[int]], *, seed: int, repeats: int = 3
    ) -> dict[str, float]:
        """Loss of accuracy when groups of features are shuffled among the samples.

        Parameters
        ----------
        test : Samples
        groups : mapping of str to sequence of int
            Columns that are shuffled together. Features that tell the same story must be in one group.
        seed : int
        repeats : int
            Shuffles a group, over which the loss is averaged; at least 1.

        Returns
        -------
        dict of str to float

        Raises
        ------
        ValueError
            No repeats.
        """
        if repeats < 1:
            raise ValueError(f"repeats must be at least 1, got {repeats!r}")
        whole = self.report(test).accuracy
        rngs = [block.generator() for block in blocks(len(groups), size=1, seed=seed)]
        loss = {}
        for (name, columns), rng in zip(groups.items(), rngs, strict=True):
            found = []
            for _ in range(repeats):
                shuffled = test.features.copy()
                order = rng.permutation(len(shuffled))
                shuffled[:, list(columns)] = test.features[order][:, list(columns)]
                found.append(Report(test.labels, self.probabilities(shuffled)).accuracy)
            loss[name] = whole - float(np.mean(found))
        return loss


@dataclass(frozen=True)
class Report:
    """How well spectra of known class were told apart.

    Parameters
    ----------
    labels : ndarray of int, shape (m,)
        True classes.
    probabilities : ndarray, shape (m, 3)

    Examples
    --------
    >>> report = Report(np.array([0, 1, 2, 2]), np.eye(3)[[0, 1, 1, 2]])
    >>> print(report.accuracy, report.recall)
    0.75 [1.  1.  0.5]
    """

    labels: NDArray[np.int64]
    probabilities: Array

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The most probable class of each sample."""
        return np.asarray(np.argmax(self.probabilities, axis=1), dtype=np.int64)

    @property
    def accuracy(self) -> float:
        """Share of samples that were classified right."""
        return float(np.mean(self.predicted == self.labels))

    @property
    def accuracy_error(self) -> float:
        """Binomial standard error of the accuracy."""
        p = self.accuracy
        return float(np.sqrt(p * (1 - p) / self.labels.size))

    @property
    def confusion(self) -> Array:
        """Shares of the predicted classes, shape (true, predicted); rows sum to 1 where a class has samples."""
        counts = np.zeros((3, 3))
        np.add.at(counts, (self.labels, self.predicted), 1.0)
        return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)

    @property
    def recall(self) -> Array:
        """Share of each true class that was found, shape (3,)."""
        return np.diag(self.confusion).copy()

    def between(self, first: str, second: str) -> float:
        """Accuracy among true members of two classes, if only these two may be answered.

        Parameters
        ----------
        first, second : str
            Of `CLASSES`.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            An unknown class, or twice the same.
        """
        a, b = _index(first), _index(second)
        if a == b:
            raise ValueError(f"first and second must be two classes, got {first!r} twice")
        chosen = np.isin(self.labels, (a, b))
        truth = self.labels[chosen]
        difference = self.probabilities[chosen, a] - self.probabilities[chosen, b]
        right = np.where(truth == a, difference > 0, difference < 0) + 0.5 * (difference == 0)
        return float(right.mean())

    def roc(self, target: str = "smooth") -> tuple[Array, Array]:
        """Share found of a class against the share of others mistaken for it, for all thresholds of its probability.

        Parameters
        ----------
        target : str
            Of `CLASSES`.

        Returns
        -------
        mistaken, found : ndarray
            From 0 to 1; equal probabilities make one point.

        Raises
        ------
        ValueError
            An unknown class.
        """
        score = self.probabilities[:, _index(target)]
        positive = self.labels == _index(target)
        order = np.argsort(-score, kind="stable")
        last = np.r_[np.diff(score[order]) != 0, True]
        found, mistaken = np.cumsum(positive[order])[last], np.cumsum(~positive[order])[last]
        return np.r_[0.0, mistaken / max((~positive).sum(), 1)], np.r_[0.0, found / max(positive.sum(), 1)]

    def calibration(self, target: str, parts: int = 10) -> tuple[Array, Array, NDArray[np.int64]]:
        """What share is right among samples that got about the same probability.

        Parameters
        ----------
        target : str
            Of `CLASSES`.
        parts : int
            Equal intervals of the probability; empty ones are left out.

        Returns
        -------
        predicted, observed : ndarray
            Mean probability of the class, and its true share.
        count : ndarray of int

        Raises
        ------
        ValueError
            An unknown class, or fewer than two parts.
        """
        if parts < 2:
            raise ValueError(f"parts must be at least 2, got {parts!r}")
        score = self.probabilities[:, _index(target)]
        where = np.minimum((score * parts).astype(np.int64), parts - 1)
        count = np.bincount(where, minlength=parts)
        some = count > 0
        predicted = np.bincount(where, score, parts)[some] / count[some]
        observed = np.bincount(where, self.labels == _index(target), parts)[some] / count[some]
        return predicted, observed, count[some]


def train(kind: str, learn: Samples, *, seed: int = 0) -> Trained:
    """Train a classifier of scikit-learn; the result does not depend on the number of threads.

    Parameters
    ----------
    kind : {"tree", "forest", "boosting"}
        A tree of at most 8 questions in a row and at least 40 samples a leaf; 60 trees that vote, each grown on as many
        samples as half of `learn` has; 100 rounds of gradient-boosted trees, each question chosen among three tenths
        of the features. Chosen by cross-validation among the Galaxies for training.
    learn : Samples
    seed : int
        Of whatever the method leaves to chance.

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        Another kind, or samples of fewer than three classes.

    Notes
    -----
    Breiman (2001) for forests; Friedman (2001) for boosting; Pedregosa et al. (2011) for the library.

    Examples
    --------
    >>> from crlab.sources.library import load
    >>> learn, test = samples(load("late-sedov"), "CREDIT 10 TeV", seed=1).split()
    >>> report = train("tree", learn).report(test)
    >>> bool(report.accuracy > 0.8)
    True
    """
    if kind not in MODELS:
        raise ValueError(f"kind must be one of {', '.join(MODELS)}, got {kind!r}")
    if len(np.unique(learn.labels)) != 3:
        raise ValueError("learn must hold samples of all three classes")
    model = _model(kind, seed)
    with one_thread():
        model.fit(learn.features, learn.labels)
    if kind == "forest":
        model.set_params(n_jobs=1)  # votes are added in the order of the trees
    return Trained(model)


def measured_log_ratio(bins: Bins) -> Array:
    """Measured flux over E^-2.7, up to a constant, as ln x: what takes the place of a simulated spectrum.

    Parameters
    ----------
    bins : Bins

    Returns
    -------
    ndarray, shape (bins,)

    Examples
    --------
    >>> bins = proton_bins()
    >>> measured_log_ratio(bins).shape
    (47,)
    """
    low, high = bins.low.value, bins.high.value
    mean = (low**-1.7 - high**-1.7) / (1.7 * (high - low))
    ratio = np.log(bins.flux.value / mean)
    return np.asarray(ratio - ratio[0])


def _model(kind: str, seed: int) -> Any:
    """The estimator; scikit-learn is slow to import, so it is imported here."""
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    if kind == "tree":
        return DecisionTreeClassifier(max_depth=8, min_samples_leaf=40, random_state=seed)
    if kind == "forest":
        return RandomForestClassifier(
            60, min_samples_leaf=3, max_samples=0.5, random_state=seed, n_jobs=min(threads(), 2)
        )
    return HistGradientBoostingClassifier(
        max_iter=100, learning_rate=0.15, max_features=0.3, max_bins=64, early_stopping=False, random_state=seed
    )


def _index(name: str) -> int:
    if name not in CLASSES:
        raise ValueError(f"class must be one of {', '.join(CLASSES)}, got {name!r}")
    return CLASSES.index(name)

r"""Green's function of the Galactic halo: one burst, seen at any place and time, and its averages over many.

∂ψ/∂t - κ ∇²ψ = q with ψ = 0 at z = ±h and no border in radius. A burst of Q particles at height z' gives ψ = Q G,

    G = exp(-ρ²/4Λ)/(4πΛ) Θ(Λ/h²; z/h, z'/h)/h,    Λ = ∫κ dτ,

where Θ is a sum over image sources or over sine modes. Derived in the chapter "Green's function of the halo".
Everything here is for relativistic particles without energy losses, except `lepton_density`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from astropy import constants as const
from astropy import units as u
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import binom, erf, erfc, ive, k1, kve, zeta

from crlab.diffusion import _kernels
from crlab.galaxy import Halo
from crlab.units import Array, take

__all__ = [
    "age_fraction",
    "causal_green",
    "causal_loss",
    "disc_mean",
    "green",
    "juettner",
    "lepton_density",
    "locality",
    "locality_radius",
    "mean_density",
    "suppressed_spread",
    "survival",
    "theta",
]

_AREA = u.kpc**2
_KAPPA = u.kpc**2 / u.Myr
_CUBE = u.kpc**-3
_C = float(const.c.to_value(u.kpc / u.Myr))
_MODES = np.arange(60)  # that of `disc_mean`, whose terms fall as k⁻⁴


def theta(s: Any, *, z: Any = 0.0, source: Any = 0.0, form: str = "auto", terms: int | None = None) -> Array:
    """Density of particles that diffuse in one dimension between absorbing walls at ±1.

    Images: Σ (-1)^n exp(-(z - z_n)²/4s)/√(4πs), z_n = 2n + (-1)^n z'. Modes: Σ sin(mπ(z+1)/2) sin(mπ(z'+1)/2)
    exp(-s (mπ/2)²). Chapter "Green's function of the halo".

    Parameters
    ----------
    s : array_like
        ∫κ dτ over the half-height squared, positive.
    z, source : array_like
        Heights z and z' of observer and source over the half-height, from -1 to 1; all broadcast.
    form : str
        ``"auto"`` takes images for s < 0.25 and modes above, to about 1e-14; ``"images"``, ``"modes"``.
    terms : int, optional
        Highest abs(n) or m of the sum; by default 5 images, 9 modes. Needs a `form`.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        s ≤ 0, heights beyond the walls, an unknown form, `terms` without a form or not a positive integer.

    Examples
    --------
    >>> print(f"{theta(0.1):.12f}")
    0.891981058967
    """
    s = take("s", s, "", positive=True)
    arrays = np.broadcast_arrays(
        s, _inside("z", take("z", z, ""), 1.0), _inside("source", take("source", source, ""), 1.0)
    )
    at, observer, origin = (np.array(a, order="C").reshape(-1) for a in arrays)
    out = np.empty(at.size)
    if form == "auto" and terms is None:
        _kernels.theta_array(at, observer, origin, out)
    elif form in ("images", "modes"):
        count = (5 if form == "images" else 9) if terms is None else terms
        least = 0 if form == "images" else 1
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < least:
            raise ValueError(f"terms must be an integer of at least {least}, got {terms!r}")
        _kernels.sum_array(at, observer, origin, int(count), form == "modes", out)
    else:
        raise ValueError(f"form must be 'auto' (without terms), 'images' or 'modes', got {form!r} with terms={terms!r}")
    return out.reshape(arrays[0].shape)


def green(
    rho: u.Quantity,
    spread: u.Quantity,
    *,
    height: u.Quantity = 5 * u.kpc,
    z: u.Quantity = 0 * u.kpc,
    source: u.Quantity = 0 * u.kpc,
) -> u.Quantity:
    """Density that one burst of one particle leaves, G.

    Parameters
    ----------
    rho : Quantity
        Distance between observer and source along the plane, any shape; all arguments broadcast.
    spread : Quantity
        Λ = ∫κ dτ since the burst, in units like kpc2: κ τ where κ is constant. Zero gives zero.
    height : Quantity
        h, half-height of the halo.
    z, source : Quantity
        Heights of the observer and of the source, within ±h.

    Returns
    -------
    Quantity
        G in 1/kpc3.

    Raises
    ------
    ValueError
        A negative distance or spread, a height outside the halo, an observer at the source when it bursts.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{green(0.3 * u.kpc, 0.05 * u.kpc**2):.6f}")
    1.280259 1 / kpc3
    """
    arrays = _geometry(rho, ("spread", spread, _AREA), height, z, source)
    r, area, h, observer, origin = (np.array(a, order="C").reshape(-1) for a in arrays)
    out = np.empty(r.size)
    _kernels.green_array(r, area, observer, origin, h, out)
    return out.reshape(arrays[0].shape) * _CUBE


def causal_green(
    rho: u.Quantity,
    age: u.Quantity,
    *,
    kappa: u.Quantity,
    height: u.Quantity = 5 * u.kpc,
    z: u.Quantity = 0 * u.kpc,
    source: u.Quantity = 0 * u.kpc,
    form: str = "juettner",
) -> u.Quantity:
    """`green` for constant κ, without particles that would be faster than light.

    Parameters
    ----------
    rho : Quantity
        Distance along the plane, any shape; all arguments broadcast.
    age : Quantity
        τ since the burst.
    kappa : Quantity
        κ, in units like cm2/s.
    height, z, source : Quantity
        As in `green`.
    form : str
        ``"cut"``: zero beyond cτ; it loses the particles there (`causal_loss`). ``"juettner"``: each image spreads as
        in `juettner`, which keeps their number; the walls are then approximate where 3κ/c nears h.

    Returns
    -------
    Quantity
        In 1/kpc3.

    Raises
    ------
    ValueError
        As `green`; κ ≤ 0, an unknown form, or κτ > 8 h² in the Jüttner form, whose images then cancel to rounding.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> late = causal_green(0.5 * u.kpc, 1 * u.kyr, kappa=100 * u.kpc**2 / u.Myr)
    >>> print(late)
    0.0 1 / kpc3
    """
    rho, age, height, z, source = _geometry(rho, ("age", age, u.Myr), height, z, source)
    D = take("kappa", kappa, _KAPPA, positive=True)
    rho, age, height, z, source, D = np.broadcast_arrays(rho, age, height, z, source, D)
    if form == "cut":
        seen = np.hypot(rho, z - source) <= _C * age
        return green(rho * u.kpc, D * age * _AREA, height=height * u.kpc, z=z * u.kpc, source=source * u.kpc) * seen
    if form != "juettner":
        raise ValueError(f"form must be 'cut' or 'juettner', got {form!r}")
    s = D * age / height**2
    if np.any(s > 8):
        raise ValueError(f"age must keep kappa * age below 8 height² in the Jüttner form, got {s.max():.3g} height²")
    total = np.zeros(rho.shape)
    for n in range(-20, 21):  # (2 n)² > 4 s × 40 beyond
        sign = 1 - 2 * (n % 2)
        r = np.hypot(rho, z - 2 * n * height - sign * source)
        total += sign * _juettner(r, np.where(age > 0, age, 1.0), D) * (age > 0)
    return np.maximum(total, 0) * _CUBE


def juettner(distance: u.Quantity, age: u.Quantity, *, kappa: u.Quantity) -> u.Quantity:
    """Free propagator that stays within the light cone and keeps the number of particles.

    P = α exp(-α/√(1-ξ²)) / [4π (cτ)³ (1-ξ²)² K1(α)] with ξ = r/cτ < 1, α = c²τ/2κ: Jüttner's relativistic Maxwellian
    put for the Gaussian (Dunkel et al. 2007; Aloisio et al. 2009). It interpolates; it solves no equation of motion.

    Parameters
    ----------
    distance, age : Quantity
        r and τ > 0, broadcast.
    kappa : Quantity
        κ, in units like cm2/s.

    Returns
    -------
    Quantity
        In 1/kpc3.

    Raises
    ------
    ValueError
        A negative distance, age or κ ≤ 0.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{juettner(1 * u.kpc, 1 * u.Myr, kappa=0.2 * u.kpc**2 / u.Myr):.4f}")
    0.0719 1 / kpc3
    """
    r = take("distance", distance, u.kpc, non_negative=True)
    tau = take("age", age, u.Myr, positive=True)
    return np.asarray(_juettner(r, tau, take("kappa", kappa, _KAPPA, positive=True))) * _CUBE


def _juettner(r: Array, tau: Array, kappa: Array) -> Array:
    alpha = _C**2 * tau / (2 * kappa)
    inside = np.maximum(1 - (r / (_C * tau)) ** 2, 0.0)
    gamma = 1 / np.sqrt(np.maximum(inside, 1e-30))
    excess = (r / (_C * tau)) ** 2 * gamma**2 / (gamma + 1)  # γ - 1 without its cancellation
    weight = np.exp(-np.minimum(alpha * excess, 700.0)) * gamma**4
    return np.where(inside > 1e-30, alpha * weight / (4 * np.pi * (_C * tau) ** 3 * kve(1, alpha)), 0.0)


def suppressed_spread(
    age: u.Quantity, *, kappa: u.Quantity, suppression: Any = 100.0, recovery: u.Quantity = 50 * u.kyr
) -> u.Quantity:
    """Λ(τ) = ∫κ dτ where particles diffuse slowly around their source at first.

    κ(τ) = κ [1/χ + (1 - 1/χ)(1 - exp(-τ/τ_r))]: a model of this book for self-made turbulence that decays.

    Parameters
    ----------
    age : Quantity
        τ ≥ 0.
    kappa : Quantity
        κ at late times, in units like cm2/s.
    suppression : array_like
        χ ≥ 1.
    recovery : Quantity
        τ_r.

    Returns
    -------
    Quantity
        In kpc2, for `green`.

    Raises
    ------
    ValueError
        A negative age, κ or τ_r ≤ 0, χ < 1.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{suppressed_spread(1 * u.kyr, kappa=10 * u.kpc**2 / u.Myr):.2e}")
    1.98e-04 kpc2
    """
    tau = take("age", age, u.Myr, non_negative=True)
    late = take("kappa", kappa, _KAPPA, positive=True)
    chi = take("suppression", suppression, "", positive=True)
    tau_r = take("recovery", recovery, u.Myr, positive=True)
    if np.any(chi < 1):
        raise ValueError(f"suppression must be at least 1, got {chi.min():g}")
    return late * (tau / chi + (1 - 1 / chi) * (tau + tau_r * np.expm1(-tau / tau_r))) * _AREA


def survival(s: Any, *, source: Any = 0.0) -> Array:
    """Fraction of the particles that are still in the halo.

    Parameters
    ----------
    s : array_like
        κτ/h² ≥ 0.
    source : array_like
        Height of their source over h, from -1 to 1.

    Returns
    -------
    ndarray
        1 at s = 0. Its integral over τ is the mean time in the halo, (h² - z'²)/2κ.

    Raises
    ------
    ValueError
        A negative s, a source outside.

    Examples
    --------
    >>> print(f"{survival(0.5):.6f}")
    0.370777
    """
    s = take("s", s, "", non_negative=True)
    v = _inside("source", take("source", source, ""), 1.0)
    s, v = np.broadcast_arrays(s, v)
    n = np.arange(-6, 7)
    sign = 1 - 2 * (n % 2)
    image = 2 * n + sign * v[..., None]
    width = np.sqrt(4 * np.clip(s, 1e-300, 1.0))[..., None]
    early = (sign * (erf((1 - image) / width) + erf((1 + image) / width))).sum(-1) / 2
    q = (2 * np.arange(8) + 1) * np.pi / 2
    late = (2 / q * np.sin(q) * np.cos(q * v[..., None]) * np.exp(-(q**2) * s[..., None])).sum(-1)
    return np.clip(np.where(s < 0.25, early, late), 0.0, 1.0)


def mean_density(
    *, kappa: u.Quantity, height: u.Quantity = 5 * u.kpc, z: u.Quantity = 0 * u.kpc, source: u.Quantity = 0 * u.kpc
) -> u.Quantity:
    """Mean density over the rate of sources per area and their Q, for an infinite uniform disc.

    (h - max(z, z'))(h + min(z, z'))/(2 h κ); for sources in the plane (h - abs(z))/2κ.

    Parameters
    ----------
    kappa : Quantity
        κ, in units like cm2/s; all arguments broadcast.
    height, z, source : Quantity
        As in `green`.

    Returns
    -------
    Quantity
        In Myr/kpc: times 1/(kpc2 Myr) and Q it is a density.

    Raises
    ------
    ValueError
        κ or h ≤ 0, a height outside the halo.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{mean_density(kappa=0.1657192 * u.kpc**2 / u.Myr):.3f}")
    15.086 Myr / kpc
    """
    D = take("kappa", kappa, _KAPPA, positive=True)
    h = take("height", height, u.kpc, positive=True)
    a, b = (_inside(name, take(name, value, u.kpc), h) for name, value in (("z", z), ("source", source)))
    return (h - np.maximum(a, b)) * (h + np.minimum(a, b)) / (2 * h * D) * (u.Myr / u.kpc)


def locality(x: Any) -> Array:
    """Fraction F(x) of an infinite uniform disc's mean flux at its centre that comes from within x half-heights.

    F = Σ (-1)^n [√(x² + 4n²) - 2 abs(n)].

    Parameters
    ----------
    x : array_like
        Radius over the halo's half-height, ≥ 0.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        A negative x.

    Examples
    --------
    >>> print(f"{locality(1):.4f}, {locality(2):.4f}")
    0.6783, 0.9136
    """
    x = take("x", x, "", non_negative=True)
    j = np.arange(1, 40)
    # Expanded in x/2n, Σ (-1)^n / n^(2j-1) gives Dirichlet's eta; converges for x < 2.
    eta = np.r_[np.log(2), (1 - 2.0 ** (2 - 2 * j[1:])) * zeta(2 * j[1:] - 1)]
    near = np.minimum(x, 1.0)[..., None]
    small = near[..., 0] - 4 * (binom(0.5, j) * eta * (near / 2) ** (2 * j)).sum(-1)
    q = (2 * np.arange(14) + 1) * np.pi / 2
    far = np.maximum(x, 1.0)[..., None]
    return np.where(x < 1, small, 1 - 2 * (far * k1(q * far) / q).sum(-1))


def locality_radius(fraction: float) -> float:
    """Radius, in half-heights, within which a fraction of the mean flux originates: the inverse of `locality`.

    Parameters
    ----------
    fraction : float
        Between 0 and 1, both excluded.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        A fraction outside, or not a single one.

    Examples
    --------
    >>> print(f"{locality_radius(0.9):.3f}")
    1.893
    """
    wanted = _one("fraction", fraction, "")
    if wanted >= 1:
        raise ValueError(f"fraction must be below 1, got {wanted:g}")
    return float(brentq(lambda x: float(locality(x)) - wanted, 0.0, 40.0, xtol=1e-12))


def age_fraction(s: Any) -> Array:
    """Fraction H(s) of the mean flux in the plane that comes from sources younger than s h²/κ.

    H = 2 Σ [1 - exp(-w s)]/w with w = ((2k+1)π/2)², for any uniform disc that reaches far enough.

    Parameters
    ----------
    s : array_like
        κτ/h² ≥ 0.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        A negative s.

    Examples
    --------
    >>> print(f"{age_fraction(0.1):.3f}, {age_fraction(0.5):.3f}")
    0.357, 0.764
    """
    s = take("s", s, "", non_negative=True)
    n = np.arange(1, 6)
    root = np.sqrt(np.clip(s, 1e-300, 0.25))[..., None]
    images = (-1.0) ** n * (root / np.sqrt(np.pi) * np.exp(-((n / root) ** 2)) - n * erfc(n / root))
    early = np.sqrt(s / np.pi) * 2 + 4 * images.sum(-1)
    w = ((2 * np.arange(8) + 1) * np.pi / 2) ** 2
    return np.where(s < 0.25, early, 1 - 2 * (np.exp(-w * s[..., None]) / w).sum(-1))


def causal_loss(*, kappa: u.Quantity, height: u.Quantity = 5 * u.kpc) -> Array:
    """Part of the mean flux in the plane that the hard cut at ρ = cτ removes, tanh(y)/y with y = c h/2κ.

    For an infinite uniform disc: the integral of Θ exp(-c²τ/4κ) over τ is a Laplace transform.

    Parameters
    ----------
    kappa : Quantity
        κ, in units like cm2/s.
    height : Quantity
        h.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        κ or h ≤ 0.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> from crlab.galaxy import Halo
    >>> print(f"{causal_loss(kappa=Halo().kappa(100 * u.TV)):.3f}")
    0.054
    """
    y = _C * take("height", height, u.kpc, positive=True) / (2 * take("kappa", kappa, _KAPPA, positive=True))
    return np.tanh(y) / y


def disc_mean(
    rate: Callable[[u.Quantity], u.Quantity],
    radius: u.Quantity,
    *,
    kappa: u.Quantity,
    height: u.Quantity = 5 * u.kpc,
    z: u.Quantity = 0 * u.kpc,
    outer: u.Quantity = 20 * u.kpc,
    breaks: Sequence[u.Quantity] = (),
) -> u.Quantity:
    """Mean density of an axisymmetric disc of sources, over their Q.

    (1/κh) Σ cos(q z) ∫ r' rate(r') I0(q r<) K0(q r>) dr' with q = (2k+1)π/2h; the part of a uniform disc with the rate
    at the observer's radius is summed exactly, so that the rest converges as k⁻⁴.

    Parameters
    ----------
    rate : callable
        Rate of sources per area, or their surface density, of the Galactocentric radius: quantity of shape (n,) to
        quantity of shape (n,).
    radius : Quantity
        Where the observer is, any shape.
    kappa : Quantity
        κ, one value, in units like cm2/s.
    height : Quantity
        h, one value.
    z : Quantity
        Height of the observer, one value.
    outer : Quantity
        No sources beyond.
    breaks : sequence of Quantity
        Radii where `rate` jumps or bends.

    Returns
    -------
    Quantity
        Of the shape of `radius`; 1/kpc3 where `rate` is in 1/(kpc2 Myr).

    Raises
    ------
    ValueError
        κ, h or `outer` ≤ 0, a negative radius, a height outside the halo.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> flat = lambda r: np.ones(r.shape) / (u.kpc**2 * u.Myr)
    >>> mean = disc_mean(flat, 0 * u.kpc, kappa=2 * u.kpc**2 / u.Myr, outer=5 * u.kpc)
    >>> print(f"{mean:.3f}, {5 / 4 * locality(1):.3f}")
    0.848 1 / kpc3, 0.848
    """
    D, h = _one("kappa", kappa, _KAPPA), _one("height", height, u.kpc)
    level = float(np.abs(_inside("z", take("z", z, u.kpc), np.asarray(h))))
    edge = _one("outer", outer, u.kpc)
    bends = [_one("breaks", b, u.kpc) for b in breaks]
    R = take("radius", radius, u.kpc, non_negative=True)
    probe = rate(np.array([0.5 * edge]) * u.kpc)
    unit = getattr(probe, "unit", u.one)
    q = (2 * _MODES[:, None] + 1) * np.pi / (2 * h)
    result = np.empty(R.size)
    for i, here in enumerate(R.reshape(-1)):
        r, weight = _panels(here, edge, h, bends)
        value = take("rate", rate(r * u.kpc), unit)
        local = float(take("rate", rate(np.array([here]) * u.kpc), unit)[0]) if here < edge else 0.0
        low, high = np.minimum(r, here), np.maximum(r, here)
        term = (ive(0, q * low) * kve(0, q * high) * np.exp(-q * (high - low)) * (weight * r * value)).sum(1)
        rest = np.cos(q[:, 0] * level) * (term - local / q[:, 0] ** 2)
        result[i] = (local * (h - level) / 2 + rest.sum() / h) / D
    return result.reshape(R.shape) * unit * (u.Myr / u.kpc)


def _panels(here: float, edge: float, height: float, bends: Sequence[float]) -> tuple[Array, Array]:
    """Gauss-Legendre nodes on panels of [0, edge] that shrink towards `here`, where K0 is singular."""
    steps = height * 2.0 ** np.arange(-14.0, 3.0)
    points = np.r_[0.0, edge, np.arange(0.0, edge, 0.5 * height), bends, here, here - steps, here + steps]
    points = np.unique(points[(points >= 0) & (points <= edge)])
    node, weight = np.polynomial.legendre.leggauss(12)
    half = np.diff(points)[:, None] / 2
    return (points[:-1, None] + half * (1 + node)).reshape(-1), (half * weight).reshape(-1)


def lepton_density(
    energy: u.Quantity,
    *,
    halo: Halo,
    losses: Callable[[u.Quantity], u.Quantity],
    index: float,
    highest: u.Quantity = 1 * u.EeV,
) -> u.Quantity:
    """Mean density in the plane of particles that lose energy, from an infinite uniform disc with Q ∝ E^-Γ.

    ψ(E) = (1/b) ∫ Q(E') Θ(Λ/h²)/h dE' over E' > E, with Λ(E, E') = ∫κ/b dE: age is told by energy. For charge one and
    E ≫ mc², so that κ is that of R = E.

    Parameters
    ----------
    energy : Quantity
        E, in units like GeV, any shape.
    halo : Halo
    losses : callable
        b = -dE/dt > 0 in units like GeV/Myr, of quantities in GeV of shape (n,).
    index : float
        Γ of the source spectrum, above 1.
    highest : Quantity
        The source spectrum ends here.

    Returns
    -------
    Quantity
        In Myr/kpc: relative to the rate of sources per area times Q(1 GeV), of the shape of `energy`. Without losses
        it would be h/2κ (E/GeV)^-Γ.

    Raises
    ------
    ValueError
        An energy that is not positive and below `highest`, an index ≤ 1, losses that are not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> from crlab.galaxy import Halo
    >>> b = lambda E: 5.73e-3 * u.GeV / u.Myr * (E / u.GeV) ** 2
    >>> psi = lepton_density([1, 1.1] * u.TeV, halo=Halo(), losses=b, index=2.2)
    >>> print(f"slope {np.log(psi[1] / psi[0]) / np.log(1.1):.2f}")
    slope -3.00
    """
    E, top = take("energy", energy, u.GeV, positive=True), _one("highest", highest, u.GeV)
    gamma, h = _one("index", index, ""), _one("height", halo.height, u.kpc)
    if gamma <= 1 or np.any(top <= E):
        raise ValueError(f"index must be above 1 and energy below highest, got {gamma:g}, {E.max():g} and {top:g} GeV")
    grid = np.linspace(np.log(E.min()), np.log(top), 40 + int(40 * np.log10(top / E.min())))
    rate = take("losses", losses(np.exp(grid) * u.GeV), u.GeV / u.Myr, positive=True)
    log_b = CubicSpline(grid, np.log(rate))
    node, weight = np.polynomial.legendre.leggauss(16)
    inner, inner_weight = np.polynomial.legendre.leggauss(48)
    edges = np.r_[0.0, 2.0 ** np.arange(-24.0, 1.0)]  # however slow the losses, some panel sees the halo's size
    half = np.diff(edges)[:, None] / 2
    share = (edges[:-1, None] + half * (1 + node)).reshape(-1)
    share_weight = (half * weight).reshape(-1)
    result = np.empty(E.size)
    for i, e in enumerate(E.reshape(-1)):
        widest = np.sqrt(np.log(top / e))
        w = widest * share  # ln(E'/E) = w², which takes away the root singularity at E' = E
        t = np.log(e) + (w**2)[:, None] * (1 + inner) / 2
        step = halo.kappa(np.exp(t) * u.GV).value * np.exp(t - log_b(t))
        spread = (step * inner_weight).sum(1) * w**2 / 2
        source = np.exp((1 - gamma) * (np.log(e) + w**2))
        result[i] = (source * theta(spread / h**2) * 2 * w * widest * share_weight).sum() / h
    result /= np.exp(log_b(np.log(E.reshape(-1))))
    return result.reshape(E.shape) * (u.Myr / u.kpc)


def _geometry(rho: Any, time: tuple[str, Any, u.UnitBase], height: Any, z: Any, source: Any) -> tuple[Array, ...]:
    """Checked and broadcast: ρ, spread or age, h, z, z' in kpc, kpc2 or Myr."""
    name, value, unit = time
    r = take("rho", rho, u.kpc, non_negative=True)
    since = take(name, value, unit, non_negative=True)
    h = take("height", height, u.kpc, positive=True)
    a, b = (_inside(what, take(what, given, u.kpc), h) for what, given in (("z", z), ("source", source)))
    r, since, h, a, b = np.broadcast_arrays(r, since, h, a, b)
    if np.any((since == 0) & (r == 0) & (a == b)):
        raise ValueError(f"{name} must be positive where the observer sits at the source, got 0")
    return r, since, h, a, b


def _inside(name: str, value: Array, height: Any) -> Array:
    if np.any(np.abs(value) > height):
        raise ValueError(f"{name} must lie within the halo, between -{np.min(height):g} and {np.min(height):g}")
    return value


def _one(name: str, value: Any, unit: u.UnitBase | str, positive: bool = True) -> float:
    array = take(name, value, unit, positive=positive)
    if array.ndim:
        raise ValueError(f"{name} must be a single value, got {value!r}")
    return float(array)

r"""The transport equation of cosmic rays in one space dimension and momentum, by implicit finite volumes.

∂ψ/∂t + ∂/∂x (u ψ - κ ∂ψ/∂x) + ∂/∂p (ṗ ψ) = q - ψ/τ, with ṗ = -(p/3) ∂u/∂x - b,

for the density ψ(x, p, t) per volume and momentum: advection with the flow u, diffusion κ, adiabatic gains
and losses, other losses b, removal at the rate 1/τ, sources q (Ginzburg & Syrovatskii 1964; Parker 1965).
ψ = 4π p² f, where f is the density in phase space. Chapter "One equation" builds the scheme step by step.

Define a `Grid` and a `Problem`, then `solve` it in time or go to its `steady_state` directly.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import constants as const
from astropy import units as u
from numpy.typing import NDArray

from crlab.diffusion import _kernels
from crlab.units import take

__all__ = ["BOUNDARIES", "SCHEMES", "Grid", "Problem", "Solution", "SteadyState", "solve", "steady_state"]

Array = NDArray[np.float64]

BOUNDARIES = ("escape", "reflect", "outflow")
"""Named boundary conditions: ψ = 0 outside; no flux; carried out by the flow without a gradient."""

_D = 1 - np.sqrt(0.5)
_W = np.sqrt(0.125)
SCHEMES = ("positive", "euler", "crank-nicolson", "tr-bdf2")
"""Time schemes, the default first; see `solve`."""
# Diagonally implicit Runge-Kutta: row s holds the weights of the rates at the stages 0 … s, and the last
# row is the whole step. TR-BDF2: Bank et al. 1985, in the form of Hosea & Shampine 1996.
_TABLEAU: dict[str, tuple[tuple[float, ...], ...]] = {
    "euler": ((1.0,),),
    "crank-nicolson": ((0.0,), (0.5, 0.5)),
    "tr-bdf2": ((0.0,), (_D, _D), (_W, _W, _D)),
}
_TABLEAU["positive"] = _TABLEAU["tr-bdf2"]

_TOLERANCE = 1e-10  # of the iteration for the slopes in momentum; the number of particles does not feel it
_EXACT = 1e-14  # of the iteration between rows, which the number of particles does feel
_MAX_ITERATIONS = 1000
_MAX_SWEEPS = 100_000
_KEPT = 4  # factorisations: two of a scheme's, for two lengths of step
_X, _T = u.kpc, u.Myr
_MOMENTA = (u.GV, u.Unit(u.GeV / const.c))


@dataclass(frozen=True, eq=False)
class Grid:
    """Cells in position and momentum, given by their faces.

    Parameters
    ----------
    x : Quantity, shape (nx + 1,)
        Faces in position, growing, in units like kpc; their spacing may vary.
    p : Quantity or array_like, shape (m + 1,)
        Faces in momentum (GeV / c), rigidity (GV), or a pure number such as p/p0: growing by one factor, as
        ``numpy.geomspace`` gives. The solver needs of p only that compression by ∂u/∂x changes it by
        -(p/3) ∂u/∂x.

    Raises
    ------
    ValueError
        Fewer than two faces, faces that do not grow, momenta ≤ 0 or not geometric.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> grid = Grid(x=np.linspace(-4, 4, 102) * u.kpc, p=np.geomspace(1, 100, 41) * u.GV)
    >>> grid.shape
    (101, 40)
    """

    x: u.Quantity
    p: u.Quantity

    def __post_init__(self) -> None:
        given = getattr(self.p, "unit", u.one)
        unit = next((each for each in _MOMENTA if each.is_equivalent(given)), u.one)
        x, p = take("x", self.x, _X), take("p", self.p, unit, positive=True)
        for name, faces in (("x", x), ("p", p)):
            if faces.ndim != 1 or faces.size < 2:
                raise ValueError(f"{name} must be a list of at least two faces, got an array of shape {faces.shape}")
            if not np.all(np.diff(faces) > 0):
                raise ValueError(f"{name} must grow from face to face, got {faces}")
        if not np.allclose(np.diff(np.log(p)), np.log(p[-1] / p[0]) / (p.size - 1), rtol=1e-6, atol=0):
            raise ValueError("p must grow by one factor from face to face: use numpy.geomspace")
        object.__setattr__(self, "x", x * _X)
        object.__setattr__(self, "p", p * unit)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of cells in position and in momentum, (nx, m)."""
        return self.x.size - 1, self.p.size - 1

    @property
    def x_centre(self) -> u.Quantity:
        """Middle of each cell in position, shape (nx,)."""
        return (self.x[1:] + self.x[:-1]) / 2

    @property
    def p_centre(self) -> u.Quantity:
        """Geometric middle of each cell in momentum, shape (m,)."""
        return np.sqrt(self.p[1:] * self.p[:-1])

    @property
    def dx(self) -> u.Quantity:
        """Width of each cell in position, shape (nx,)."""
        return np.diff(self.x)

    @property
    def dp(self) -> u.Quantity:
        """Width of each cell in momentum, shape (m,)."""
        return np.diff(self.p)


@dataclass(frozen=True, eq=False, kw_only=True)
class Problem:
    """The equation's coefficients, sources and boundaries on a grid.

    Each coefficient is a quantity that broadcasts to the shape given below, or a function of position and
    momentum, which get quantities of shape (nx or nx + 1, 1) and (1, m or m + 1). After construction each
    attribute is a quantity of the full shape, except a `source` given as a function.

    Parameters
    ----------
    grid : Grid
    kappa : Quantity or callable (x, p), shape (nx + 1, m)
        Diffusion coefficient κ ≥ 0 at the faces in x, in units like cm2/s.
    velocity : Quantity or callable (x), shape (nx + 1,)
        Flow u at the faces in x, in units like km/s; at rest by default. A jump between two faces, such as
        a shock, lies in the cell between them, and its compression acts there.
    source : Quantity or callable (x, p, t), shape (nx, m)
        Mean of q ≥ 0 in each cell: particles per volume, momentum and time, in any unit of that kind; ψ is
        returned in this unit times Myr. A source of surface density Q in a thin disc is Q/dx in one cell.
    losses : Quantity or callable (x, p), shape (nx, m + 1)
        b = -dp/dt ≥ 0 besides the adiabatic term, at the faces in p, in units like GV/Myr.
    removal : Quantity or callable (x, p), shape (nx, m)
        Rate ≥ 0 at which particles vanish by decay or collisions, in units like 1/Myr.
    left, right : str or Quantity, shape (m,)
        ``"escape"``: ψ = 0 at the boundary. ``"reflect"``: no flux through it. ``"outflow"``: the flow
        carries particles out, and there is no gradient. A quantity: ψ at the boundary.

    Raises
    ------
    ValueError
        Negative κ, source, losses or removal; a shape that does not fit; an unknown boundary, or an
        outflow where the flow comes in.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Nothing enters through the lowest and the highest momentum: with losses, a spectrum that goes on beyond
    the grid needs a decade of margin above the momenta of interest.

    Examples
    --------
    A halo of 4 kpc that a thin disc fills, κ ∝ R^0.5:

    >>> import numpy as np
    >>> from astropy import units as u
    >>> grid = Grid(x=np.linspace(-4, 4, 102) * u.kpc, p=np.geomspace(1, 100, 41) * u.GV)
    >>> q = np.zeros(grid.shape) / (u.kpc**3 * u.GV * u.Myr)
    >>> q[50] = (grid.p_centre / u.GV) ** -2.2 / (u.kpc**2 * u.GV * u.Myr) / grid.dx[50]
    >>> halo = Problem(grid=grid, kappa=lambda x, p: 1e28 * u.cm**2 / u.s * (p / u.GV) ** 0.5, source=q)
    >>> halo.kappa.shape
    (102, 40)
    """

    grid: Grid
    kappa: Any
    velocity: Any = 0 * u.km / u.s
    source: Any = None
    losses: Any = None
    removal: Any = None
    left: Any = "escape"
    right: Any = "escape"

    def __post_init__(self) -> None:
        if not isinstance(self.grid, Grid):
            raise ValueError(f"grid must be a Grid, got {type(self.grid).__name__}")
        x, p = self.grid.x[:, None], self.grid.p[None, :]
        centre, middle = self.grid.x_centre[:, None], self.grid.p_centre[None, :]
        nx, m = self.grid.shape
        speed = _X / _T
        self._fill("kappa", (x, middle), _X * speed, (nx + 1, m))
        self._fill("velocity", (self.grid.x,), speed, (nx + 1,), non_negative=False)
        if self.losses is not None:
            self._fill("losses", (centre, p), self.grid.p.unit / _T, (nx, m + 1))
        if self.removal is not None:
            self._fill("removal", (centre, middle), 1 / _T, (nx, m))
        if self.source is not None and not callable(self.source):
            self._fill("source", (), getattr(self.source, "unit", 1 / _T), (nx, m))
        for side, outward in (("left", -self.velocity[0]), ("right", self.velocity[-1])):
            self._check_boundary(side, outward)

    def _fill(
        self, name: str, places: Any, unit: u.UnitBase, shape: tuple[int, ...], non_negative: bool = True
    ) -> None:
        given = getattr(self, name)
        value = take(name, given(*places) if callable(given) else given, unit, non_negative=non_negative)
        object.__setattr__(self, name, _fit(name, value, shape) * unit)

    def _check_boundary(self, side: str, outward: u.Quantity) -> None:
        value = getattr(self, side)
        if isinstance(value, u.Quantity):
            inside = take(side, value, value.unit, non_negative=True)
            object.__setattr__(self, side, _fit(side, inside, self.grid.shape[1:]) * value.unit)
        elif value not in BOUNDARIES:
            raise ValueError(f"{side} must be one of {', '.join(BOUNDARIES)} or the density there, got {value!r}")
        elif value == "outflow" and not outward > 0:
            raise ValueError(f"{side} cannot be 'outflow' where the flow does not leave the grid")

    def source_at(self, t: u.Quantity) -> u.Quantity:
        """Source in each cell at one time.

        Parameters
        ----------
        t : Quantity

        Returns
        -------
        Quantity, shape (nx, m)

        Raises
        ------
        ValueError
            No source, or a function that returns negative values or another shape.
        UnitConversionError
            A function that returns a bare number.
        """
        if self.source is None:
            raise ValueError("source was not given for this problem")
        if not callable(self.source):
            return self.source
        given = self.source(self.grid.x_centre[:, None], self.grid.p_centre[None, :], t)
        unit = getattr(given, "unit", 1 / _T)
        return _fit("source", take("source", given, unit, non_negative=True), self.grid.shape) * unit

    @property
    def unit(self) -> u.UnitBase | None:
        """Unit of ψ: the source's times Myr, or else that of a boundary; None where neither has one."""
        if self.source is not None:
            return self.source_at(0 * _T).unit * _T
        return next((v.unit for v in (self.left, self.right) if isinstance(v, u.Quantity)), None)


@dataclass(frozen=True, eq=False)
class Solution:
    """ψ at the times asked for, and where the particles went; made by `solve`.

    Parameters
    ----------
    grid : Grid
    t : Quantity, shape (nt,)
    psi : Quantity, shape (nt, nx, m)
        Mean of ψ in each cell.
    number : Quantity, shape (nt,)
        Particles on the grid per area, ∫∫ ψ dx dp.
    injected : Quantity, shape (nt,)
        Particles that the source has given since t = 0, per area, as the next three.
    escaped : Quantity, shape (nt, 2)
        Net loss through the left and the right boundary.
    shifted : Quantity, shape (nt, 2)
        Loss past the lowest and the highest momentum.
    removed : Quantity, shape (nt,)
        Loss by removal.
    initial_number : Quantity
        Particles at t = 0.
    """

    grid: Grid
    t: u.Quantity
    psi: u.Quantity
    number: u.Quantity
    injected: u.Quantity
    escaped: u.Quantity
    shifted: u.Quantity
    removed: u.Quantity
    initial_number: u.Quantity

    @property
    def imbalance(self) -> Array:
        """(Number - what came + what went) over what came, shape (nt,): zero but for rounding."""
        came = self.initial_number + self.injected - np.minimum(self.escaped, 0).sum(axis=1)
        went = np.maximum(self.escaped, 0).sum(axis=1) + self.shifted.sum(axis=1) + self.removed
        return ((self.number + went - came) / came).to_value(u.one)


@dataclass(frozen=True, eq=False)
class SteadyState:
    """ψ where nothing changes any more; made by `steady_state`.

    Parameters
    ----------
    grid : Grid
    psi : Quantity, shape (nx, m)
        Mean of ψ in each cell.
    flux : Quantity, shape (nx + 1, m)
        u ψ - κ ∂ψ/∂x through the faces in x.
    imbalance : float
        (What leaves per time - what comes) / what comes: zero but for rounding.
    """

    grid: Grid
    psi: u.Quantity
    flux: u.Quantity
    imbalance: float


def solve(
    problem: Problem,
    *,
    times: u.Quantity,
    step: u.Quantity,
    initial: u.Quantity | None = None,
    scheme: str = "positive",
    momentum: str = "fitted",
) -> Solution:
    r"""Follow ψ in time.

    In x the fluxes are exponentially fitted (Scharfetter & Gummel 1969): exact for a steady flow without
    sources, second order in the cell width where cells resolve κ/u, first order where κ/u is smaller than
    a cell. The fluxes leave one cell and enter the next, so particles are conserved to rounding.

    Parameters
    ----------
    problem : Problem
    times : Quantity, shape (nt,)
        When ψ is wanted: growing, > 0.
    step : Quantity
        Longest time step. Steps between two of the `times` are equal.
    initial : Quantity, shape (nx, m)
        ψ ≥ 0 at t = 0; nothing by default.
    scheme : {"positive", "euler", "crank-nicolson", "tr-bdf2"}
        ``"tr-bdf2"`` is of second order and L-stable: parts of the solution that decay faster than a step
        die out. ``"crank-nicolson"`` is of second order too, but these parts ring on and change sign each
        step. Both may go below zero after a step that is long for such parts. ``"euler"`` (backward) is
        L-stable and never negative, of first order. ``"positive"``, the default, takes steps of TR-BDF2 and, only
        where one goes below zero, mixes in as much of a backward Euler step as it takes to be nowhere
        negative: second order where ψ is smooth, first order in steps that need the mixture.
    momentum : {"fitted", "upwind"}
        How ψ at the faces in p follows from that in the cells. ``"upwind"`` takes the value of the cell the
        particles come from, first order. ``"fitted"`` the power law of that cell and its neighbours: second
        order and exact for power laws. Neither makes ψ negative. Only where u varies or there are losses.

    Returns
    -------
    Solution

    Raises
    ------
    ValueError
        Nothing to follow (neither source, initial density nor density at a boundary), times that do not
        grow, a step ≤ 0, negative initial density, an unknown scheme.
    UnitConversionError
        A bare number or a wrong unit.
    RuntimeError
        Gains and losses of momentum, at different places, did not converge: take shorter steps.

    Notes
    -----
    No linear scheme that is positive at any step is of more than first order (Bolley & Crouzeix 1978); mixing makes
    ``"positive"`` nonlinear. Where momenta do not interact each has its own mixture.

    Examples
    --------
    A burst at the centre of a slab that spreads and escapes:

    >>> import numpy as np
    >>> from astropy import units as u
    >>> grid = Grid(x=np.linspace(-4, 4, 102) * u.kpc, p=[1, 10] * u.GV)
    >>> start = np.zeros(grid.shape) / (u.kpc**3 * u.GV)
    >>> start[50] = 1 / (u.kpc**2 * u.GV) / grid.dx[50]
    >>> slab = Problem(grid=grid, kappa=0.03 * u.kpc**2 / u.Myr)
    >>> burst = solve(slab, times=[100, 500] * u.Myr, step=5 * u.Myr, initial=start)
    >>> print((burst.number / burst.initial_number).round(3))
    [0.795 0.126]
    """
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {', '.join(SCHEMES)}, got {scheme!r}")
    unit = problem.unit or getattr(initial, "unit", None)
    if unit is None:
        raise ValueError("there is nothing to follow: give a source, initial or a density at a boundary")
    psi = np.zeros(problem.grid.shape)
    if initial is not None:
        psi = _fit("initial", take("initial", initial, unit, non_negative=True), psi.shape).copy()
    longest = float(take("step", step, _T, positive=True))
    stops = np.atleast_1d(take("times", times, _T, positive=True))
    if not np.all(np.diff(stops) > 0):
        raise ValueError(f"times must grow, got {stops} Myr")
    if not psi.any() and not _fed(problem):
        raise ValueError("there is nothing to follow: source, initial and boundaries are all zero")
    operator = _Operator(problem, unit, momentum)
    cells = operator.dx[:, None] * operator.dp
    start = float((psi * cells).sum())
    budget = np.zeros(6)
    kept, budgets = [], []
    begin = 0.0
    for stop in stops:
        count = int(np.ceil((stop - begin) / longest * (1 - 1e-12)))
        for k in range(count):
            psi = _advance(operator, psi, begin + (stop - begin) * k / count, (stop - begin) / count, scheme, budget)
        begin = float(stop)
        kept.append(psi)
        budgets.append(budget.copy())
    number = unit * _X * problem.grid.p.unit
    account = np.array(budgets) * number
    return Solution(
        grid=problem.grid,
        t=stops * _T,
        psi=np.array(kept) * unit,
        number=(np.array(kept) * cells).sum(axis=(1, 2)) * number,
        injected=account[:, 0],
        escaped=account[:, 1:3],
        shifted=account[:, 3:5],
        removed=account[:, 5],
        initial_number=start * number,
    )


def steady_state(problem: Problem, *, momentum: str = "fitted") -> SteadyState:
    r"""Find ψ where ∂ψ/∂t = 0, without steps in time.

    Parameters
    ----------
    problem : Problem
        With a source that is no function of time, or a density at a boundary.
    momentum : {"fitted", "upwind"}
        As in `solve`.

    Returns
    -------
    SteadyState

    Raises
    ------
    ValueError
        Nothing comes in, a source that is a function of time, or a problem that particles cannot leave,
        which has no steady state.
    UnitConversionError
        A wrong unit.
    RuntimeError
        Gains and losses of momentum at different places did not converge.

    Examples
    --------
    A disc of surface density Q in a halo of half-height H: ψ(0) = Q H / (2 κ).

    >>> import numpy as np
    >>> from astropy import units as u
    >>> grid = Grid(x=np.linspace(-4, 4, 102) * u.kpc, p=[1, 10] * u.GV)
    >>> q = np.zeros(grid.shape) / (u.kpc**3 * u.GV * u.Myr)
    >>> q[50] = 1 / (u.kpc**2 * u.GV * u.Myr) / grid.dx[50]
    >>> halo = steady_state(Problem(grid=grid, kappa=0.03 * u.kpc**2 / u.Myr, source=q))
    >>> print(f"{halo.psi[50, 0]:.3f}")
    66.667 1 / (GV kpc3)
    """
    if callable(problem.source):
        raise ValueError("source must not depend on time for a steady state: give it as a quantity")
    unit = problem.unit
    if unit is None or not _fed(problem):
        raise ValueError("there is no steady state without particles: source and boundaries are zero")
    operator = _Operator(problem, unit, momentum)
    q = operator.source(0.0)
    psi = operator.solve_steady(operator.add_gain(np.zeros_like(q), q, 1.0))
    account = np.zeros((6, q.shape[1]))
    operator.add_to_account(psi, q, 1.0, account)
    injected, *lost = account.sum(axis=1)
    came = injected - np.minimum(lost[:2], 0).sum()
    went = np.maximum(lost[:2], 0).sum() + np.sum(lost[2:])
    F, _ = operator.fluxes(psi)
    return SteadyState(problem.grid, psi * unit, F * unit * _X / _T, float((went - came) / came))


class _Operator:
    """A problem as arrays in kpc, Myr and the unit of p: transfers, factors, fluxes."""

    def __init__(self, problem: Problem, unit: u.UnitBase, momentum: str) -> None:
        if momentum not in ("fitted", "upwind"):
            raise ValueError(f"momentum must be one of fitted, upwind, got {momentum!r}")
        grid = problem.grid
        self.problem, self.unit = problem, unit
        self.dx, self.dp = grid.dx.value, grid.dp.value
        self.step = float(np.log(grid.p[-1] / grid.p[0])) / grid.shape[1]
        self.alpha, self.beta = _transfers(problem)
        self.left, self.right = (_outside(side, grid, unit) for side in (problem.left, problem.right))
        self.pdot = -np.diff(problem.velocity.value)[:, None] / self.dx[:, None] * grid.p.value / 3
        if problem.losses is not None:
            self.pdot = self.pdot - problem.losses.value
        self.nu = np.zeros(grid.shape) if problem.removal is None else problem.removal.value
        self.up, self.down = np.zeros_like(self.pdot), np.zeros_like(self.pdot)
        self.rises, self.falls = bool((self.pdot > 0).any()), bool((self.pdot < 0).any())
        self.coupled = self.rises or self.falls
        self.fitted = momentum == "fitted" and self.coupled
        self.constant: Array | None = None
        _kernels.momentum_rates(np.zeros(grid.shape), self.pdot, self.step, False, self.up, self.down)
        if problem.source is not None and not callable(problem.source):
            self.constant = problem.source.to_value(unit / _T)
        elif problem.source is None:
            self.constant = np.zeros(grid.shape)
        self.transfers = (self.alpha, self.beta, self.left, self.right, self.up, self.down)
        self.removes = bool(self.nu.any())
        self.rhs, *self.rates = (np.empty(grid.shape) for _ in range(3))
        self.F, self.G = np.empty_like(self.alpha), np.empty_like(self.pdot)
        self.kept: dict[tuple[float, float], Any] = {}

    def source(self, t: float) -> Array:
        if self.constant is not None:
            return self.constant
        return self.problem.source_at(t * _T).to_value(self.unit / _T)

    def add_gain(self, total: Array, q: Array, a: float) -> Array:
        """Add a times the source and what comes in from the densities given at the boundaries."""
        _kernels.add_scaled(total, a, q)
        total[0] += a * self.alpha[0] * self.left / self.dx[0]
        total[-1] += a * self.beta[-1] * self.right / self.dx[-1]
        return total

    def right_side(self, psi: Array, q: Array, a: float) -> Array:
        """ψ + a (gain); good until called again."""
        np.copyto(self.rhs, psi)
        return self.add_gain(self.rhs, q, a)

    def fit(self, psi: Array) -> None:
        """Take the momentum slopes of ψ."""
        if self.fitted:
            _kernels.momentum_rates(psi, self.pdot, self.step, True, self.up, self.down)
            self.kept.clear()

    def factors(self, mass: float, a: float) -> Any:
        """LU factors, transposed and with `up` and `down` where momenta are coupled."""
        if (mass, a) not in self.kept:
            new = np.empty_like(self.nu), np.empty_like(self.nu), np.empty_like(self.nu)
            if not _kernels.factor(self.alpha, self.beta, self.up, self.down, self.nu, self.dx, self.dp, mass, a, *new):
                raise ValueError("there is no steady state: at some momentum particles cannot leave")
            if len(self.kept) == _KEPT:
                self.kept.clear()
            self.kept[mass, a] = (
                tuple(np.ascontiguousarray(each.T) for each in (*new, self.up, self.down)) if self.coupled else new
            )
        return self.kept[mass, a]

    def solve_linear(self, rhs: Array, mass: float, a: float, guess: Array) -> Array:
        """Solve mass ψ - a (rate of change of ψ by transfers) = rhs, for the slopes taken last."""
        factors = self.factors(mass, a)
        psi = guess.copy()
        if not self.coupled:
            _kernels.solve_rows(rhs, psi, *factors)
            return psi
        if not (self.rises and self.falls):
            _kernels.sweep(rhs, psi, self.dp, a, self.rises, self.rises, self.falls, *factors)
            return psi
        for _ in range(_MAX_SWEEPS):
            old = psi.copy()
            _kernels.sweep(rhs, psi, self.dp, a, True, self.rises, self.falls, *factors)
            _kernels.sweep(rhs, psi, self.dp, a, False, self.rises, self.falls, *factors)
            if _kernels.change(psi, old, self.dp) < _EXACT:
                return psi
        raise RuntimeError("the sweeps up and down in momentum do not converge: take shorter steps")

    def solve_stage(self, rhs: Array, a: float, guess: Array) -> Array:
        """Solve a stage of a time step: once with the slopes of `guess`, once with those of the result.

        That leaves an error of third order in the step, and keeps what is linear: numbers and signs.
        """
        for _ in range(2 if self.fitted else 1):
            self.fit(guess)
            guess = self.solve_linear(rhs, 1.0, a, guess)
        return guess

    def solve_steady(self, rhs: Array) -> Array:
        """Solve for ∂ψ/∂t = 0, with the slopes of the solution itself."""
        psi = np.zeros_like(rhs)
        for _ in range(_MAX_ITERATIONS):
            self.fit(psi)
            old, psi = psi, self.solve_linear(rhs, 0.0, 1.0, psi)
            if not self.fitted or _kernels.change(psi, old, self.dp) < _TOLERANCE:
                return psi
        raise RuntimeError("the slopes in momentum do not converge: use a finer grid or momentum='upwind'")

    def fluxes(self, psi: Array) -> tuple[Array, Array]:
        """Fluxes in x and in p, for the slopes taken last; good until called again."""
        self.F.fill(0)
        self.G.fill(0)
        _kernels.add_fluxes(psi, *self.transfers, 1.0, self.coupled, self.F, self.G)
        return self.F, self.G

    def rate(self, psi: Array, q: Array) -> Array:
        """∂ψ/∂t of the equation; good until called again."""
        rate = self.rates[0]
        np.copyto(rate, q)
        if self.removes:
            rate -= self.nu * psi
        _kernels.subtract_divergence(*self.fluxes(psi), self.dx, self.dp, self.coupled, rate)
        return rate

    def rate_of_stage(self, stage: Array, rhs: Array, q: Array, a: float) -> Array:
        """∂ψ/∂t as the implicit solution found it; good until called again."""
        rate = np.subtract(stage, rhs, out=self.rates[1])
        rate /= a
        return self.add_gain(rate, q, 1.0)

    def add_to_account(self, psi: Array, q: Array, weight: float, account: Array) -> None:
        """Add for each momentum: injected; net loss left and right, past lowest and highest p; removed."""
        account[0] += weight * (self.dx @ q) * self.dp
        _kernels.add_losses(psi, *self.transfers, self.dx, self.dp, weight, account[1:5])
        if self.removes:
            account[5] += weight * (self.dx @ (self.nu * psi)) * self.dp


def _advance(operator: "_Operator", psi: Array, t: float, dt: float, scheme: str, budget: Array) -> Array:
    """One step; adds to the budget what came and what went."""
    new, account = _step(operator, psi, t, dt, _TABLEAU[scheme])
    if scheme == "positive" and new.min() < 0:
        low, account_of_low = _step(operator, psi, t, dt, _TABLEAU["euler"])
        share = _kernels.blend(new, low, operator.dp, operator.coupled)
        account = share * account + (1 - share) * account_of_low
    budget += account.sum(axis=1)
    return new


def _step(
    operator: "_Operator", psi: Array, t: float, dt: float, tableau: tuple[tuple[float, ...], ...]
) -> tuple[Array, Array]:
    """One step of a Runge-Kutta scheme, and its account for each momentum, (6, m)."""
    account = np.zeros((6, psi.shape[1]))
    rates: list[Array] = []
    stage = psi
    for row, weight in zip(tableau, tableau[-1], strict=True):
        q = operator.source(t + dt * sum(row))
        a = dt * row[-1]
        rhs = operator.right_side(psi, q, a)
        for w, rate in zip(row, rates, strict=False):
            _kernels.add_scaled(rhs, dt * w, rate)
        if a > 0:
            stage = operator.solve_stage(rhs, a, stage)
        else:
            operator.fit(stage)
        operator.add_to_account(stage, q, dt * weight, account)
        if len(rates) + 1 < len(tableau):
            rates.append(operator.rate_of_stage(stage, rhs, q, a) if a > 0 else operator.rate(stage, q))
    return stage, account


def _transfers(problem: Problem) -> tuple[Array, Array]:
    """Return alpha and beta of the fluxes in x, exponentially fitted to u and κ between the cells' centres."""
    x, speed, kappa = problem.grid.x.value, problem.velocity.value[:, None], problem.kappa.value
    points = np.concatenate([x[:1], (x[1:] + x[:-1]) / 2, x[-1:]])
    conductance = kappa / np.diff(points)[:, None]
    # κ/h times Bernoulli's function z/(e^z - 1) of the cell's Peclet number z = |u| h / κ
    z = np.abs(speed) / np.maximum(conductance, 1e-300)
    part = conductance * np.where(z > 1e-8, z / np.expm1(np.clip(z, 1e-8, 700)), 1 - z / 2) * (z < 700)
    alpha, beta = part + np.maximum(speed, 0), part + np.maximum(-speed, 0)
    for side, face in ((problem.left, 0), (problem.right, -1)):
        if isinstance(side, str) and side != "escape":
            outward = speed[face] if face else -speed[face]
            alpha[face] = beta[face] = 0
            (alpha if face else beta)[face] = outward if side == "outflow" else 0
    return alpha, beta


def _outside(side: Any, grid: Grid, unit: u.UnitBase) -> Array:
    """ψ at a boundary."""
    return side.to_value(unit) if isinstance(side, u.Quantity) else np.zeros(grid.shape[1])


def _fed(problem: Problem) -> bool:
    """Whether a source or a density at a boundary brings particles; of a function one cannot tell."""
    feeds = (problem.source, problem.left, problem.right)
    return callable(problem.source) or any(isinstance(f, u.Quantity) and f.value.any() for f in feeds)


def _fit(name: str, value: Array, shape: tuple[int, ...]) -> Array:
    try:
        return np.ascontiguousarray(np.broadcast_to(value, shape))
    except ValueError:
        raise ValueError(f"{name} must broadcast to shape {shape}, got shape {value.shape}") from None

"""Kernels of Bell's cycle and of the shock by stochastic equations.

Speeds of the cycle in c. The stochastic equations measure lengths in κ1/u1, times in κ1/u1² and κ in κ1, all
at the momentum of injection p0; y = ln(p/p0).
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from crlab.caching import cached

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Byte = NDArray[np.uint8]

FAR = math.sqrt(1 + math.sqrt(6.0))
NEAR = math.sqrt(1 - math.sqrt(2 / 3))
"""±FAR with probability 1/8 each and ±NEAR with 3/8 each: the moments of a normal deviate up to the fifth."""

WORD = 17
"""Increments of three bits in one uniform deviate, of whose 53 bits 51 are used."""


@cached
@numba.njit(nogil=True)
def cycles(rng: np.random.Generator, number: int, u1: float, u2: float, y: Float, count: Int, gain: Float) -> None:
    """Send particles of energy 1 across a shock until they are lost downstream.

    Upstream the particle's direction is that of an isotropic population as it crosses the shock: the number
    that does so at μ is proportional to μ + u1, the speed relative to the shock. It is drawn by
    μ = -u1 + (1 + u1) √ξ. Downstream the crossing rate is μ + u2 likewise. The same population sends particles
    back along -μ, at the rate μ - u2 where that is positive: the particle returns with the chance that is the
    ratio of these two rates, and in this direction. Energies change by the Lorentz transform alone.

    Parameters
    ----------
    rng : Generator
    number : int
    u1, u2 : float
        Flow speeds relative to the shock, 1 > u1 > u2 > 0.
    y : array, shape (number,)
        Filled with ln E in the downstream frame when the particle is lost.
    count : array, shape (number,)
        Filled with the returns of each particle.
    gain : array, shape (2,)
        Filled with the sums of E'/E and of its square over all full cycles.
    """
    beta = (u1 - u2) / (1 - u1 * u2)
    gamma = 1 / math.sqrt(1 - beta**2)
    for i in range(number):
        energy, log_energy = 1.0, 0.0
        while True:
            inwards = gamma * (1 + beta * ((1 + u1) * math.sqrt(rng.random()) - u1))
            mu = (1 + u2) * math.sqrt(rng.random()) - u2
            if rng.random() * (mu + u2) >= mu - u2:
                break
            ratio = inwards * gamma * (1 + beta * mu)
            gain[0] += ratio
            gain[1] += ratio * ratio
            energy *= ratio
            count[i] += 1
            if energy > 1e100:
                log_energy += math.log(energy)
                energy = 1.0
        y[i] = log_energy + math.log(energy * inwards)


@cached
@numba.njit(nogil=True)
def excursions(rng: np.random.Generator, number: int, u2: float, far: float, mu: Float) -> int:
    """Let particles walk behind a shock that recedes at u2, until they meet it again or are beyond `far`.

    They enter with a flux-weighted direction and fly with speed 1 between isotropic scatterings, free paths being
    exponential with mean 1.

    Parameters
    ----------
    rng : Generator
    number : int
    u2, far : float
    mu : array, shape (number,)
        Filled with the direction cosines (downstream frame) of those that come back, in order.

    Returns
    -------
    int
        How many came back.
    """
    back = 0
    for _ in range(number):
        distance = 0.0
        direction = (1 + u2) * math.sqrt(rng.random()) - u2
        while 0 <= distance < far:
            distance += (direction + u2) * rng.standard_exponential()
            if distance < 0:
                mu[back] = direction
                back += 1
            direction = 2 * rng.random() - 1
    return back


@cached
@numba.njit(nogil=True)
def increments(rng: np.random.Generator, kind: int, word: Int, n: int, k: int, xi: Float) -> None:
    """Fill ξ with n deviates of mean 0 and variance 1: normal (kind 0), four-point (1) or two-point (2)."""
    if kind == 0:
        for m in range(n):
            xi[m] = rng.standard_normal()
        return
    far = FAR if kind == 1 else 1.0
    near = NEAR if kind == 1 else 1.0
    for m in range(n):
        bits = word[m] >> (3 * k)
        size = far if (bits & 6) == 0 else near
        xi[m] = -size if (bits & 1) == 0 else size


@cached
@numba.njit(nogil=True)
def step(
    x: Float,
    xi: Float,
    scale: Float,
    inverse: Float,
    clock: Float,
    stop: Float,
    n: int,
    u2: float,
    kappa2: float,
    width: float,
    dt: float,
    coarse: float,
    new: Float,
    event: Byte,
) -> None:
    """Move n particles by u(x) Δt + √(2κ Δt) ξ and advance their clocks by Δt.

    u falls linearly from 1 to u2 over `width` about x = 0. Away from the shock steps of the diffusion grow as |x|/5,
    too short to reach it, from those of Δt = dt at the shock to those of `coarse`. `scale` is (p/p0)^(α/2).
    With growing steps a particle rests from its time `stop` on: to move on until it is looked at would favour
    places of short steps. `event` becomes 1 where a step crosses x = 0 or ends inside the shock, else 0.
    """
    middle, slope, edge = 0.5 * (1 + u2), (1 - u2) / width, 0.5 * width
    fine_1, fine_2 = math.sqrt(2 * dt), math.sqrt(2 * kappa2 * dt)
    coarse_1, coarse_2 = math.sqrt(2 * coarse), math.sqrt(2 * kappa2 * coarse)
    half_1, half_2 = 0.5, 0.5 / kappa2
    if coarse == dt:
        for m in range(n):
            speed = middle - slope * x[m]
            speed = 1.0 if speed > 1.0 else speed
            speed = u2 if speed < u2 else speed
            clock[m] += dt
            after = x[m] + speed * dt + (fine_1 if x[m] < 0 else fine_2) * scale[m] * xi[m]
            new[m] = after
            event[m] = ((x[m] < 0) ^ (after < 0)) | (abs(after) < edge)
        return
    for m in range(n):
        up = x[m] < 0
        least, most = (fine_1 if up else fine_2), (coarse_1 if up else coarse_2)
        s = 0.2 * abs(x[m]) * inverse[m]
        s = most if s > most else s
        s = least if s < least else s
        s = s if clock[m] < stop[m] else 0.0
        delta = s * s * (half_1 if up else half_2)
        speed = middle - slope * x[m]
        speed = 1.0 if speed > 1.0 else speed
        speed = u2 if speed < u2 else speed
        clock[m] += delta
        after = x[m] + speed * delta + s * scale[m] * xi[m]
        new[m] = after
        event[m] = (up ^ (after < 0)) | (abs(after) < edge)


@cached
@numba.njit(nogil=True)
def positions(event: Byte, n: int, where: Int) -> int:
    """Write the places of the ones among the first n bytes into `where` and return their number.

    Ones are rare, so that eight bytes at a time are looked at; the length of `event` is a multiple of eight. Each
    place is written and the count moves on where it was a one, which a processor does faster than to guess a branch.
    """
    eights, found = event.view(np.int64), 0
    for b in range((n + 7) // 8):
        if eights[b] != 0:
            for m in range(8 * b, min(8 * b + 8, n)):
                where[found] = m
                found += event[m]
    return found


@cached
@numba.njit(nogil=True)
def land(rng: np.random.Generator, before: float, after: float, ratio: float) -> float:
    """Correct a step that crossed the jump of κ at x = 0; `ratio` is √(κ2/κ1).

    A step in x/√κ has the same size on both sides. From the side of larger κ it passes with probability
    √(κ_small/κ_large) and is reflected otherwise; from the other side it always passes. This leaves a
    uniform density uniform, as the drift ∂κ/∂x does where κ is smooth (skew Brownian motion).
    """
    onwards = ratio if before < 0 else 1 / ratio
    return -after if rng.random() >= onwards else after * onwards


@cached
@numba.njit(nogil=True)
def walk(
    rng: np.random.Generator,
    kind: int,
    end: Float,
    levels: Float,
    u2: float,
    kappa2: float,
    alpha: float,
    width: float,
    dt: float,
    coarse: float,
    far: float,
    x: Float,
    y: Float,
    passage: Float,
) -> int:
    """Euler-Maruyama steps of dx = u dt + ∂κ/∂x dt + √(2κ dt) ξ, dp = -(p/3) ∂u/∂x dt for a batch of particles.

    κ = κ_i (p/p0)^α with i = 1 at x < 0 and 2 at x > 0. A step that ends inside the shock of finite width
    multiplies p by 1 + (1 - u2) dt / (3 width). A particle is done at its time, beyond x = far κ2/u2, or at the
    last level.

    Parameters
    ----------
    rng : Generator
    kind : int
        Of the increments, as in `increments`.
    end : array, shape (n,)
        Times until which to follow each particle; with equal steps up to `WORD` steps more.
    levels : array, shape (k,)
        Ascending values of y, k ≥ 1.
    u2, kappa2, alpha, width, dt, coarse, far : float
        Of them dt and coarse as in `step`.
    x, y : arrays, shape (n,)
        Start; replaced by where the particle was when it was done.
    passage : array, shape (n, k)
        Filled with the times at which y first reached each level; others are left as they are.

    Returns
    -------
    int
        Steps taken by all particles.
    """
    n = x.size
    gain = math.log1p((1 - u2) * dt / (3 * width))
    ratio = math.sqrt(kappa2)
    who, reached = np.arange(n), np.zeros(n, np.int64)
    word, clock = np.zeros(n, np.int64), np.zeros(n)
    here, new, xi, stop = x.copy(), x.copy(), np.empty(n), end.copy()
    scale, inverse = np.exp(0.5 * alpha * y), np.exp(-0.5 * alpha * y)
    event, where = np.zeros((n + 7) // 8 * 8, np.uint8), np.empty(n, np.int64)
    total, alive = 0, n
    while alive > 0:
        if kind > 0:
            for m in range(alive):
                word[m] = np.int64(rng.random() * 2.0**51)
        for k in range(WORD):
            increments(rng, kind, word, alive, k, xi)
            step(here, xi, scale, inverse, clock, stop, alive, u2, kappa2, width, dt, coarse, new, event)
            for j in range(positions(event, alive, where)):
                m = where[j]
                if ratio != 1.0 and (here[m] < 0) ^ (new[m] < 0):
                    new[m] = land(rng, here[m], new[m], ratio)
                if abs(new[m]) < 0.5 * width and new[m] != here[m]:
                    i = who[m]
                    y[i] += gain
                    if alpha != 0:
                        scale[m] = math.exp(0.5 * alpha * y[i])
                        inverse[m] = 1 / scale[m]
                    while reached[i] < levels.size and y[i] >= levels[reached[i]]:
                        passage[i, reached[i]] = clock[m]
                        reached[i] += 1
            here, new = new, here
        total += alive * WORD
        left = 0
        for m in range(alive):
            i = who[m]
            x[i] = here[m]
            going = (here[m] <= far * kappa2 / u2 * scale[m] ** 2) & (clock[m] < end[i]) & (reached[i] < levels.size)
            who[left], here[left], clock[left], stop[left] = i, here[m], clock[m], stop[m]
            scale[left], inverse[left] = scale[m], inverse[m]
            left += going
        alive = left
    return total

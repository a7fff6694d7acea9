"""The timer of the benchmarks: the first call is free, the least counts, and turns are taken."""

import _timing
import pytest


def test_the_least_of_the_repeats_after_a_first_call():
    now, order = 0.0, []
    costs = {"quick": [0.1, 6, 2, 4], "slow": [99, 30, 50, 40]}

    def work(name):
        def run():
            nonlocal now
            now += costs[name][order.count(name)]
            order.append(name)
            return 2

        return run

    found = _timing.best({name: work(name) for name in costs}, 3, clock=lambda: now, steps=int)
    assert found == pytest.approx({"quick": 1.0, "slow": 15.0})
    assert order == ["quick", "slow"] * 4

"""The one timer: kernels are warm, all take their turn, and the least of some repeats counts.

The machine's clock changes, so that only ratios of one run say something.
"""

import math
import time


def best(functions, repeats=5, clock=time.thread_time, steps=lambda result: 1):
    """Seconds that each function takes, or each of its steps.

    Parameters
    ----------
    functions : dict of str to callable
        By name. A first call of each is not counted: it compiles.
    repeats : int
        Rounds in which all take their turn.
    clock : callable
        ``time.thread_time`` for work on this thread, ``time.process_time`` for all threads, ``time.perf_counter``
        for the clock on the wall.
    steps : callable
        How many steps a function took, from what it returned.

    Returns
    -------
    dict of str to float
    """
    shortest = dict.fromkeys(functions, math.inf)
    for repeat in range(repeats + 1):
        for name, function in functions.items():
            begin = clock()
            result = function()
            seconds = clock() - begin
            if repeat:
                shortest[name] = min(shortest[name], seconds / steps(result))
    return shortest

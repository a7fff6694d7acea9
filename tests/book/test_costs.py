"""The table of what work costs: measured, never typed."""

import costs
import pytest

from crlab.ledger.rooms import ROOMS


def test_every_room_has_a_line_and_every_measured_job_exists():
    lines = list(costs.rows())
    assert {room for room, *_ in lines} == set(ROOMS)
    commands = {command for _, _, command in costs.jobs()}
    assert set(costs.measured()) <= commands, "the table holds a run that no longer exists"
    shown = {command for _, _, command, *_ in lines}
    assert set(costs.measured()) <= shown


def test_rooms_have_work_beyond_book_size():
    beyond = {room for room, what, *_ in costs.rows() if "book size" not in what}
    assert beyond == set(ROOMS)


def test_time_of_the_processor_and_memory_are_those_of_the_command():
    busy = "import os; [x * x for x in range(6_000_000)]; assert os.environ['CRLAB_SIZE'] == 'full'"
    cost = costs.measure(f'CRLAB_SIZE=full python -c "{busy}"', limit=60)
    assert cost["ended"]
    assert 100 < cost["memory_mb"] < 1000  # six million numbers of 32 bytes, and their list


def test_a_run_that_takes_too_long_is_stopped_and_a_wrong_one_is_no_cost():
    assert not costs.measure("python -c 'import time; time.sleep(60)'", limit=1)["ended"]
    with pytest.raises(RuntimeError, match="failed"):
        costs.measure("python -c 'raise SystemExit(3)'", limit=60)

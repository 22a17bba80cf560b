"""Dead is only what is certainly dead."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from provision.store.process import this_process

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@pytest.fixture
def ended() -> int:
    """Return the id of a process that was."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_this_process_lives():
    """And one without known start time too."""
    here = this_process()
    assert not here.knows_dead(here)
    assert not here.knows_dead(replace(here, started=""))


@linux
def test_an_ended_process_is_dead(ended):
    """Its id is nobody's."""
    assert this_process().knows_dead(replace(this_process(), pid=ended))


@linux
def test_a_process_that_nobody_has_waited_for_is_dead():
    """It still has an id, but will do nothing more."""
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read() == b""
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert this_process().knows_dead(replace(this_process(), pid=process.pid))
    process.communicate()


@linux
def test_an_id_that_was_given_again_is_another_process():
    """The start time tells."""
    here = this_process()
    assert here.started
    assert here.knows_dead(replace(here, started=f"{int(here.started) - 1}"))


@pytest.mark.parametrize("change", [{"machine": "another"}, {"machine": ""}, {"host": "another"}])
def test_nothing_is_known_of_another_machine(ended, change):
    """Nor of a container, nor where machines cannot be told apart."""
    here = this_process()
    assert not here.knows_dead(replace(here, pid=ended, **change))
    assert not replace(here, **change).knows_dead(replace(here, pid=ended))
    if change == {"machine": ""}:
        assert not replace(here, **change).knows_dead(replace(here, pid=ended, **change))

"""A cluster that loses a worker while it makes blocks of draws gives the same numbers."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from test_streaming import NAMES, draws, same

from magnetflow.inference.draws.streaming import summarise

BLOCK, BLOCKS = 1024, 16
FATAL = 5 * BLOCK  # the first draw of the block that costs a worker its life


@dataclass(frozen=True)
class Fatal:
    """The same draws; the first process that begins the fatal block leaves its id in a file and kills itself."""

    note: Path

    def __call__(self, first: int, count: int) -> np.ndarray:
        if first == FATAL and not self.note.exists():
            self.note.write_text(str(os.getpid()), encoding="utf-8")
            os.kill(os.getpid(), signal.SIGKILL)
        return draws(first, count)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_loses_a_worker_half_way_gives_the_same_numbers(tmp_path: Path) -> None:
    from distributed import Client, LocalCluster

    alone = summarise(draws, NAMES, BLOCK * BLOCKS, block=BLOCK)
    note = tmp_path / "killed"
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
        Client(cluster) as client,
    ):
        before = set(client.run(os.getpid).values())
        together = summarise(Fatal(note), NAMES, BLOCK * BLOCKS, client=client, block=BLOCK)
        after = set(client.run(os.getpid).values())
    killed = int(note.read_text(encoding="utf-8"))
    assert len(before) == 2
    assert killed in before - after, "no worker of the cluster was lost"
    assert same(alone, together)
    assert np.array_equal(alone.least, together.least)
    assert np.array_equal(alone.most, together.most)

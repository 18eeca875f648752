"""Random supply-chain networks of any size, to time reconciliation on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse

OUTSIDE = -1


@dataclass(frozen=True)
class Network:
    """Flows between numbered processes, with the true flow, what was measured of it, and its standard deviation."""

    source: np.ndarray
    target: np.ndarray
    true: np.ndarray
    value: np.ndarray
    sd: np.ndarray
    measured: np.ndarray

    @property
    def balances(self) -> sparse.csr_array:
        """Processes by flows: +1 where a flow enters, -1 where it leaves."""
        flows = np.arange(len(self.source))
        enters, leaves = self.target != OUTSIDE, self.source != OUTSIDE
        rows = np.concatenate([self.target[enters], self.source[leaves]])
        columns = np.concatenate([flows[enters], flows[leaves]])
        signs = np.concatenate([np.ones(enters.sum()), -np.ones(leaves.sum())])
        shape = (max(self.source.max(), self.target.max()) + 1, len(flows))
        return sparse.csr_array(sparse.coo_array((signs, (rows, columns)), shape=shape))


def network(flows: int, seed: int, share_measured: float = 0.8, reach: int = 40) -> Network:
    """Draw a network of `flows` flows.

    Each process sends one to three flows to processes at most `reach` places downstream, or out of the system;
    a process that nobody supplies gets an import.
    What enters a process is split at random among what leaves it, so that every true flow is positive.
    """
    random = np.random.default_rng(seed)
    source, target = _wire(flows, reach, random)
    true = _flow(source, target, random)
    sd = true * random.uniform(0.02, 0.2, len(true))
    value = true + sd * random.standard_normal(len(true))
    return Network(source, target, true, value, sd, random.random(len(true)) < share_measured)


def _wire(flows: int, reach: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Wire processes one after the other until the flows are used up."""
    pairs: list[tuple[int, int]] = []
    supplied: set[int] = set()
    process = 0
    while len(pairs) < flows:
        if process not in supplied:
            if flows - len(pairs) == 1:  # no room for an import and something to do with it
                pairs.append((process - 1, OUTSIDE))
                break
            pairs.append((OUTSIDE, process))
        for _ in range(min(int(random.integers(1, 4)), flows - len(pairs))):
            to = process + int(random.integers(1, reach + 1)) if random.random() < 0.9 else OUTSIDE
            pairs.append((process, to))
            supplied.add(to)
        process += 1
    source, target = np.array(pairs).T
    # What leads to a process that was never wired leaves the system.
    return source, np.where(target > source.max(), OUTSIDE, target)


def _flow(source: np.ndarray, target: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Let imports in and split what each process receives among its outflows."""
    share = random.uniform(0.2, 1.0, len(source))
    total = np.bincount(source + 1, weights=share)
    share /= total[source + 1]
    true = np.where(source == OUTSIDE, random.lognormal(4.0, 1.0, len(source)), 0.0)
    received = np.bincount(target + 1, weights=true, minlength=source.max() + 2)
    for flow in np.argsort(source, kind="stable"):
        if source[flow] != OUTSIDE:
            true[flow] = share[flow] * received[source[flow] + 1]
            received[target[flow] + 1] += true[flow]
    return true

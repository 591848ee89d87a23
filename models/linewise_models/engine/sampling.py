"""From scores to a token: greedy or sampled, with its probability. Pure.

In: the logits after a token, a float array [vocabulary size]. Out: a token id and the natural
logarithm of its probability under the unconstrained model.
"""

from __future__ import annotations

from random import Random

import numpy as np
from numpy.typing import NDArray


def choose(
    logits: NDArray[np.float32],
    allowed: NDArray[np.int64] | None,
    barred: NDArray[np.int64],
    temperature: float,
    top_p: float,
    random: Random,
) -> tuple[int, float]:
    """Return the next token and its log-probability.

    `allowed` are the only tokens that may come (None: all), `barred` those that may not.
    A temperature of 0 is greedy; else nucleus sampling (Holtzman et al. 2020, arXiv:1904.09751).
    """
    scores = logits if allowed is None else logits[allowed]
    if barred.size:
        scores = scores.copy()
        scores[barred if allowed is None else np.isin(allowed, barred)] = -np.inf
    if temperature > 0:
        index = _nucleus(scores, temperature, top_p, random)
    else:
        index = int(scores.argmax())
    token = index if allowed is None else int(allowed[index])
    return token, log_probability(logits, token)


def log_probability(logits: NDArray[np.float32], token: int) -> float:
    """Return the natural logarithm of a token's probability, whether it would be chosen or not."""
    peak = float(logits.max())
    return float(logits[token]) - peak - float(np.log(np.exp(logits - peak).sum()))


def _nucleus(scores: NDArray[np.float32], temperature: float, top_p: float, random: Random) -> int:
    shares = np.exp((scores - scores.max()) / temperature, dtype=np.float64)
    shares /= shares.sum()
    order = np.argsort(-shares)
    kept = order[: int(np.searchsorted(np.cumsum(shares[order]), top_p)) + 1]
    summed = np.cumsum(shares[kept])
    return int(kept[int(np.searchsorted(summed, random.random() * summed[-1], side="right"))])

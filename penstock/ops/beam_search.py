"""`GatherTree`: the words of each beam, read backwards along its parents (an op of `tf.contrib.seq2seq`)."""

from typing import Any

import numpy as np

from penstock.ir.op import op


@op("GatherTree(step_ids: T, parent_ids: T, max_sequence_lengths: int32, end_token: T, *, T: {int32}) -> beams: T", where="host", public=False)
def GatherTree(xp, step_ids, parent_ids, max_sequence_lengths, end_token):
    """[time, batch, beam] words and parents -> each final beam's words; all behind its first end token is the end token."""
    steps, batch, beams = step_ids.shape
    found = np.full_like(step_ids, end_token)
    rows = np.arange(batch)[:, None]
    last = np.minimum(max_sequence_lengths, steps)
    parent = np.tile(np.arange(beams), (batch, 1))
    for t in range(steps - 1, -1, -1):
        inside = (t < last)[:, None]
        at = np.where(inside & (parent >= 0) & (parent < beams), parent, 0)
        found[t] = np.where(inside, step_ids[t][rows, at], end_token)
        parent = np.where(inside, parent_ids[t][rows, at], parent)
    ended = np.cumsum(found == end_token, axis=0) > 0
    return np.where(ended, end_token, found).astype(step_ids.dtype)


@GatherTree.shape
def _(step_ids: Any, parent_ids: Any, max_sequence_lengths: Any, end_token: Any) -> Any:
    return step_ids.shape


GatherTree.no_grad()

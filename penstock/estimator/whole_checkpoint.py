"""The newest checkpoint of a folder that can be read to the end."""

import os
from typing import Any

from penstock.base import bundle, errors
from penstock.platform import messages
from penstock.state.checkpoints import get_checkpoint_state


def whole_checkpoint(path: Any) -> Any:
    """The prefix `path`, or, where it is damaged, the newest older one of its folder that is whole; each step back is said."""
    if not path:
        return path
    state = get_checkpoint_state(os.path.dirname(path))
    known = list(state.all_model_checkpoint_paths) if state else []
    older = known[: known.index(path)] if path in known else []
    for candidate in (path, *reversed(older)):
        why = _damage(candidate)
        if why is None:
            return candidate
        messages.warning("The checkpoint %s is damaged (%s): it is passed over.", candidate, why)
    return path  # reading it says what is wrong


def _damage(prefix: str) -> Exception | None:
    """What is wrong with a checkpoint's files; None when every tensor has its checksum."""
    if not os.path.exists(f"{prefix}.index"):
        return None  # an older format, or none at all
    try:
        reader = bundle.Reader(prefix)
        for name in reader.entries:
            reader.tensor(name)
    except (errors.DataLossError, errors.NotFoundError, errors.OutOfRangeError) as e:
        return e
    return None

"""The nodes of a `Saver(sharded=True)`: one data file for each device that holds variables."""

import uuid
from typing import Any

import numpy as np

from penstock.fronts.grouping import group
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import find
from penstock.ops.checkpoint import merge_v2_checkpoints, restore_v2, save_v2, sharded_filename
from penstock.ops.identity import identity


def on_host(device: str) -> str:
    """The device's host: the same job and task, the first CPU."""
    kept = [p for p in (device or "").split("/") if p and not p.lower().startswith(("device:", "cpu:", "gpu:"))]
    return "".join(f"/{p}" for p in [*kept, "device:CPU:0"])


def by_device(things: list[Any]) -> list[tuple[str, list[Any]]]:
    """What is to be saved, with the host of its device, device by device."""
    found: dict[str, list[Any]] = {}
    for thing in things:
        found.setdefault(thing.device, []).append(thing)
    return [(on_host(device), mine) for device, mine in sorted(found.items())]


def add_save(graph: Any, path: Any, parts: list[tuple[str, list[Any]]], entries: Any) -> Any:
    """Write each device's part into a folder of its own, then put the parts together; gives the prefix when that is done."""
    between = find("StringJoin")([path, convert_to_tensor(f"_temp_{uuid.uuid4().hex}/part", name="StringJoin/inputs_1")], name="StringJoin")
    count = convert_to_tensor(np.int32(len(parts)), name="num_shards")
    names, done = [], []
    for number, (device, things) in enumerate(parts):
        with graph.device(device):
            keys, specs, tensors, _ = entries(things)
            names.append(sharded_filename(between, number, count))
            saved = save_v2(names[-1], keys, specs, [t() for t in tensors])
            with graph.control_dependencies([saved]):
                done.append(identity(names[-1], name="control_dependency"))
    with graph.control_dependencies([t.op for t in done]), graph.device(parts[-1][0]):
        with graph.name_scope("MergeV2Checkpoints") as scope:
            prefixes = find("Pack")(names, name="checkpoint_prefixes")
    with graph.device(parts[-1][0]):
        merged = merge_v2_checkpoints(prefixes, path, delete_old_dirs=True, name=scope)
        with graph.control_dependencies([*(t.op for t in done), merged]):
            return identity(path)


def add_restore(graph: Any, path: Any, parts: list[tuple[str, list[Any]]], entries: Any, restored: Any) -> Any:
    """Restore each device's part; gives the op that does all."""
    shards = []
    for device, things in parts:
        keys, specs, _, kinds = entries(things)
        with graph.device(device):
            values = restore_v2(path, keys, specs, dtypes=kinds)
        shards.append(group(*restored(things, values), name="restore_shard"))
    return group(*shards, name="restore_all")

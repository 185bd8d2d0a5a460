"""Names of files, for pipelines that read them."""

from typing import Any

from penstock.base import dtypes
from penstock.base.errors import InvalidArgumentError
from penstock.ir import door


def list_files(cls: Any, file_pattern: Any, shuffle: Any, seed: Any) -> Any:
    """See `Dataset.list_files`."""
    from penstock.ir.op import find
    from penstock.ops.asserts import Assert

    shuffle = True if shuffle is None else shuffle
    patterns = door.convert(file_pattern, dtypes.string, "file_pattern")
    matching = find("MatchingFiles")(patterns)
    count = find("Size")(matching, out_type=dtypes.int64)
    here = door.current()
    if not here.is_graph:
        if int(count) == 0:
            shown = [p.decode() for p in patterns.numpy().reshape(-1).tolist()] if patterns._dims else [patterns.numpy().decode()]
            raise InvalidArgumentError(None, None, "No files matched pattern: " + ", ".join(shown))
    else:
        check = Assert(find("Greater")(count, door.convert(0, dtypes.int64)), ["No files matched pattern: ", patterns], summarize=1)
        with here.control_dependencies([check]):
            matching = find("Identity")(matching)
    dataset = cls.from_tensor_slices(matching)
    if shuffle:
        buffer = find("Maximum")(count, door.convert(1, dtypes.int64))
        dataset = dataset.shuffle(buffer, seed=seed)
    return dataset

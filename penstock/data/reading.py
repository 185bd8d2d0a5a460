"""Names of files, for pipelines that read them."""

from typing import Any

from penstock.base import dtypes
from penstock.base.errors import InvalidArgumentError
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ops.asserts import Assert
from penstock.ops.strings import reduce_join


def list_files(cls: Any, file_pattern: Any, shuffle: Any, seed: Any) -> Any:
    """See `Dataset.list_files`."""
    shuffle = True if shuffle is None else shuffle
    with scoped(None, "list_files"):
        patterns = door.convert(file_pattern, dtypes.string, "file_pattern")
        matching = find("MatchingFiles")(patterns)
        here = door.current()
        if not here.is_graph:
            if not matching._dims[0]:
                shown = [p.decode() for p in patterns.numpy().reshape(-1).tolist()] if patterns._dims else [patterns.numpy().decode()]
                raise InvalidArgumentError(None, None, "No files matched pattern: " + ", ".join(shown))
        else:
            found = find("Greater")(find("Shape")(matching)[0], 0, name="match_not_empty")
            message = find("Add")("No files matched pattern: ", reduce_join(patterns, separator=", "), name="message")
            check = Assert(found, [message], summarize=1, name="assert_not_empty")
            with here.control_dependencies([check]):
                matching = find("Identity")(matching)
        dataset = cls.from_tensor_slices(matching)
        if shuffle:
            buffer = find("Maximum")(find("Shape")(matching, out_type=dtypes.int64)[0], 1)
            dataset = dataset.shuffle(buffer, seed=seed)
        return dataset

"""`inspect_checkpoint`: what a checkpoint holds, in text."""

import sys
from typing import Any

import numpy as np

from penstock.base.errors import OpError
from penstock.state.checkpoints import NewCheckpointReader
from penstock.state.graph_tools.files import arguments, as_bool


def _count_total_params(reader: NewCheckpointReader, count_exclude_pattern: str = "") -> int:
    import re

    shapes = reader.get_variable_to_shape_map()
    if count_exclude_pattern:
        pattern = re.compile(count_exclude_pattern)
        shapes = {n: s for n, s in shapes.items() if not pattern.match(n)}
    return sum(int(np.prod(s)) for s in shapes.values())


def print_tensors_in_checkpoint_file(file_name: Any, tensor_name: Any, all_tensors: bool, all_tensor_names: bool = False, count_exclude_pattern: str = "") -> None:
    """Print the tensors of a checkpoint: one, all, or their names and shapes."""
    try:
        reader = NewCheckpointReader(file_name)
        if all_tensors or all_tensor_names:
            shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
            for key in sorted(shapes):
                print(f"tensor: {key} ({types[key].name}) {shapes[key]}")
                if all_tensors:
                    try:
                        print(reader.get_tensor(key))
                    except OpError as e:
                        print(f"<not convertible to a numpy dtype>: {e.message}")
        elif not tensor_name:
            print(reader.debug_string().decode("utf-8", errors="ignore"))
        else:
            if not reader.has_tensor(tensor_name):
                print(f"Tensor {tensor_name} not found in checkpoint")
                return
            types = reader.get_variable_to_dtype_map()
            print(f"tensor_name: {tensor_name} ({types[tensor_name].name})")
            print(reader.get_tensor(tensor_name))
        print(f"# Total number of params: {_count_total_params(reader, count_exclude_pattern)}")
    except OpError as e:
        text = str(e)
        print(text)
        if "corrupted compressed block contents" in text:
            print("It's likely that your checkpoint file has been compressed with SNAPPY.")
        if "Data loss" in text and any(ext in str(file_name) for ext in (".index", ".meta", ".data")):
            proposed = str(file_name)[: str(file_name).rindex(".")]
            print(f"It's likely that this is a V2 checkpoint and you need to provide the filename *prefix*.  Try removing the '.' and extension.  Try:\n"
                  f"inspect checkpoint --file_name = {proposed}")  # fmt: skip


def parse_numpy_printoption(kv_str: str) -> None:
    """Set one of NumPy's print options: `precision=3`."""
    key, mark, text = kv_str.partition("=")
    if not mark:
        raise ValueError(f"'{kv_str}' is not in the form k=v.")
    options = np.get_printoptions()
    if key not in options:
        raise ValueError(f"'{key}' is not a valid printoption.")
    kind = type(options[key])
    if kind is type(None):
        raise ValueError(f"Setting '{key}' from the command line is not supported.")
    try:
        value = text.lower() in ("true", "t", "1", "yes") if kind is bool else kind(text)
    except ValueError as e:
        raise ValueError(str(e)) from None
    np.set_printoptions(**{key: value})


_FLAGS: list[tuple[str, Any, str]] = [
    ("file_name", "", "the checkpoint's prefix"), ("tensor_name", "", "the tensor to print"), ("count_exclude_pattern", "", "names that are not counted"),
    ("all_tensors", False, "print all values?"), ("all_tensor_names", False, "print names and shapes?"), ("printoptions", "", "an option of NumPy: k=v"),
]  # fmt: skip


def main(unused_argv: Any = None) -> None:
    """Print as the command line's flags say."""
    f = arguments("inspect_checkpoint", _FLAGS)
    if f.printoptions:
        parse_numpy_printoption(f.printoptions)
    if not f.file_name:
        print("Usage: inspect_checkpoint --file_name=checkpoint_file_name [--tensor_name=tensor_to_print] [--all_tensors] [--all_tensor_names] [--printoptions]")
        sys.exit(1)
    print_tensors_in_checkpoint_file(f.file_name, f.tensor_name, as_bool(f.all_tensors), as_bool(f.all_tensor_names), f.count_exclude_pattern)

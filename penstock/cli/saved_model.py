"""`penstock saved-model show|run|scan|freeze|aot`: what `saved_model_cli` does, with its options and its output."""

import argparse
import ast
import os
import re
import sys
from typing import Any

import numpy as np

from penstock.api.lazy import START
from penstock.base.dtypes import as_dtype
from penstock.base.errors import InvalidArgumentError

_DENYLIST = {"WriteFile", "ReadFile", "PrintV2"}


def _ready() -> None:
    from importlib import import_module

    while START:
        import_module(START.pop())


def _saved_model(saved_model_dir: Any) -> Any:
    _ready()
    from penstock.state.saved_model.files import parse_saved_model

    return parse_saved_model(saved_model_dir)


def get_saved_model_tag_sets(saved_model_dir: Any) -> list[list[str]]:
    """The tags of each graph of a SavedModel."""
    return sorted(sorted(m.meta_info_def.tags) for m in _saved_model(saved_model_dir).meta_graphs)


def get_meta_graph_def(saved_model_dir: Any, tag_set: str) -> Any:
    """The MetaGraphDef that has exactly the tags `tag_set`, with commas between."""
    model = _saved_model(saved_model_dir)
    wanted = set(tag_set.split(","))
    for meta in model.meta_graphs:
        if set(meta.meta_info_def.tags) == wanted:
            return meta
    there = "\n".join(str(sorted(m.meta_info_def.tags)) for m in model.meta_graphs)
    raise RuntimeError(f"MetaGraphDef associated with tag-set {tag_set} could not be found in the SavedModel. Please use one of the following tag-sets: {there}")


def get_signature_def_map(saved_model_dir: Any, tag_set: str) -> Any:
    """{key: SignatureDef} of a graph."""
    return get_meta_graph_def(saved_model_dir, tag_set).signature_def


# -- show --------------------------------------------------------------------------------------------------------------
def _show_tag_sets(saved_model_dir: Any) -> None:
    sets = get_saved_model_tag_sets(saved_model_dir)
    print("The given SavedModel contains the following tag-sets:")
    for tags in sets:
        print(", ".join(repr(t) for t in tags))


def _ops_in(meta: Any) -> set[str]:
    return {n.op for n in meta.graph_def.node} | {n.op for f in meta.graph_def.library.function for n in f.node_def}


def _show_ops(meta: Any) -> None:
    print(f"The MetaGraph with tag set {list(meta.meta_info_def.tags)} contains the following ops: {_ops_in(meta)}")


def _show_signature_def_map_keys(saved_model_dir: Any, tag_set: str) -> None:
    signatures = get_signature_def_map(saved_model_dir, tag_set)
    print("The given SavedModel MetaGraphDef contains SignatureDefs with the following keys:")
    for key in sorted(signatures):
        print(f'SignatureDef key: "{key}"')


def _signature(meta: Any, key: str) -> Any:
    if key not in meta.signature_def:
        raise ValueError(f'Could not find signature "{key}". Please choose from: {", ".join(sorted(meta.signature_def))}')
    return meta.signature_def[key]


def _print_tensor_info(info: Any, indent: int = 0) -> None:
    from penstock.base.proto import types_pb2

    pad = "  " * indent
    names = {value: name for name, value in types_pb2.DataType.items()}
    print(f"{pad}    dtype: {names.get(info.dtype, info.dtype)}")
    if info.tensor_shape.unknown_rank:
        shape = "unknown_rank"
    else:
        shape = f"({', '.join(str(d.size) for d in info.tensor_shape.dim)})"
    print(f"{pad}    shape: {shape}")
    print(f"{pad}    name: {info.name}")


def _show_inputs_outputs_of(meta: Any, key: str, indent: int = 0) -> None:
    signature = _signature(meta, key)
    pad = "  " * indent
    print(f"{pad}The given SavedModel SignatureDef contains the following input(s):")
    for name, info in sorted(signature.inputs.items()):
        print(f"{pad}  inputs['{name}'] tensor_info:")
        _print_tensor_info(info, indent + 1)
    print(f"{pad}The given SavedModel SignatureDef contains the following output(s):")
    for name, info in sorted(signature.outputs.items()):
        print(f"{pad}  outputs['{name}'] tensor_info:")
        _print_tensor_info(info, indent + 1)
    print(f"{pad}Method name is: {signature.method_name}")


def _show_inputs_outputs(saved_model_dir: Any, tag_set: str, signature_def_key: str, indent: int = 0) -> None:
    _show_inputs_outputs_of(get_meta_graph_def(saved_model_dir, tag_set), signature_def_key, indent)


def _show_defined_functions(meta: Any) -> None:
    from penstock.ir.spec_proto import value_from_proto

    objects = meta.object_graph_def
    if not len(objects.nodes):
        return
    print("\nConcrete Functions:", end="")
    for name, number in sorted((c.local_name, c.node_id) for c in objects.nodes[0].children):
        node = objects.nodes[number]
        kind = node.WhichOneof("kind")
        if kind not in ("function", "bare_concrete_function"):
            continue
        print(f"\n  Function Name: '{name}'")
        names = node.function.concrete_functions if kind == "function" else [node.bare_concrete_function.concrete_function_name]
        for option, concrete in enumerate(sorted(names), 1):
            args, kwargs = value_from_proto(objects.concrete_functions[concrete].canonicalized_input_signature)
            if kind == "function":
                print(f"    Option #{option}")
            print("      Callable with:")
            _print_args(args, indent=4)
            if kwargs:
                _print_args(kwargs, "Named Argument", indent=4)


def _print_args(arguments: Any, argument_type: str = "Argument", indent: int = 0) -> None:
    pad = "  " * indent
    named = isinstance(arguments, dict)

    def quoted(value: Any) -> str:
        return f"'{value}'" if isinstance(value, str) else str(value)

    for index, element in enumerate(arguments, 1):
        if indent == 4:
            print(f"{pad}{argument_type} #{index}")
        if named:
            print(f"{pad}  '{element}'")
            element = arguments[element]
        if isinstance(element, str):
            print(f"{pad}  '{element}'")
        elif hasattr(element, "_component_specs") or hasattr(element, "dtype") and hasattr(element, "shape"):
            print(f"{pad}  {f'{element.name}: ' if getattr(element, 'name', None) else ''}{element!r}")
        elif isinstance(element, (list, tuple)) and not any(hasattr(e, "dtype") for e in element):
            print(f"{pad}  DType: {type(element).__name__}")
            print(f"{pad}  Value: [", end="")
            for one in element:
                print(quoted(one), end=", ")
            print("]")
        elif isinstance(element, dict) and not any(hasattr(e, "dtype") for e in element.values()):
            print(f"{pad}  DType: {type(element).__name__}")
            print(f"{pad}  Value: {{", end="")
            for key, one in element.items():
                print(f"'{key}': {quoted(one)}", end=", ")
            print("}")
        elif isinstance(element, (list, tuple, dict)):
            print(f"{pad}  DType: {type(element).__name__}")
            print(f"{pad}  Value: {element}")
        else:
            print(f"{pad}  DType: {type(element).__name__}")
            print(f"{pad}  Value: {element}")


def _show_all(saved_model_dir: Any) -> None:
    for meta in sorted(_saved_model(saved_model_dir).meta_graphs, key=lambda m: sorted(m.meta_info_def.tags)):
        print(f"\nMetaGraphDef with tag-set: '{', '.join(meta.meta_info_def.tags)}' contains the following SignatureDefs:")
        for key in sorted(meta.signature_def):
            print(f"\nsignature_def['{key}']:")
            _show_inputs_outputs_of(meta, key, 1)
        _show_ops(meta)
        _show_defined_functions(meta)


def show(args: Any) -> None:
    """What a SavedModel holds: tags, signatures, inputs and outputs, functions."""
    if args.all:
        _show_all(args.dir)
    elif args.tag_set is None:
        _show_tag_sets(args.dir)
    else:
        if args.list_ops:
            _show_ops(get_meta_graph_def(args.dir, args.tag_set))
        if args.signature_def is None:
            _show_signature_def_map_keys(args.dir, args.tag_set)
        else:
            _show_inputs_outputs(args.dir, args.tag_set, args.signature_def)


# -- run ---------------------------------------------------------------------------------------------------------------
def preprocess_inputs_arg_string(inputs_str: str) -> dict[str, tuple[str, str | None]]:
    """{input: (file, variable in it)} of `x=file;y=file[name]`."""
    found: dict[str, tuple[str, str | None]] = {}
    for one in filter(bool, inputs_str.split(";")):
        match = re.match(r"([^=]+)=([^\[\]]+)\[([^\[\]]+)\]$", one)
        if match:
            found[match.group(1)] = (match.group(2), match.group(3))
            continue
        match = re.match(r"([^=]+)=([^\[\]]+)$", one)
        if not match:
            raise RuntimeError(f'Input "{one}" format is incorrect. Please follow"<input_key>=<filename>", or"<input_key>=<filename>[<variable_name>]"')
        found[match.group(1)] = (match.group(2), None)
    return found


def preprocess_input_exprs_arg_string(input_exprs_str: str, safe: bool = True) -> dict[str, Any]:
    """{input: value} of `x=[1,2];y='text'`: Python literals alone."""
    found = {}
    for one in filter(bool, input_exprs_str.split(";")):
        if "=" not in one:
            raise RuntimeError(f'--input_exprs "{input_exprs_str}" format is incorrect. Please follow"<input_key>=<python expression>"')
        key, expr = one.split("=", 1)
        try:
            found[key] = ast.literal_eval(expr)
        except (ValueError, SyntaxError) as e:
            raise RuntimeError(f'Expression "{expr}" is not a valid python literal.') from e
    return found


def preprocess_input_examples_arg_string(input_examples_str: str) -> dict[str, list[bytes]]:
    """{input: serialized Examples} of `x=[{"age":[22],"education":["BS"]}]`."""
    found = preprocess_input_exprs_arg_string(input_examples_str)
    made = {}
    for key, listed in found.items():
        if not isinstance(listed, list):
            raise ValueError(f'tf.Example input must be a list of dictionaries, but "{listed}" is {type(listed)}')
        made[key] = [_create_example_string(example) for example in listed]
    return made


def _create_example_string(example_dict: Any) -> bytes:
    from penstock.base.proto import example_pb2

    made = example_pb2.Example()
    for name, values in example_dict.items():
        if not isinstance(values, list):
            raise ValueError(f'feature value must be a list, but "{name}: {values}" is {type(values)}')
        feature = made.features.feature[name]
        if isinstance(values[0], bytes):
            feature.bytes_list.value.extend(values)
        elif isinstance(values[0], str):
            feature.bytes_list.value.extend([v.encode("utf-8") for v in values])
        elif isinstance(values[0], float):
            feature.float_list.value.extend(values)
        elif isinstance(values[0], int):
            feature.int64_list.value.extend(values)
        else:
            raise ValueError(f'Type {type(values[0])} for value {values[0]} is not supported for tf.train.Feature.')
    return made.SerializeToString()


def load_inputs_from_input_arg_string(inputs_str: str, input_exprs_str: str, input_examples_str: str) -> dict[str, Any]:
    """The inputs that the three options give together, by name."""
    feed: dict[str, Any] = {}
    for key, (filename, variable) in preprocess_inputs_arg_string(inputs_str).items():
        data = np.load(filename, allow_pickle=False)
        if variable:
            if isinstance(data, np.ndarray):
                print(f"Input file {filename} contains a single ndarray. Name key \"{variable}\" ignored.")
                feed[key] = data
            elif variable in data:
                feed[key] = data[variable]
            else:
                raise RuntimeError(f'Input file {filename} does not contain variable with name "{variable}".')
        elif isinstance(data, np.lib.npyio.NpzFile):
            if len(data.files) != 1:
                raise RuntimeError(f"Input file {filename} contains more than one ndarrays. Please specify the name of ndarray to use.")
            feed[key] = data[data.files[0]]
        else:
            feed[key] = data
    for more in (preprocess_input_exprs_arg_string(input_exprs_str), preprocess_input_examples_arg_string(input_examples_str)):
        for key, value in more.items():
            if key in feed:
                print(f"WARNING: input_key {key} has been specified more than once. Value in {'--input_exprs' if value is not None else ''} will be used.")
            feed[key] = value
    return feed


def run_saved_model_with_feed_dict(saved_model_dir: Any, tag_set: str, signature_def_key: str, input_tensor_key_feed_dict: dict[str, Any], outdir: Any,
                                   overwrite_flag: bool, worker: Any = None, init_tpu: bool = False, use_tfrt: bool = False, tf_debug: bool = False) -> None:  # fmt: skip
    """Run a signature and print its outputs; write them to `outdir` as .npy files when it is given."""
    _ready()
    from penstock.fronts.session import Session
    from penstock.ir.graph import Graph
    from penstock.state.saved_model.loader import load

    signature = _signature(get_meta_graph_def(saved_model_dir, tag_set), signature_def_key)
    for key in input_tensor_key_feed_dict:
        if key not in signature.inputs:
            raise ValueError(f'"{key}" is not a valid input key. Please choose from {", ".join(repr(k) for k in sorted(signature.inputs))}, or use --show option.')
    missing = sorted(set(signature.inputs) - set(input_tensor_key_feed_dict))
    if missing:
        raise ValueError(f"The signature {signature_def_key!r} takes {', '.join(map(repr, missing))} too: give them with --inputs, --input_exprs or --input_examples")
    feed = {signature.inputs[k].name: _fed(v, signature.inputs[k]) for k, v in input_tensor_key_feed_dict.items()}
    graph = Graph()
    with graph.as_default(), Session(graph=graph) as sess:
        load(sess, tag_set.split(","), saved_model_dir)
        keys = sorted(signature.outputs)
        for key, value in zip(keys, sess.run([signature.outputs[k].name for k in keys], feed)):
            print(f"Result for output key {key}:\n{value}")
            if not outdir:
                continue
            os.makedirs(outdir, exist_ok=True)
            path = os.path.join(outdir, f"{key}.npy")
            if not overwrite_flag and os.path.exists(path):
                raise RuntimeError(f'Output file {path} already exists. Add flag "--overwrite" to overwrite the existing output files.')
            np.save(path, value)
            print(f"Output {key} is saved to {path}")


def _fed(value: Any, info: Any) -> Any:
    dtype = as_dtype(info.dtype)
    if dtype.name == "string":
        return np.asarray(value, object)
    return np.asarray(value).astype(dtype.array_dtype, copy=False)


def run(args: Any) -> None:
    """Run a signature of a SavedModel on files, literals or Examples."""
    if not args.inputs and not args.input_exprs and not args.input_examples:
        raise AttributeError("At least one of --inputs, --input_exprs or --input_examples must be required")
    feed = load_inputs_from_input_arg_string(args.inputs, args.input_exprs, args.input_examples)
    run_saved_model_with_feed_dict(args.dir, args.tag_set, args.signature_def, feed, args.outdir, args.overwrite)


# -- scan, freeze, aot --------------------------------------------------------------------------------------------------
def scan(args: Any) -> None:
    """Say which ops of a denylist a SavedModel holds."""
    wanted = {args.tag_set} if args.tag_set else None
    denied = set(args.op_denylist.split(",")) if args.op_denylist else _DENYLIST
    what = "user-defined denylisted ops" if args.op_denylist else "default denylisted ops"
    for meta in _saved_model(args.dir).meta_graphs:
        if wanted and set(meta.meta_info_def.tags) != set(args.tag_set.split(",")):
            continue
        found = _ops_in(meta) & denied
        tags = list(meta.meta_info_def.tags)
        if found:
            print(f"MetaGraph with tag set {tags} contains the following denylisted ops: {found}")
        else:
            print(f"MetaGraph with tag set {tags} does not contain the {what}: {denied}")


def freeze_model(args: Any) -> None:
    """Write a signature's graph with its variables as constants: PREFIX.pb and a PREFIX.config.pbtxt that says what is fed and fetched."""
    from penstock.base.files import write_whole

    definition, fed, fetched = _frozen(args)
    prefix = args.output_prefix
    os.makedirs(os.path.dirname(os.path.abspath(prefix)), exist_ok=True)
    write_whole(f"{prefix}.pb", [definition.SerializeToString(deterministic=True)])
    write_whole(f"{prefix}.config.pbtxt", [_config(fed, fetched).encode()])
    print(f"Wrote {prefix}.pb and {prefix}.config.pbtxt")


def _frozen(args: Any) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """The GraphDef of a signature without variables; {input: (tensor's name, dims)}, {output: tensor's name}."""
    meta = get_meta_graph_def(args.dir, args.tag_set)
    signature = _signature(meta, args.signature_def_key)
    if meta.HasField("object_graph_def") and not args.variables_to_feed:
        from penstock.base import nest
        from penstock.state.graph_tools.convert_to_constants import convert_variables_to_constants_v2
        from penstock.state.saved_model.load import load

        concrete = load(args.dir, args.tag_set.split(",")).signatures[args.signature_def_key]
        frozen = convert_variables_to_constants_v2(concrete)
        results = nest.pack_sequence_as(concrete.structured_outputs, frozen.outputs)
        fed = {p.op.name: (p.name, p._dims) for p in frozen.inputs}
        return frozen.graph.as_graph_def(), fed, {k: t.name for k, t in results.items()}
    from penstock.fronts.session import Session
    from penstock.ir.graph import Graph
    from penstock.ir.subgraph import convert_variables_to_constants, extract_sub_graph
    from penstock.state.saved_model.loader import load as load_v1

    outputs = sorted({i.name.partition(":")[0] for i in signature.outputs.values()})
    graph = Graph()
    with graph.as_default(), Session(graph=graph) as sess:
        load_v1(sess, args.tag_set.split(","), args.dir)
        if args.variables_to_feed == "all":
            definition = extract_sub_graph(graph.as_graph_def(), outputs)
        else:
            kept = args.variables_to_feed.split(",") if args.variables_to_feed else None
            definition = convert_variables_to_constants(sess, graph.as_graph_def(), outputs, variable_names_blacklist=kept)
    fed = {k: (i.name, None if i.tensor_shape.unknown_rank else [d.size for d in i.tensor_shape.dim]) for k, i in signature.inputs.items()}
    return definition, fed, {k: i.name for k, i in signature.outputs.items()}


def _config(fed: dict[str, Any], fetched: dict[str, str]) -> str:
    """What a frozen graph is fed and what is fetched of it, as the text of a tf2xla Config."""
    lines = []
    for kind, names in (("feed", {k: n for k, (n, _) in fed.items()}), ("fetch", fetched)):
        for key, name in sorted(names.items()):
            node, _, index = name.partition(":")
            place = f"\n    output_index: {index}" if index not in ("", "0") else ""
            shape = ""
            if kind == "feed" and fed[key][1] is not None:
                dims = "".join(f"\n    dim {{\n      size: {max(d or 1, 1)}\n    }}" for d in fed[key][1])
                shape = f"\n  shape {{{dims}\n  }}"
            lines.append(f'{kind} {{\n  id {{\n    node_name: "{node}"{place}\n  }}{shape}\n  name: "{key}"\n}}\n')
    return "".join(lines)


def aot_compile(args: Any) -> None:
    """Write what the compiler makes of a signature: PREFIX.hlo, the optimised program for the sizes of its inputs (1 where open)."""
    _ready()
    from penstock.base.files import write_whole
    from penstock.engine.inspect import compiler_ir
    from penstock.state.saved_model.load import load

    model = load(args.dir, args.tag_set.split(","))
    if args.signature_def_key not in model.signatures:
        raise ValueError(f'Could not find signature "{args.signature_def_key}". Please choose from: {", ".join(sorted(model.signatures))}')
    concrete = model.signatures[args.signature_def_key]
    arrays = []
    for parameter in concrete._arguments:
        if parameter._dims is None or not parameter.dtype.on_device:
            raise InvalidArgumentError(None, None, f"Input {parameter.op.name} is {parameter.dtype.name} of shape {parameter.shape}: only numbers of known rank are compiled")
        arrays.append(np.zeros([1 if d is None else d for d in parameter._dims], parameter.dtype.array_dtype))
    text = compiler_ir(concrete.graph, arrays + [c._array for c in concrete.captures()])("optimized_hlo")
    os.makedirs(os.path.dirname(os.path.abspath(args.output_prefix)), exist_ok=True)
    write_whole(f"{args.output_prefix}.hlo", [text if isinstance(text, bytes) else str(text).encode()])
    print(f"Wrote {args.output_prefix}.hlo")


# -- the command line ----------------------------------------------------------------------------------------------------
def create_parser(program: str = "saved_model_cli") -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = argparse.ArgumentParser(prog=program, description="saved_model_cli: Command-line interface for SavedModel")
    parser.add_argument("-v", "--version", action="version", version="0.1.0")
    parts = parser.add_subparsers(title="commands", description="valid commands", help="additional help")

    def command(name: str, text: str, function: Any, *aliases: str) -> Any:
        made = parts.add_parser(name, aliases=aliases, help=text, description=text)
        made.set_defaults(func=function)
        made.add_argument("--dir", required=True, help="directory containing the SavedModel")
        return made

    p = command("show", "inspect the tags, signatures and functions of a SavedModel", show)
    p.add_argument("--all", action="store_true", help="show everything")
    p.add_argument("--tag_set", default=None, help="tags of the graph, with commas between")
    p.add_argument("--signature_def", default=None, metavar="SIGNATURE_DEF_KEY", help="the signature to show")
    p.add_argument("--list_ops", action="store_true", help="show the ops of the graph")
    p = command("run", "run a signature on inputs and print (or save) its outputs", run)
    p.add_argument("--tag_set", required=True, help="tags of the graph, with commas between")
    p.add_argument("--signature_def", required=True, metavar="SIGNATURE_DEF_KEY", help="the signature to run")
    p.add_argument("--inputs", default="", help='"<input_key>=<filename>" or "<input_key>=<filename>[<variable_name>]", with semicolons between')
    p.add_argument("--input_exprs", default="", help='"<input_key>=<python literal>", with semicolons between')
    p.add_argument("--input_examples", default="", help="'<input_key>=[{\"feature\":[values]}]', with semicolons between")
    p.add_argument("--outdir", default=None, help="folder for the outputs, one .npy file each")
    p.add_argument("--overwrite", action="store_true", help="overwrite files that are there")
    p.add_argument("--tf_debug", action="store_true", help="accepted and ignored")
    p.add_argument("--worker", default=None, help="accepted and ignored")
    p.add_argument("--init_tpu", action="store_true", default=None, help="accepted and ignored")
    p.add_argument("--use_tfrt", action="store_true", default=None, help="accepted and ignored")
    p = command("scan", "say which denylisted ops a SavedModel holds", scan)
    p.add_argument("--tag_set", default=None, help="tags of the graph, with commas between")
    p.add_argument("--op_denylist", default=None, help="names of ops, with commas between")
    for name, text, function, aliases in (
        ("freeze_model", "write a signature as a graph without variables", freeze_model, ("freeze",)),
        ("aot_compile_cpu", "write what the compiler makes of a signature", aot_compile, ("aot",)),
    ):
        p = command(name, text, function, *aliases)
        p.add_argument("--output_prefix", required=True, help="path and beginning of the names of the files to write")
        p.add_argument("--tag_set", default="serve", help="tags of the graph, with commas between")
        p.add_argument("--signature_def_key", default="serving_default", help="the signature")
        p.add_argument("--variables_to_feed", default="", help="variables that stay, with commas between, or all")
        p.add_argument("--checkpoint_path", default=None, help="accepted and ignored")
        p.add_argument("--target_triple", default="", help="accepted and ignored: the compiler takes this machine")
        p.add_argument("--target_cpu", default="", help="accepted and ignored: the compiler takes this machine")
        p.add_argument("--cpp_class", default="", help="accepted and ignored")
        p.add_argument("--multithreading", default="False", help="accepted and ignored")
    return parser


def main(argv: Any = None, program: str = "saved_model_cli") -> int:
    """Run the command line; gives the exit status."""
    _ready()
    parser = create_parser(program)
    args = parser.parse_args(sys.argv[1:] if argv is None else argv)
    if not hasattr(args, "func"):
        parser.error("too few arguments")
    args.func(args)
    return 0


smcli_main = main

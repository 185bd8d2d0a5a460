"""How the elements of a collection become bytes of a MetaGraphDef and come back: libraries register their own."""

from typing import Any

from penstock.state.meta_graph import proto_functions, to_proto_functions


def register_proto_function(collection_name: str, proto_type: Any = None, to_proto: Any = None, from_proto: Any = None) -> None:
    """Write the elements of a collection with `to_proto(element, export_scope=)` and read them with
    `from_proto(proto, import_scope=)`; TypeError for what cannot be called."""
    for what, function in (("to_proto", to_proto), ("from_proto", from_proto)):
        if function and not callable(function):
            raise TypeError(f"{what} must be callable.")
    if collection_name in proto_functions or collection_name in to_proto_functions:
        raise KeyError(f"Registering two proto_function with name '{collection_name}'!")
    if from_proto is not None:
        proto_functions[collection_name] = (lambda: proto_type, from_proto)
    if to_proto is not None:
        to_proto_functions[collection_name] = to_proto


def get_collection_proto_type(collection_name: str) -> Any:
    """The class of the elements' messages; None where nothing is registered."""
    found = proto_functions.get(collection_name)
    return found[0]() if found else None


def get_to_proto_function(collection_name: str) -> Any:
    """How an element is written; None where nothing is registered."""
    written = to_proto_functions.get(collection_name)
    if written is None and collection_name in proto_functions:
        return lambda element, export_scope=None: element.to_proto(export_scope=export_scope)
    return written


def get_from_proto_function(collection_name: str) -> Any:
    """How an element is read; None where nothing is registered."""
    found = proto_functions.get(collection_name)
    return found[1] if found else None

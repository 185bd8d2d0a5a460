"""Structures flat and back; every expected value and error class below is what TensorFlow 2.21 gives."""

import collections
import dataclasses
import types

import pytest

from penstock.base import nest, nest_kinds

P = collections.namedtuple("P", "x y")
P2 = collections.namedtuple("P", "x y")
Q = collections.namedtuple("Q", "x y")


class L(list):
    pass


class D(dict):
    pass


class Attribute:
    def __init__(self, name):
        self.name = name


class AttrsLike:
    __attrs_attrs__ = (Attribute("y"), Attribute("x"))

    def __init__(self, y, x):
        self.y, self.x = y, x

    def __eq__(self, other):
        return (self.y, self.x) == (other.y, other.x)


@dataclasses.dataclass
class Half:
    """Only `x` is a part; `y` is metadata."""

    x: int
    y: int

    def __tf_flatten__(self):
        return (self.y,), (self.x,)

    @classmethod
    def __tf_unflatten__(cls, metadata, components):
        return cls(components[0], metadata[0])


class PairSpec:
    __composite_spec__ = True
    _component_specs = ("left", "right")

    def __init__(self, tag):
        self.tag = tag

    def _to_components(self, value):
        return (value.left, value.right)

    def _from_components(self, components):
        return Pair(self.tag, *components)

    def most_specific_common_supertype(self, others):
        return self if all(o.tag == self.tag for o in others) else None


class Pair:
    """A composite tensor in small."""

    __composite__ = True

    def __init__(self, tag, left, right):
        self._type_spec, self.left, self.right = PairSpec(tag), left, right


FLATTEN = [
    ({"b": 1, "a": [2, (3,)]}, [2, 3, 1]),
    (5, [5]),
    (None, [None]),
    ("abc", ["abc"]),
    ({}, []),
    ([[[]]], []),
    ({3: 1, 1: 2}, [2, 1]),
    (collections.OrderedDict(b=1, a=2), [2, 1]),
    ({1, 2}, [{1, 2}]),
    (range(3), [0, 1, 2]),
    (collections.deque([1, 2]), [1, 2]),
    (P(1, [2]), [1, 2]),
    ({"a": 1}.keys(), ["a"]),
    ({"a": 1}.items(), ["a", 1]),
    (types.MappingProxyType({"b": 1, "a": 2}), [2, 1]),
    (AttrsLike(1, 2), [1, 2]),
    (Half(1, 2), [1]),
    (b"x", [b"x"]),
]


@pytest.mark.parametrize("structure, flat", FLATTEN)
def test_flatten(structure, flat):
    assert nest.flatten(structure) == flat
    assert nest.is_nested(structure) == (flat != [structure])


@pytest.mark.parametrize(
    "structure, flat, packed",
    [
        ({"b": 0, "a": [0, (0,)]}, [1, 2, 3], {"b": 3, "a": [1, (2,)]}),
        (0, [1], 1),
        (P(0, 0), [1, 2], P(1, 2)),
        (collections.OrderedDict([("b", 0), ("a", 0)]), (1, 2), collections.OrderedDict([("b", 2), ("a", 1)])),
        (collections.defaultdict(list, b=0, a=0), [1, 2], collections.defaultdict(list, b=2, a=1)),
        ((), [], ()),
        ({"a": 1}.keys(), [5], [5]),
        (range(2), [4, 5], [4, 5]),
        (AttrsLike(1, 2), [3, 4], AttrsLike(3, 4)),
        (Half(1, 2), [7], Half(7, 2)),
        ("ab", [1], 1),
        (collections.Counter(a=3), [4], collections.Counter(a=4)),
        (collections.ChainMap({"a": 1}, {"b": 2}), [3, 4], collections.ChainMap({"a": 3, "b": 4})),
    ],
)
def test_pack(structure, flat, packed):
    got = nest.pack_sequence_as(structure, flat)
    assert got == packed and type(got) is type(packed)
    if isinstance(packed, dict):
        assert list(got) == list(packed)  # the original order of keys stays


@pytest.mark.parametrize(
    "structure, flat, error",
    [
        ([0, 0], [1], ValueError),
        ([0, 0], [1, 2, 3], ValueError),
        (0, [1, 2], ValueError),
        (0, 1, TypeError),
        ([0], 1, TypeError),
        ([0, 0], "ab", TypeError),
        ([0, 0], iter([1, 2]), TypeError),
        ({}, [1], ValueError),
        (0, [], ValueError),
        (types.MappingProxyType({"a": 1}), [5], TypeError),
        ({1: 0, "a": 0}, [1, 2], TypeError),
    ],
)
def test_pack_errors(structure, flat, error):
    with pytest.raises(error):
        nest.pack_sequence_as(structure, flat)


@pytest.mark.parametrize(
    "first, second, error, loose",
    [
        ([1, 2], [1, 2, 3], ValueError, ValueError),
        ([1, 2], (1, 2), TypeError, None),
        ({"a": 1}, {"b": 1}, ValueError, None),
        ([1, [2]], [1, 2], ValueError, ValueError),
        (1, [2], ValueError, ValueError),
        ([[1]], [{"a": 1}], TypeError, None),
        (P(1, 2), Q(1, 2), TypeError, None),
        (P(1, 2), P2(1, 2), None, None),
        (P(1, 2), (1, 2), TypeError, None),
        ({"a": 1}, collections.OrderedDict(a=1), None, None),
        (collections.defaultdict(list, a=1), {"a": 1}, None, None),
        ("abc", "d", None, None),
        (L([1]), [1], None, None),
        (collections.deque([1]), [1], TypeError, None),
        ({"a": [1, 2]}, {"a": [1]}, ValueError, ValueError),
        ([], {}, TypeError, None),
        ([], 3, ValueError, ValueError),
        (Half(1, 2), Half(3, 4), None, None),
        (types.MappingProxyType({"a": 1}), {"a": 1}, None, None),
    ],
)
def test_same_structure(first, second, error, loose):
    for expected, check in ((error, True), (loose, False)):
        if expected is None:
            nest.assert_same_structure(first, second, check_types=check)
            continue
        with pytest.raises(expected, match="don't have the same nested structure"):
            nest.assert_same_structure(first, second, check_types=check)


def test_same_structure_says_where():
    with pytest.raises(ValueError) as caught:
        nest.assert_same_structure({"a": [1, (2, 3)]}, {"a": [1, (2,)]})
    text = str(caught.value)
    assert "At ['a'][1]: " in text and "the first has 2, the second 1" in text and "{'a': [., (., .)]}" in text


def test_map_structure():
    assert nest.map_structure(lambda x: x + 1, [1, {"a": 2}]) == [2, {"a": 3}]
    assert nest.map_structure(lambda x, y: x + y, [1, 2], (3, 4), check_types=False) == [4, 6]
    assert nest.map_structure(lambda *a: a, 1, 2) == (1, 2)
    assert type(nest.map_structure(lambda x: x, D(b=1, a=2))) is D
    assert type(nest.map_structure(lambda x: x, L([1]))) is L
    for error, call in (
        (ValueError, lambda: nest.map_structure(lambda x: x)),
        (TypeError, lambda: nest.map_structure(3, [1])),
        (ValueError, lambda: nest.map_structure(lambda x: x, [1], foo=1)),
        (TypeError, lambda: nest.map_structure(max, [1], (2,))),
        (ValueError, lambda: nest.map_structure(max, [1], [2, 3])),
    ):
        with pytest.raises(error):
            call()


def test_paths():
    assert nest.flatten_with_joined_string_paths({"b": 1, "a": [2, (3,)]}) == [("a/0", 2), ("a/1/0", 3), ("b", 1)]
    assert nest.flatten_with_joined_string_paths(P(1, [2]), separator=".") == [("x", 1), ("y.0", 2)]
    assert nest.flatten_with_tuple_paths(3) == [((), 3)]
    assert list(nest.yield_flat_paths({"b": 1, "a": [2, P(3, 4)]})) == [("a", 0), ("a", 1, "x"), ("a", 1, "y"), ("b",)]
    assert nest.map_structure_with_paths(lambda p, x, y: (p, x, y), [1, [2]], [3, [4]]) == [
        ("0", 1, 3),
        [("1/0", 2, 4)],
    ]
    assert nest.map_structure_with_tuple_paths(lambda p, x: (p, x), {"b": (1,)}) == {"b": ((("b", 0), 1),)}
    with pytest.raises(TypeError):
        nest.map_structure_with_paths(lambda p, x, y: 0, [1], (2,))


@pytest.mark.parametrize(
    "shallow, deep, result",
    [
        ([0, 0], [[1, 2], 3], [[1, 2], 3]),
        (0, [1, 2], [[1, 2]]),
        ({"b": 0, "a": 0}, {"a": [1], "b": 2}, [[1], 2]),
        ([[0], 0], [[1, 2], 3], ValueError),
        ([0], 1, TypeError),
        ([0, 0], (1, 2), TypeError),
        ({"a": 0}, {"b": 1}, ValueError),
        ({"a": 0}, {"a": 1, "b": 2}, ValueError),
        (P(0, 0), Q(1, 2), TypeError),
        ([0, [0]], [0, "a"], TypeError),
        ({"a": 0}, collections.OrderedDict(a=1), [1]),
        ("a", [1], [[1]]),
    ],
)
def test_up_to(shallow, deep, result):
    if isinstance(result, list):
        assert nest.flatten_up_to(shallow, deep) == result
    else:
        with pytest.raises(result):
            nest.flatten_up_to(shallow, deep)


def test_map_up_to():
    assert nest.map_structure_up_to([0, 0], lambda x, y: (x, y), [[1], 2], [3, 4]) == [([1], 3), (2, 4)]
    assert nest.map_structure_with_tuple_paths_up_to([0, 0], lambda p, x: (p, x), [[1], 2]) == [((0,), [1]), ((1,), 2)]
    with pytest.raises(ValueError, match="no sequences"):
        nest.map_structure_up_to([0], lambda x: x)


def test_traverse_shallow():
    traverse = nest.get_traverse_shallow_structure
    assert traverse(lambda s: isinstance(s, list), [3, "a", [0], (4,)]) == [False, False, [False], False]
    assert traverse(lambda s: isinstance(s, (list, dict)), {"a": [1, (2,)]}) == {"a": [False, False]}
    assert traverse(lambda s: isinstance(s, tuple), [3]) is False
    with pytest.raises(TypeError, match="non-bool scalar"):
        traverse(lambda s: 3, [[1]])


def test_dict_items_and_tuples():
    assert nest.flatten_dict_items({(4, 5, (6, 8)): ("a", "b", ("c", "d"))}) == {4: "a", 5: "b", 6: "c", 8: "d"}
    for bad, error in (({(4, 5): "a"}, ValueError), ({(4, 4): ("a", "b")}, ValueError), (3, TypeError)):
        with pytest.raises(error):
            nest.flatten_dict_items(bad)
    assert nest.list_to_tuple([1, [2, {"a": [3]}]]) == (1, (2, {"a": (3,)}))


def test_composites_only_on_request():
    pair = Pair("t", 1, 2)
    assert nest.flatten([pair]) == [pair] and not nest.is_nested(pair) and nest.is_nested_or_composite(pair)
    assert nest.flatten([pair, pair._type_spec], expand_composites=True) == [1, 2, "left", "right"]
    for like in (pair, pair._type_spec):
        made = nest.pack_sequence_as([like], [5, 6], expand_composites=True)[0]
        assert isinstance(made, Pair) and (made.left, made.right) == (5, 6)
    assert nest.map_structure(lambda x: -x, pair, expand_composites=True).right == -2
    assert nest.flatten_with_joined_string_paths([pair], expand_composites=True)[0] == ("0/Pair/0", 1)
    nest.assert_same_structure([pair], [pair._type_spec], expand_composites=True)
    nest.assert_same_structure([pair], [3])
    for other in (Pair("other", 1, 2), 3):
        with pytest.raises(ValueError):
            nest.assert_same_structure([pair], [other], expand_composites=True)
    assert nest.flatten_up_to([0], [pair], expand_composites=True) == [pair]


def test_many_classes_do_not_grow_the_table():
    for i in range(9000):
        nest.is_nested(type(f"C{i}", (), {})())
    assert len(nest_kinds._kinds) <= 4097 and nest.flatten([1, (2,)]) == [1, 2]


def test_sparse_and_ragged_tensors():
    import penstock as tf

    sparse, ragged = tf.sparse.from_dense([[0, 1], [2, 0]]), tf.ragged.constant([[1], [2, 3]])
    parts = nest.flatten([sparse, ragged], expand_composites=True)
    assert [p.shape for p in parts] == [[2, 2], [2], [2], [3], [3]] and len(nest.flatten([sparse, ragged])) == 2
    assert nest.map_structure(lambda t: t, ragged, expand_composites=True).to_list() == [[1], [2, 3]]
    assert nest.flatten_with_joined_string_paths([sparse], expand_composites=True)[1][0] == "0/SparseTensor/1"
    nest.assert_same_structure([ragged], [ragged._type_spec], expand_composites=True)
    for other in (sparse, tf.ragged.constant([[1.0]]), 3):
        with pytest.raises(ValueError):
            nest.assert_same_structure([ragged], [other], expand_composites=True)

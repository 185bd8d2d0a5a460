"""Attributes of modules: what is tracked, and the structures that lists, dictionaries and tuples become."""

import collections
import copy
import pickle

import pytest

import penstock as tf
from penstock.state.auto_trackable import NoDependency

Pair = collections.namedtuple("Pair", "a b")


def test_lists_are_lists():
    module, held = tf.Module(), [1, 2]
    module.held = held
    module.held.append(3)
    assert held == [1, 2, 3] and module.held == [1, 2, 3] and module.held is not held
    assert isinstance(module.held, list) and repr(module.held) == "ListWrapper([1, 2, 3])"
    assert module.held + [4] == [1, 2, 3, 4] and [0] + module.held == [0, 1, 2, 3] and type(module.held[:2]) is list
    assert copy.deepcopy(module.held) == held and list(pickle.loads(pickle.dumps(module.held))) == held
    with pytest.raises(TypeError, match="unhashable"):
        hash(module.held)


def test_dictionaries_are_dictionaries():
    module = tf.Module()
    module.plain = {"a": [1, {}], "b": (1, 2)}
    module.ordered = collections.OrderedDict(z=1, a=2)
    assert isinstance(module.plain, dict) and module.plain == {"a": [1, {}], "b": (1, 2)} and {**module.plain}.keys() == {"a", "b"}
    assert isinstance(module.ordered, collections.OrderedDict) and list(module.ordered) == ["z", "a"]
    assert type(module.plain["b"]) is tuple and isinstance(module.plain["a"][1], dict)
    module.plain.update(c=tf.Variable(1.0))
    assert list(module.plain._trackable_children()) == ["a", "c"]


def test_tuples_are_wrapped_when_they_hold_something():
    module = tf.Module()
    module.plain, module.nested, module.named = (1, 2), (1, [2]), Pair(1, tf.Module())
    assert type(module.plain) is tuple and isinstance(module.nested, tuple) and module.nested == (1, [2])
    assert isinstance(module.named, Pair) and module.named.a == 1
    assert list(module.named._trackable_children()) == ["b", "1"]


def test_what_is_tracked():
    class Held(tf.Module):
        def __init__(self):
            super().__init__()
            self.v = tf.Variable(1.0)
            self.f = tf.function(lambda x: x)
            self.table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([1], [2]), 0)
            self.generator = tf.random.Generator.from_seed(1)
            self.values = [tf.Variable(2.0), 3]
            self.constant, self.nothing, self.left_out = tf.constant(1.0), None, NoDependency([tf.Variable(1.0)])

        @tf.function
        def call(self, x):
            return x

    held = Held()
    assert list(held._trackable_children()) == ["v", "f", "table", "generator", "values"]
    assert list(held._trackable_children("savedmodel")) == ["v", "table", "generator", "values", "call", "f"]
    assert type(held.left_out) is list and len(held.variables) == 3
    del held.v
    assert "v" not in held._trackable_children()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.items.insert(0, tf.Variable(1.0)), "A list element was replaced"),
        (lambda m: m.items.__setitem__(0, tf.Variable(1.0)), "A list element was replaced"),
        (lambda m: m.raw.append(1), "modified outside the wrapper"),
        (lambda m: m.table.pop("k"), "modified outside the wrapper"),
        (lambda m: m.table.__setitem__(3, tf.Variable(1.0)), "non-string key"),
    ],
)
def test_changes_that_cannot_be_saved(change, message):
    module, raw = tf.Module(), [tf.Variable(1.0)]
    module.items, module.table = raw, {"k": tf.Variable(1.0)}
    object.__setattr__(module, "raw", raw)
    change(module)
    with pytest.raises(ValueError, match=message):
        tf.train.Checkpoint(module=module).write("/nonexistent")


def test_nests_keep_the_wrappers_and_functions_do_not():
    module = tf.Module()
    module.table, module.pair, module.items = {"a": 1}, (1, [2]), [tf.Variable(1.0)]
    doubled = tf.nest.map_structure(lambda x: x * 2, module.table)
    assert type(doubled) is type(module.table) and doubled == {"a": 2}
    tf.nest.assert_same_structure(module.pair, (1, [2]))
    tf.nest.assert_same_structure([1], module.items)

    @tf.function
    def give():
        return module.table, module.items

    assert [type(v) for v in give()] == [dict, list]


def test_names_must_differ():
    module = tf.Module()
    module.v = tf.Variable(1.0)
    with pytest.raises(ValueError, match="already declared as a dependency"):
        module._track_trackable(tf.Variable(2.0), "v")
    with pytest.raises(TypeError, match="objects of type Trackable"):
        module._track_trackable(1, "w")

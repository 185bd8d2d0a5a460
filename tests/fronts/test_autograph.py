"""The converter by itself: what is converted, what stays, where errors point, what is kept."""

import functools
import logging
import traceback

import pytest

import penstock as tf
from penstock.fronts import autograph
from penstock.fronts.autograph import convert, loops
from tests.fronts.autograph_fuzz import Program, compiled

SEEDS_PYTHON, SEEDS_GRAPH = range(120), range(200, 206)


def clip(x):
    return (x + 20) % 41 - 20


# --- random programs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS_PYTHON)
def test_random_program_means_the_same_to_python(seed):
    text = Program(seed).text()
    program = compiled(text, f"py{seed}", {"clip": clip, "span": range, "start": int, "__name__": "__main__"})
    converted = tf.autograph.to_graph(program)
    for a, b in ((-3, -1), (0, 3), (2, -1), (7, 3)):
        assert converted(a, b) == program(a, b), text


@pytest.mark.parametrize("seed", SEEDS_GRAPH)
def test_random_program_means_the_same_to_tensors(seed):
    text = Program(seed).text()
    program = compiled(text, f"py{seed}", {"clip": clip, "span": range, "start": int, "__name__": "__main__"})
    names = {"clip": clip, "span": tf.range, "start": tf.constant, "__name__": "__main__"}
    graph = tf.function(compiled(text, f"tf{seed}", names))
    for a, b in ((-3, -1), (2, 3), (7, -1)):
        assert tuple(int(v) for v in graph(tf.constant(a), tf.constant(b))) == program(a, b), text


# --- which functions ------------------------------------------------------------------------------------------------


class Counter:
    """Methods, super(), private names and a `__call__`."""

    def __init__(self):
        self.k, self.__hidden = 2, 5

    def __call__(self, x):
        if x > 0:
            return x * self.k
        return -x * self.k

    def private(self, x):
        if x > self.__hidden:
            self.__hidden = x
        return self.__twice(x)

    def __twice(self, x):
        if x > 0:
            return x * 2
        return x

    @staticmethod
    def static(x):
        return x if x > 0 else -x

    @classmethod
    def of_class(cls, x):
        return cls.static(x) if x > 10 else cls.static(-x)


class Child(Counter):
    def __call__(self, x):
        if x > 100:
            return super().__call__(x)
        return super().__call__(x) + 1


def absolute(x):
    if x > 0:
        return x
    return -x


def factorial(n):
    if n <= 1:
        return 1
    return n * factorial(n - 1)


def wrapping(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return f(*args, **kwargs)

    return wrapper


@wrapping
def wrapped(x, *, y=3):
    if x > y:
        return x
    return y


def test_methods_and_callables():
    @tf.function
    def run(x):
        counter = Counter()
        return [
            counter(x), counter.private(x), counter.static(-x), counter.of_class(x), Child()(x), absolute(-x),
            functools.partial(wrapped, y=10)(x), wrapped(x), factorial(4), (lambda v: v if v > 5 else 5)(x),
            list(map(absolute, [-x, x]))[0], functools.reduce(lambda a, b: a if a > b else b, [x, x + 1, x - 1]),
        ]  # fmt: skip

    assert [int(v) for v in run(tf.constant(3))] == [6, 6, 3, 3, 7, 3, 10, 3, 24, 5, 3, 4]


def test_method_of_an_object_is_traced_with_its_state():
    class Model:
        def __init__(self):
            self.total = tf.Variable(0)

        @tf.function
        def add(self, n):
            for i in tf.range(n):
                if i % 2 == 0:
                    self.total.assign_add(i)
            return self.total.read_value()

    model = Model()
    assert (
        int(model.add(tf.constant(5))) == 6
        and int(model.add(tf.constant(3))) == 8
        and int(Model().add(tf.constant(3))) == 2
    )


def test_closures_stay_shared():
    count, log = 0, []

    def bump(x):
        nonlocal count
        if x > 0:
            count += 1
        log.append(count)
        return count

    converted = tf.autograph.to_graph(bump)
    assert converted(1) == 1 and bump(1) == 2 and converted(-1) == 2 and log == [1, 2, 2]


GLOBAL = 0


def test_globals_are_the_functions_own():
    def put(x):
        global GLOBAL
        for i in range(x):
            if i == 1:
                GLOBAL = i + x
        return GLOBAL

    assert tf.autograph.to_graph(put)(3) == 4 == GLOBAL


def test_lambdas_of_one_line_are_told_apart():
    first, second = lambda x: x if x > 0 else -x, lambda x: 1 if x > 0 else 2
    assert tf.autograph.to_graph(first)(-3) == 3 and tf.autograph.to_graph(second)(-3) == 2
    nested = lambda x: lambda y: y if y > x else x
    assert tf.autograph.to_graph(nested)(3)(1) == 3 and tf.autograph.to_graph(nested(3))(5) == 5


def test_python_statements():
    def everything(n):
        out = []
        try:
            with tf.name_scope("scope") as scope:
                out.append(scope)
                if n > 2:
                    raise KeyError(n)
            out.append("no error")
        except KeyError as error:
            out.append(error.args[0])
        else:
            out.append("else")
        finally:
            out.append("finally")
        del out[0]
        value: int = n
        import math as m

        out.append([m.floor(v) for v in (1.5, 2.5) if v > n - 2])
        out.append({k: k and n for k in (0, 1)})
        (a, *b), c = (n, 2, 3), value
        while (n := n - 1) > 0 and c:
            a += n
            if n == 1:
                del c
                c = 0
        match a:
            case 3 | 6:
                out.append("match")
            case _:
                out.append(a)
        assert a, "never"
        return out, a, b, c, f"{'x' if a > 3 else 'y'}", [*b, *(i for i in range(2))], 1 < a < 100

    for n in (1, 3):
        assert tf.autograph.to_graph(everything)(n) == everything(n)


def test_generators_and_coroutines_run_as_they_are(caplog):
    def numbers(n):
        for i in range(n):
            yield i + 0

    def total(n):
        s = 0
        for v in numbers(n):
            s += v
        return s

    with caplog.at_level(logging.WARNING, "penstock"):
        assert tf.autograph.to_graph(total)(4) == 6
        assert tf.autograph.to_graph(total)(4) == 6
    assert caplog.text.count("generators are not supported") == 1

    async def later():
        return 1

    with pytest.raises(autograph.ConversionError, match="coroutines"):
        tf.autograph.to_graph(later)


def test_a_function_without_source_runs_as_it_is(caplog):
    namespace = {}
    exec("def f(x):\n    return x + 1 if x > 0 else x\n", namespace)
    with caplog.at_level(logging.WARNING, "penstock"):
        assert int(tf.function(namespace["f"])(2)) == 3
        assert int(tf.function(namespace["f"])(3)) == 4
    assert caplog.text.count("AutoGraph could not transform") == 1
    with pytest.raises(autograph.ConversionError, match="source code"):
        tf.autograph.to_graph(namespace["f"])


def test_a_file_that_changed_is_not_guessed_at(tmp_path):
    file = tmp_path / "changing.py"
    text = "def f(x):\n    return 1 if x else 2\n"
    file.write_text(text)
    namespace = {}
    exec(compile(text, str(file), "exec"), namespace)
    file.write_text("# a line more\n" + text)
    with pytest.raises(autograph.ConversionError, match="may have changed"):
        tf.autograph.to_graph(namespace["f"])


@pytest.mark.parametrize("thing", [3, len, Counter, None])
def test_only_functions_are_converted(thing):
    with pytest.raises(autograph.ConversionError, match="__code__"):
        tf.autograph.to_graph(thing)


# --- by hand --------------------------------------------------------------------------------------------------------


def test_to_graph_and_to_code():
    converted = tf.autograph.to_graph(absolute)
    assert converted.__name__ == "tf__absolute" and converted(-3) == 3 and converted.__module__ == __name__
    assert "def tf__absolute(x):" in tf.autograph.to_code(absolute) and "ag__.if_stmt(x > 0" in tf.autograph.to_code(
        absolute
    )
    compile(tf.autograph.to_code(Counter.private), "code", "exec")
    bound = tf.autograph.to_graph(Counter().private)
    assert bound(7) == 14
    with tf.Graph().as_default():
        assert tf.autograph.to_graph(absolute)(tf.constant(-3)).dtype == tf.int32
    assert tf.compat.v1.autograph.to_graph(absolute, True, None, None)(-2) == 2


def test_recursive_is_optional():
    def outer(x):
        return absolute(x)

    flat = tf.autograph.to_graph(outer, recursive=False)

    @tf.function(autograph=False)
    def run(x):
        return flat(x)

    with pytest.raises(TypeError):  # a symbolic tensor used as a bool, in the function that was not converted
        run(tf.constant(1))
    assert int(tf.function(tf.autograph.to_graph(outer))(tf.constant(-1))) == 1


def test_do_not_convert():
    @tf.autograph.experimental.do_not_convert
    def plain(x):
        "Documented."
        assert autograph.control_status_ctx().status.name == "DISABLED"
        return 1 if x is not None else 2

    @tf.function
    def run(x):
        assert autograph.control_status_ctx().status.name == "ENABLED"
        return plain(x) if x > 0 else plain(x) + 1

    assert int(run(tf.constant(-1))) == 2 and plain(1) == 1 and plain.__doc__ == "Documented."
    assert autograph.control_status_ctx().status.name == "UNSPECIFIED"

    @tf.function
    @tf.autograph.experimental.do_not_convert
    def refused(x):
        return 1 if x > 0 else 2

    with pytest.raises(TypeError):
        refused(tf.constant(1))
    assert tf.autograph.experimental.do_not_convert()(absolute)(-1) == 1


def test_set_verbosity_and_trace(caplog, capsys):
    def fresh(x):
        return x if x else 0

    tf.autograph.set_verbosity(3, alsologtostdout=True)
    try:
        tf.autograph.to_graph(fresh)
    finally:
        tf.autograph.set_verbosity(0)
    tf.autograph.trace("traced", 1)
    out = capsys.readouterr().out
    assert "Converting" in out and "traced 1" in out


def test_features():
    feature = tf.autograph.experimental.Feature
    assert feature.ALL in feature.all() and feature.LISTS not in feature.all_but(feature.LISTS)
    assert feature.ALL not in feature.all_but([feature.LISTS])


# --- errors ---------------------------------------------------------------------------------------------------------


def lines_of(error):
    """The text of the lines of this file that an error's traceback goes through, innermost last."""
    return [f.line for f in traceback.extract_tb(error.__traceback__) if f.filename == __file__]


def test_errors_point_at_the_users_lines():
    def inner(x):
        y = x + 1
        raise ValueError(f"bad {y.dtype}")

    def outer(x):
        i = 0
        while i < x:
            if i >= 0:
                i = inner(
                    x
                )  # fmt: skip
        return i

    with pytest.raises(ValueError, match="bad <dtype: 'int32'>") as caught:
        tf.function(outer)(tf.constant(3))
    lines = lines_of(caught.value)
    assert lines[-1] == 'raise ValueError(f"bad {y.dtype}")'
    assert lines[-2] == "i = inner(" and "while i < x:" in lines and "if i >= 0:" in lines
    names = [f.name for f in traceback.extract_tb(caught.value.__traceback__) if f.filename == __file__]
    assert names[-1] == "inner" and names[-2] == "outer"


def test_undefined_names_are_pythons_error():
    def local(x):
        if x is None:
            y = 1
        return y

    def attribute(x):
        if x is None:
            y = 1
        return y.shape

    for program in (local, attribute):
        with pytest.raises(UnboundLocalError, match="cannot access local variable 'y'"):
            tf.autograph.to_graph(program)(3)


@pytest.mark.parametrize(
    "text, error, says",
    [
        ("if x > 0: y = 1", ValueError, "'y' must also be initialized in the else branch"),
        (
            "if x > 0: y = 1\n else: y = 2.",
            TypeError,
            "'y' has dtype int32 in the main branch, but dtype float32 in the else",
        ),
        ("y = None\n if x > 0: y = x", ValueError, "'y' is None at the end of the else branch"),
        ("y = 0\n if x > 0: return x", ValueError, "'retval_' must have|the else branch must also have a return|None"),
        (
            "if x > 0: y = [1]\n else: y = [1, 2]",
            TypeError,
            "'y' must have the same nested structure in the main and else",
        ),
        ("if x > 0: y = object()\n else: y = 1", TypeError, "'y' is <object"),
        ("y = 0\n while y < x: y = 1.5", TypeError, "'y' has dtype int32 before the loop, but dtype float32 after one"),
        ("y = tf.zeros([1])\n while y[0] < 1.: y = tf.zeros([2])", ValueError, r"'y' has shape \(1,\) before the loop"),
        (
            "y = [0]\n while y[0] < x: y = [0, 1]",
            TypeError,
            "'y' does not have the same nested structure after one iteration",
        ),
        ("y = 0\n while x: y += 1", ValueError, "condition of while loop expected to be `tf.bool` scalar"),
        ("y = 0\n if x: y += 1", ValueError, "condition of if statement expected to be `tf.bool` scalar"),
    ],
)
def test_disagreeing_branches_and_turns(text, error, says):
    source = f"def program(x):\n {text}\n return y\n"
    program = compiled(source, str(abs(hash(text))), {"tf": tf, "__name__": "__main__"})
    if "return x" in text:
        source = source.replace("\n return y\n", "\n")
        program = compiled(source, "missing return", {"tf": tf, "__name__": "__main__"})
    with pytest.raises(error, match=says):
        tf.function(program)(tf.constant(1))


# --- loops ----------------------------------------------------------------------------------------------------------


def test_loop_options():
    @tf.function
    def limited(n):
        i = 0
        while i < n:
            tf.autograph.experimental.set_loop_options(maximum_iterations=5, parallel_iterations=2)
            i += 1
        return i

    @tf.function
    def growing(n):
        x = tf.zeros([1])
        for _ in tf.range(n):
            tf.autograph.experimental.set_loop_options(shape_invariants=[(x, tf.TensorShape([None]))])
            x = tf.concat([x, x], 0)
        return x

    assert int(limited(tf.constant(30))) == 5 and int(limited(tf.constant(3))) == 3
    assert growing(tf.constant(3)).shape == [8]


def test_a_long_range_is_not_made():
    @tf.function
    def first_above(limit):
        for i in tf.range(2_000_000_000):
            if i * i > limit:
                return i
        return -1

    assert int(first_above(tf.constant(99))) == 10


def test_other_floors_can_register_what_a_for_goes_over():
    class Numbers:
        def __init__(self, n):
            self.n = n

    def run(source, loop):
        state = loop.start(tf.constant(0))
        for i in range(source.n):
            state = loop.step(state, tf.constant(i))
        loop.finish(state)
        return True

    autograph.register_for_loop(Numbers, run)
    try:

        @tf.function
        def total(x):
            for i in Numbers(4):
                x += i
            return x

        assert int(total(tf.constant(10))) == 16
    finally:
        loops.LOOPERS[:] = [entry for entry in loops.LOOPERS if entry[0] is not Numbers]


def test_ranges_of_tensors():
    @tf.function
    def spans(a, b, c):
        s = 0
        for i in range(a, b, c):
            s = s * 10 + i
        for i in tf.range(a, b, c):
            s = s * 10 + i
        return s, len(range(b))

    assert [int(v) for v in spans(tf.constant(5), tf.constant(1), tf.constant(-2))] == [5353, 1]
    assert [int(v) for v in spans(tf.constant(1), tf.constant(4), tf.constant(2))] == [1313, 4]


def test_conversions_are_kept_and_bounded():
    def make():
        def inner(x):
            return x if x else 0

        return inner

    converted = {id(tf.autograph.to_graph(make()).__code__) for _ in range(20)}
    assert len(converted) == 1  # one code object for all closures of a function
    assert len(convert._by_code) <= convert._LIMIT


# --- lists ----------------------------------------------------------------------------------------------------------


def squares(n):
    items = []
    for i in tf.range(n):
        items.append(i * i)
    return tf.stack(items), len(items), items[-1], items


def evens(n):
    items = [10]
    i = 0
    while i < n:
        if i % 2 == 0:
            items.append(i)
        i += 1
    return tf.stack(items), len(items)


def pairs(n):
    items = []
    for i in tf.range(n):
        for j in tf.range(i):
            items.append(tf.stack([i, j]))
    total = 0
    for pair in items:
        total += pair[0] * pair[1]
    return tf.stack(items), total


def append_after(n):
    items = []
    for i in tf.range(n):
        if i == 3:
            break
        items.append(i)
    items.append(100)
    return items


def in_python_loops(n):
    items, same = [], []
    other = items
    for i in range(3):
        other.append(n + i)
        if i != 1:
            same.append(i)
    return items, same


def gradient_of_a_list(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        items = []
        for i in tf.range(3):
            items.append(x * tf.cast(i, tf.float32))
        total = tf.reduce_sum(tf.stack(items))
    return tape.gradient(total, x)


@pytest.mark.parametrize(
    "program, given, expected",
    [
        (squares, 4, [[0, 1, 4, 9], 4, 9, [0, 1, 4, 9]]),
        (evens, 5, [[10, 0, 2, 4], 4]),
        (pairs, 4, [[[1, 0], [2, 0], [2, 1], [3, 0], [3, 1], [3, 2]], 11]),
        (append_after, 5, [0, 1, 2, 100]),
        (append_after, 0, [100]),
        (in_python_loops, 4, [[4, 5, 6], [0, 2]]),
        (gradient_of_a_list, [1.0, 2.0], [3.0, 3.0]),
    ],
)
def test_lists_that_grow_in_loops(program, given, expected):
    result = tf.function(program)(tf.constant(given))
    assert tf.nest.map_structure(lambda t: t.numpy().tolist(), result) in (expected, tuple(expected))


def test_lists_that_a_condition_would_make_longer():
    def two_types(n):
        items = []
        for i in tf.range(n):
            items.append(i)
            items.append(1.5)
        return items

    def python_loop(x):
        items = []
        for i in range(2):
            if x > i:
                items.append(i)
        return items

    with pytest.raises(TypeError, match="all items of a list must be of one dtype"):
        tf.function(two_types)(tf.constant(2))
    with pytest.raises(TypeError, match="'items' must have the same nested structure"):
        tf.function(python_loop)(tf.constant(2))

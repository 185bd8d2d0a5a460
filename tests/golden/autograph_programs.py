"""Small programs with Python control flow, run by a real TensorFlow (see `make_autograph.py`) and by penstock.

`use(tf)` says which; every program is a function of tensors, `CASES` its (name, function, arguments, features, needs).
"""
# ruff: noqa

import collections
import functools

tf = None
VARIABLE = None
HOLDER = object()
CASES = []


def use(module):
    """Run the programs with this TensorFlow."""
    global tf, VARIABLE
    tf = module
    VARIABLE = tf.Variable(0)


def case(*arguments, features=None, needs=()):
    def mark(function):
        CASES.append((function.__name__, function, arguments, features, needs))
        return function

    return mark


@case((3,),(-3,))
def if_basic(x):
    if x > 0: y = x * 2
    else: y = x - 1
    return y


@case((3,),(-3,))
def if_no_else(x):
    y = 1
    if x > 0: y = x
    return y


@case((3,),(-3,),(0,))
def if_elif(x):
    if x > 0: y = 1
    elif x < 0: y = -1
    else: y = 0
    return y


@case((3,),(-3,))
def if_undefined_else(x):
    if x > 0: y = 1
    return y


@case((3,))
def if_undefined_unused(x):
    if x > 0:
        y = 1
        z = y + x
    else:
        z = x
    return z


@case((3,),(-3,))
def if_types_differ(x):
    if x > 0: y = 1
    else: y = 2.0
    return y


@case((3,),(-3,))
def if_shapes_differ(x):
    if x > 0: y = tf.zeros([2])
    else: y = tf.zeros([3])
    return y


@case((3,),(-3,))
def if_return(x):
    if x > 0: return x
    return -x


@case((3,),(-3,))
def if_return_else(x):
    if x > 0: return x
    else: return -x


@case((3,))
def if_return_missing(x):
    if x > 0: return x


@case((3,))
def if_return_none(x):
    if x > 0: return None
    else: return None


@case((3,))
def if_return_none_one(x):
    if x > 0: return x
    else: return None


@case((3,))
def if_none_var(x):
    y = None
    if x > 0: y = x
    return y


@case((3,),(-3,),(30,))
def if_early_return_mid(x):
    y = x + 1
    if x > 0:
        if x > 10:
            return y * 100
        y = y * 2
    y += 1
    return y


@case((3,),(-3,))
def if_str(x):
    if x > 0: y = 'a'
    else: y = 'b'
    return y


@case((3,))
def if_list(x):
    if x > 0: y = [1, 2]
    else: y = [3, 4]
    return y


@case((3,))
def if_list_len(x):
    if x > 0: y = [1, 2]
    else: y = [3]
    return y


@case((3,))
def if_dict(x):
    if x > 0: y = {'a': x}
    else: y = {'a': 1}
    return y


@case((3,))
def if_dict_keys(x):
    if x > 0: y = {'a': x}
    else: y = {'b': 1}
    return y


@case((3,))
def if_obj(x):
    class A: pass
    a = A(); a.v = 1
    if x > 0: a.v = 5
    return a.v


@case((3,))
def if_obj_undefined(x):
    class A: pass
    a = A()
    if x > 0: a.v = 5
    return a.v


@case((3,))
def if_obj_differs(x):
    if x > 0: a = object()
    else: a = object()
    return 1


@case((3,))
def if_obj_differs_used(x):
    if x > 0: a = object()
    else: a = object()
    return id(a) and 1


@case(([True, False],))
def if_nonscalar(x):
    if x: y = 1
    else: y = 2
    return y


@case(([True],))
def if_one_elem(x):
    if x: y = 1
    else: y = 2
    return y


@case((3,),(0,))
def if_int_cond(x):
    if x: y = 1
    else: y = 2
    return y


@case(('a',))
def if_string_cond(x):
    if x: y = 1
    else: y = 2
    return y


@case((3,))
def while_basic(n):
    i = 0; s = 0
    while i < n:
        s += i
        i += 1
    return s


@case((3,))
def while_const_cond(n):
    i = 0
    while True:
        i += 1
        if i > 5: break
    return i


@case((3,))
def while_tensor_break(n):
    i = 0
    while True:
        i += 1
        if i > n: break
    return i


@case((10,))
def while_break_continue(n):
    i = 0; s = 0
    while i < n:
        i += 1
        if i % 2 == 0: continue
        if i > 7: break
        s += i
    return s, i


@case((3,),(0,))
def while_else(n):
    i = 0
    while i < n:
        i += 1
    else:
        i = i + 100
    return i


@case((10,))
def while_break_else(n):
    i = 0
    while i < n:
        i += 1
        if i == 5: break
    else:
        i = i + 100
    return i


@case((3,), needs=('raw_ops.Assert',))
def while_undefined(n):
    i = 0
    while i < n:
        y = i * 2
        i += 1
    return y


@case((3,))
def while_local(n):
    i = 0
    while i < n:
        y = i * 2
        i += y + 1
    return i


@case((3,))
def while_dtype_change(n):
    i = 0
    while i < n:
        i = i + 1.0
    return i


@case((3,))
def while_dtype_change2(n):
    i = 0; x = 0
    while i < n:
        i += 1
        x = 1.5
    return x


@case((3,))
def while_shape_change(n):
    i = 0; x = tf.zeros([1])
    while i < n:
        i += 1
        x = tf.concat([x, x], 0)
    return x


@case((3,))
def while_shape_invariants(n):
    i = 0; x = tf.zeros([1])
    while i < n:
        tf.autograph.experimental.set_loop_options(shape_invariants=[(x, tf.TensorShape([None]))])
        i += 1
        x = tf.concat([x, x], 0)
    return x


@case((30,))
def while_max_iter(n):
    i = 0
    while i < n:
        tf.autograph.experimental.set_loop_options(maximum_iterations=5)
        i += 1
    return i


@case((3,), needs=('raw_ops.Assert',))
def while_none(n):
    i = 0; x = None
    while i < n:
        i += 1
        x = i
    return x


@case((3,))
def while_none_stays(n):
    i = 0; x = None
    while i < n:
        i += 1
        x = None
    return i


@case((3,))
def while_return(n):
    i = 0
    while i < n:
        if i == 2: return i * 10
        i += 1
    return i


@case((3,),(1,))
def for_range_return(n):
    for i in tf.range(n):
        if i == 2: return i * 10
    return -1


@case((3,),(1,))
def for_range_return_missing(n):
    for i in tf.range(n):
        if i == 2: return i * 10


@case((3,))
def while_list_structure(n):
    i = 0; x = [0, 1]
    while i < n:
        i += 1
        x = [x[1], x[0] + i]
    return x


@case((3,))
def while_list_structure_change(n):
    i = 0; x = [0]
    while i < n:
        i += 1
        x = [0, 1]
    return x


@case((3,))
def while_obj(n):
    class A: pass
    a = A(); a.v = 0
    i = 0
    while i < n:
        a.v += i
        i += 1
    return a.v


@case((3,))
def while_obj_nested(n):
    class A: pass
    a = A(); a.b = A(); a.b.v = 0
    i = 0
    while i < n:
        a.b.v = a.b.v + i
        i += 1
    return a.b.v


@case((3,))
def while_dict_item(n):
    d = {'a': 0}
    i = 0
    while i < n:
        d['a'] += i
        i += 1
    return d['a']


@case((3,))
def while_dict_assign(n):
    d = {'a': 0}
    i = 0
    while i < n:
        d['a'] = d['a'] + i
        i += 1
    return d['a']


@case((3,), needs=('raw_ops.Assert',))
def while_dict_new_key(n):
    d = {}
    i = 0
    while i < n:
        d['a'] = i
        i += 1
    return d['a']


@case((3,))
def while_list_item(n):
    d = [0, 0]
    i = 0
    while i < n:
        d[1] = i
        i += 1
    return d


@case((3,))
def while_list_item_tensor_index(n):
    d = [0, 0, 0]
    i = 0
    while i < n:
        d[i] = i
        i += 1
    return d


@case((3,))
def while_tensor_item(n):
    x = tf.zeros([3], tf.int32)
    i = 0
    while i < n:
        x[i] = i
        i += 1
    return x


@case(([1, 2, 3],))
def tensor_item_assign(x):
    x[1] = 5
    return x


@case(([1, 2, 3],))
def for_tensor(x):
    s = 0
    for v in x: s += v
    return s


@case(([[1, 2], [3, 4]],))
def for_tensor_rows(x):
    s = tf.zeros([2], tf.int32)
    for v in x: s += v
    return s


@case(([[1, 2], [3, 4]],))
def for_tensor_unpack(x):
    s = 0
    for a, b in x: s += a * b
    return s


@case((5,))
def for_scalar(x):
    s = 0
    for v in x: s += v
    return s


@case((5,))
def for_range(n):
    s = 0
    for i in tf.range(n): s += i
    return s


@case((5,))
def for_pyrange(n):
    s = 0
    for i in range(n): s += i
    return s


@case((5,))
def for_pyrange3(n):
    s = 0
    for i in range(1, n, 2): s += i
    return s


@case((5,))
def for_range_neg(n):
    s = 0
    for i in tf.range(n, 0, -2): s = s * 10 + i
    return s


@case((5.,))
def for_range_float(n):
    s = 0.
    for i in tf.range(0., n, 0.5): s += i
    return s


@case((5,),(0,))
def for_iter_after(n):
    i = -1
    for i in tf.range(n): pass
    return i


@case((5,), needs=('raw_ops.Assert',))
def for_iter_undefined_after(n):
    for i in tf.range(n): pass
    return i


@case((5,))
def for_break_else(n):
    s = 0
    for i in tf.range(n):
        if i == 3: break
        s += i
    else:
        s = 100
    return s


@case((5,))
def for_continue(n):
    s = 0
    for i in tf.range(n):
        if i == 3: continue
        s += i
    return s


@case((5,))
def for_nested(n):
    s = 0
    for i in tf.range(n):
        for j in tf.range(i):
            if j > 2: break
            s += i * j
    return s


@case((5,))
def for_enumerate(n):
    s = 0
    for i, v in enumerate(tf.range(n) * 2): s += i * v
    return s


@case((5,))
def for_zip(n):
    s = 0
    for a, b in zip(tf.range(n), tf.range(n) * 2): s += a * b
    return s


@case((5,))
def for_python_list(n):
    s = 0
    for i in [1, 2, 3]:
        if i > n: break
        s += i
    return s


@case((2,))
def for_python_list_tensor_break(n):
    s = 0
    for i in [1, 2, 3, 4]:
        if n < i: break
        s += i
    return s


@case((2,))
def for_python_list_tensor_return(n):
    for i in [1, 2, 3, 4]:
        if n < i: return i
    return 0


@case((5,))
def list_append(n):
    l = []
    for i in tf.range(n): l.append(i)
    return tf.stack(l)


@case((5,))
def list_append_python(n):
    l = []
    for i in range(3): l.append(n + i)
    return tf.stack(l)


@case((5,))
def list_pop(n):
    l = [1, 2, 3]
    x = l.pop()
    y = l.pop(0)
    return x, y, len(l)


@case((5,))
def tensorarray_loop(n):
    ta = tf.TensorArray(tf.int32, 0, dynamic_size=True)
    for i in tf.range(n): ta = ta.write(i, i * i)
    return ta.stack()


@case((5,))
def tensorarray_for(n):
    ta = tf.TensorArray(tf.int32, 3)
    ta = ta.unstack([1, 2, 3])
    s = 0
    for v in ta: s += v
    return s


@case((3,),(-3,),(30,))
def ifexp(x): return x * 2 if x > 0 else -x


@case((3,))
def ifexp_types(x): return 1 if x > 0 else 2.0


@case((3,),(-3,),(30,))
def chain(x): return 0 < x < 10


@case((3,),(-3,),(30,))
def logic(x): return x > 0 and x < 10 or not x > -100


@case((3,))
def logic_lazy_py(x):
    def boom(): raise ValueError('boom')
    return False and boom(), True or boom()


@case((True,),(False,))
def logic_and_mixed(x): return x and True, x or False, not x


@case((3,))
def logic_and_int(x): return x and 5


@case((3,))
def equality(x): return x == 3, x != 3, x == None, x is None, x in [1]


@case((3,))
def equality_none_if(x):
    if x == None: return 1
    return 2


@case((3,),(-3,), needs=('raw_ops.Assert',))
def assertion(x):
    assert x > 0, 'x must be positive'
    return x


@case((3,),(-3,), needs=('raw_ops.Assert',))
def assertion_nomsg(x):
    assert x > 0
    return x


@case((3,))
def assertion_py(x):
    assert 1 > 2, 'py'
    return x


@case((3,), needs=('raw_ops.Assert',))
def assertion_tuplemsg(x):
    assert x > 0, ('a', x)
    return x


@case(([1, 2, 3],))
def builtin_len(x): return len(x), len([1, 2]), len('abc')


@case((3,))
def builtin_len_scalar(x): return len(x)


@case(([-1, 2, 3],))
def builtin_abs(x): return abs(x), abs(-2)


@case((3.7,))
def builtin_int(x): return int(x), int(3.7), int('12'), int('ff', 16)


@case((3,))
def builtin_float(x): return float(x), float('1.5'), float(2)


@case(('12',), needs=('raw_ops.StringToNumber',))
def builtin_int_str(x): return int(x), float(x)


@case(('12',))
def builtin_int_base(x): return int(x, 8)


@case(([True, False],))
def builtin_any(x): return any(x), all(x), any([False, True]), all([])


@case(([1, 2],))
def builtin_any_int(x): return any(x)


@case(([3, 1, 2],))
def builtin_sorted(x): return sorted(x), sorted([3, 1])


@case(([3, 1, 2],))
def builtin_sorted_rev(x): return sorted(x, reverse=True)


@case(([3, 1, 2],))
def builtin_sorted_key(x): return sorted(x, key=lambda v: -v)


@case(([3, 1, 2],))
def builtin_max(x): return max(x), min(x)


@case((3, 5),)
def builtin_max2(x, y): return max(x, y), min(x, y), max(1, 2)


@case(([3, 1, 2],))
def builtin_sum(x): return sum(x), sum([1, 2], 3)


@case(([3, 1, 2],))
def builtin_sum_start(x): return sum(x, 5)


@case(([[3, 1], [2, 2]],))
def builtin_sum2(x): return sum(x), max(x)


@case(([3, 1, 2],))
def builtin_map(x): return list(map(lambda v: v + 1, [1, 2]))


@case(([3, 1, 2],))
def builtin_filter(x): return list(filter(lambda v: v > 1, [1, 2]))


@case(([3, 1, 2],))
def builtin_range(x): return list(range(3)), range(x[0]), range(1, x[0]), range(x[0], 0, -1)


@case(([3, 1, 2],))
def builtin_enum(x): return list(enumerate([1, 2])), list(zip([1], [2]))


@case(([3, 1, 2],))
def builtin_next(x): return next(iter([1, 2])), next(iter([]), 5)


@case((3,))
def comprehension(x): return [x + i for i in range(3)], {i: x for i in range(2)}, sum([i * x for i in [1, 2]])


@case(([1, 2, 3],))
def comprehension_tensor(x): return [v for v in x]


@case((3,))
def comprehension_cond(x): return [i for i in range(4) if i > 1]


@case((3,))
def nested_fn(x):
    def g(y):
        if y > 0: return y
        else: return -y
    return g(x) + g(-x)


@case((3,))
def nested_nonlocal(x):
    s = 0
    def g(y):
        nonlocal s
        if y > 0: s = s + y
        return s
    g(x)
    return s


@case((3,))
def lambda_fn(x):
    g = lambda y: y if y > 0 else -y
    return g(x)


def outer_abs(y):
    if y > 0: return y
    else: return -y


@case((3,))
def recursive_call(x): return outer_abs(x) + outer_abs(-x)


def _fact(n):
    if n <= 1: return 1
    return n * _fact(n - 1)


@case((3,))
def py_recursion(x): return x * _fact(5)


@case((3,))
def partial_call(x): return functools.partial(lambda a, b: a if a > b else b, 5)(x)


class Cls:
    def __init__(self): self.k = 2
    def __call__(self, x):
        if x > 0: return x * self.k
        return -x * self.k
    def m(self, x):
        if x > 0: self.k = 5
        return self.k
    @staticmethod
    def sm(x):
        if x > 0: return 1
        return 2
    @classmethod
    def cm(cls, x):
        if x > 0: return 1
        return 2
    @property
    def p(self): return self.k
    def __priv(self, x): return x
    def callpriv(self, x): return self.__priv(x)


class Sub(Cls):
    def __call__(self, x):
        if x > 100: return super().__call__(x)
        return super().__call__(x) + 1


@case((3,))
def method_calls(x): return Cls()(x), Cls().m(x), Cls.sm(x), Cls.cm(x), Cls().p, Cls().callpriv(x), Sub()(x)


@case((3,))
def class_inside(x):
    class A:
        def f(self, y):
            if y > 0: return y
            return -y
    return A().f(-x)


@case((3,))
def try_except(x):
    try:
        if x > 0: y = 1
        else: y = 2
        raise ValueError('z')
    except ValueError:
        y = y + 10
    finally:
        z = 5
    return y + z


@case((3,))
def try_return(x):
    try:
        if x > 0: return 1
        else: return 2
    finally:
        pass


@case((3,))
def with_stmt(x):
    with tf.name_scope('foo'):
        if x > 0: y = 1
        else: y = 2
    return y


@case((3,))
def with_return(x):
    with tf.name_scope('foo'):
        if x > 0: return 1
        else: return 2


G = 0


@case((3,))
def global_var(x):
    global G
    G = 0


    if x > 0: G = 1
    else: G = 2
    r = G
    G = 0


    return r


@case((3,))
def del_var(x):
    y = 1
    del y
    if x > 0: y = 2
    else: y = 3
    return y


@case((3,))
def del_in_if(x):
    y = 1
    if x > 0: del y
    return x


@case((3,))
def raise_in_if(x):
    if x > 0: raise ValueError('bad')
    return x


@case((-3,))
def raise_in_if_py(x):
    if False: raise ValueError('bad')
    return x


@case((3,))
def generator_fn(x):
    def gen():
        yield 1
        yield 2
    s = x
    for v in gen(): s += v
    return s


@case((3,))
def starargs(x):
    def g(*a, **k): return sum(a) + k['z']
    a = (1, 2)
    return g(x, *a, **{'z': 3})


@case((3,))
def kwonly(x):
    def g(a, /, b, *, c=5): return a + b + c
    return g(x, b=2)


@case((3,))
def walrus(x):
    if (y := x + 1) > 2: z = y
    else: z = 0
    return z


@case((3,))
def fstring(x):
    return f"{1 + 1} {'a' if True else 'b'}"


@case((3,))
def multi_assign(x):
    a = b = x
    (c, d), e = (a, b), 1
    if x > 0: a, (b, c) = 1, (2, 3)
    return a, b, c, d, e


@case((3,))
def annassign(x):
    y: int = 1
    if x > 0: y: int = 5
    return y


@case((3,))
def augassign_loop(n):
    x = 1
    for i in tf.range(n): x *= 2
    return x


@case((3,))
def py_while(x):
    i = 0; l = []
    while i < 3:
        l.append(i); i += 1
    return l


@case((3,))
def empty_pass(x):
    if x > 0: pass
    else: pass
    for i in tf.range(x): pass
    while False: pass
    return x


@case((3,))
def return_bare(x):
    if x > 5: return
    return


@case((3,), needs=('ragged.constant',))
def ragged_for(x):
    rt = tf.ragged.constant([[1], [2, 3], []])
    s = 0
    for row in rt: s += tf.reduce_sum(row)
    return s


@case((3,))
def var_assign(x):
    v = VARIABLE
    v.assign(0)
    for i in tf.range(x): v.assign_add(i)
    if x > 0: v.assign_add(100)
    return v.read_value()


@case((3,), needs=('sparse.from_dense', 'sparse.map_values'))
def sparse_loop(n):
    s = tf.sparse.from_dense([[0, 1], [2, 0]])
    i = 0
    while i < n:
        s = tf.sparse.map_values(tf.add, s, 1) if hasattr(tf.sparse,'map_values') else s
        i += 1
    return tf.sparse.to_dense(s)


@case((3,))
def namedtuple_loop(n):
    P = collections.namedtuple('P', 'x y')
    p = P(0, 1)
    for i in tf.range(n): p = P(p.y, p.x + p.y)
    return p.x, p.y


@case((3,))
def namedtuple_if(n):
    P = collections.namedtuple('P', 'x y')
    p = P(0, 1)
    if n > 0: p = p._replace(x=5)
    return p.x


@case(([1, 2],))
def dtype_max(x):
    m = tf.int32.min
    for v in x:
        if v > m: m = v
    return m


@case((3,))
def print_it(x):
    print('py', 1)
    print(x, 'tensor')
    return x


@case((3,))
def for_string(x):
    s = 0
    for c in 'abc': s += 1
    return s + x


@case((['a','b'],))
def for_string_tensor(x):
    s = ''
    for c in x: s = s + c
    return s


@case((3,))
def py_bool_cond(x):
    if True: y = x
    else: y = undefined_name
    return y


@case((3,))
def undefined_global(x):
    return undefined_name


@case((3,))
def used_before(x):
    y = zz + 1
    zz = 2
    return y


@case((3,))
def shape_loop(n):
    x = tf.zeros([2, 3]); s = 0
    for d in x.shape: s += d
    return s


@case((3,))
def while_and(n):
    i = 0
    while i < n and i < 2: i += 1
    return i


@case((3,))
def tuple_swap(n):
    a, b = 0, 1
    for _ in tf.range(n): a, b = b, a + b
    return a


@case((3,))
def continue_in_nested_if(n):
    s = 0
    for i in tf.range(n):
        if i > 0:
            if i > 1: continue
            s += 10
        s += 1
    return s


@case((3,))
def py_tuple_loop_tensor_if(n):
    s = 0
    for i in (1, 2, 3):
        if i > n: continue
        s += i
    return s


@case((5,))
def return_in_nested_loops(n):
    for i in tf.range(n):
        for j in tf.range(n):
            if i * j == 6: return i * 10 + j
    return -1


@case((5,))
def return_in_while_else(n):
    i = 0
    while i < n:
        i += 1
        if i > 3: return i
    else:
        return 100


@case((3,))
def return_after_loop_in_if(n):
    if n > 0:
        for i in tf.range(n):
            if i > 1: return i
        return 50
    return 7


@case((3,))
def mixed_py_tensor_return(n):
    if n > 0: return 1, n
    return 2, n


@case((3,))
def mixed_return_structures(n):
    if n > 0: return 1, n
    return n


@case((3,))
def match_stmt(n):
    match 5:
        case 5: y = n
        case _: y = 0
    return y


@case((3,))
def while_walrus(n):
    i = 0
    while (i := i + 1) < n: pass
    return i


@case((1.5,))
def round_pow(x): return round(1.5), pow(2, 3), divmod(7, 2)


@case((3,))
def lambda_default(x):
    return (lambda a, b=2, *c, d=3, **e: a + b + d)(x)


@case((3,))
def set_state_restores(x):
    a = 1; b = 2
    if x > 0:
        a = b; b = a
    else:
        b = a; a = b
    return a, b


@case((0,), (2,), needs=('raw_ops.Assert',))
def while_undefined_zero_turns(n):
    i = 0
    while i < n:
        y = i * 2
        i += 1
    return y


@case((0,), (2,), needs=('raw_ops.Assert',))
def for_undefined_zero_turns(n):
    for i in tf.range(n): y = tf.ones([n])
    return y


@case((0,), (2,), needs=('raw_ops.Assert',))
def for_none_zero_turns(n):
    x = None
    for i in tf.range(n): x = i
    return x


@case((1,))
def attribute_never_read(x):
    class A: pass
    a = A()
    if x > 0: a.v = 5
    return x


@case((3,))
def list_items_in_loop(n):
    l = [1, 2]
    for i in tf.range(n): l[0] = l[0] + i
    return l


@case((3,))
def same_object(n):
    if n > 0: a = HOLDER
    else: a = HOLDER
    return 1 if a is HOLDER else 2


@case((1,))
def function_variable(n):
    if n > 0: a = tf.nn.relu
    else: a = tf.nn.relu
    return a(1.)


@case((1,))
def raise_in_else(n):
    if n > 0: y = 1
    else: raise ValueError('x')
    return y


@case((1,))
def raise_at_end(n):
    if n > 0: return n
    raise ValueError('x')


@case((1,))
def eval_call(n):
    a = 5
    return eval('a + 1') + n


@case((1,))
def loop_rank_change(n):
    x = tf.zeros([2])
    i = 0
    while i < n:
        x = 1.
        i += 1
    return x


@case((1,))
def loop_dtype_int64(n):
    x = 1
    i = tf.constant(0, tf.int64)
    while i < 3:
        i += 1
        x = i
    return x


@case((2,))
def loop_string(n):
    i = 0
    s = 'a'
    while i < n:
        i += 1
        s = s + 'b'
    return s


@case(([1, 2],))
def for_shape_invariants(x):
    a = tf.zeros([1, 2])
    for v in x:
        tf.autograph.experimental.set_loop_options(
            shape_invariants=[(a, tf.TensorShape([None, 2]))], parallel_iterations=1, swap_memory=True)
        a = tf.concat([a, a], 0)
    return a


@case((1,))
def options_outside_loop(x):
    tf.autograph.experimental.set_loop_options(maximum_iterations=1)
    return x


@case((1, ), (-1,), features="ASSERT_STATEMENTS", needs=('raw_ops.Assert',))
def assert_feature(x):
    assert x > 0, 'msg'
    return x


@case((1,), features="EQUALITY_OPERATORS")
def equality_feature(x): return x == 1, x != 3, 1 == 2


@case((1,), features="BUILTIN_FUNCTIONS", needs=('print',))
def builtin_feature(x):
    print(x, 'a', 1)
    return x


@case((1,), features="ALL", needs=('raw_ops.Assert',))
def all_features(x):
    y = 0
    while y < x: y += 1
    assert y == x
    return y


def _not_converted(x):
    if x > 0: return 1
    return 2


@case((1,))
def do_not_convert_inside(x): return tf.autograph.experimental.do_not_convert(_not_converted)(x)


@case(([1, -2, 3],), needs=('map_fn',))
def map_fn_converts(x): return tf.map_fn(_not_converted, x)


@case(([1., 2.],), (3.,))
def gradient_through_loop(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x
        for i in tf.range(3):
            if i == 1: continue
            y = y * x
        s = tf.reduce_sum(y)
        if s > 100.: s = s * 2.
        else: s = s * 3.
    return tape.gradient(s, x)


@case((6,), (7,))
def collatz(n):
    steps = 0
    while n != 1:
        if n % 2 == 0: n = n // 2
        else: n = 3 * n + 1
        steps += 1
    return steps


@case((10,), needs=('strings.as_string',))
def fizzbuzz(n):
    out = ''
    for i in tf.range(1, n + 1):
        if i % 15 == 0: out += 'FizzBuzz'
        elif i % 3 == 0: out += 'Fizz'
        elif i % 5 == 0: out += 'Buzz'
        else: out += tf.strings.as_string(i)
        out += ' '
    return out


@case((2.,),)
def newton(x):
    y = x
    while tf.abs(y * y - x) > 1e-5: y = (y + x / y) / 2.
    return tf.round(y * 1000.)


@case(([3, 1, 2],))
def bubble_sort(x):
    n = tf.shape(x)[0]
    for i in tf.range(n):
        for j in tf.range(n - 1):
            if x[j] > x[j + 1]:
                x = tf.tensor_scatter_nd_update(x, [[j], [j + 1]], [x[j + 1], x[j]])
    return x


@case(([[1., 2.], [3., -4.]],), ([[1., 2.]],))
def first_negative(x):
    for row in x:
        for v in row:
            if v < 0: return v
    return tf.constant(0.)


@case((2,), (9,), (91,), (97,))
def is_prime(n):
    if n < 2: return False
    i = 2
    while i * i <= n:
        if n % i == 0: return False
        i += 1
    return True


@case((10,))
def dictionary_state(n):
    s = {'a': tf.constant(0), 'b': tf.constant(1)}
    seen = tf.TensorArray(tf.int32, 0, dynamic_size=True)
    while n > 0:
        s = {'a': s['b'], 'b': s['a'] + s['b']}
        seen = seen.write(seen.size(), s['a'])
        n -= 1
    return s, seen.stack()


@case(([[0.5, 1.], [2., -1.], [1., 1.]],))
def recurrent(x):
    state = tf.zeros([2])
    outs = tf.TensorArray(tf.float32, size=tf.shape(x)[0])
    for i in tf.range(tf.shape(x)[0]):
        new = tf.tanh(x[i] + 0.5 * state)
        state = tf.where(x[i] > 0., new, state)
        outs = outs.write(i, tf.round(state * 1000.))
    return outs.stack()


@case(([[1., 2.], [-3., -4.], [5., 0.]],), ([[-1.]],))
def filtered_rows(x):
    s = 0.
    m = tf.zeros([0])
    n = 0
    for r in x:
        tf.autograph.experimental.set_loop_options(shape_invariants=[(m, tf.TensorShape([None]))])
        if tf.reduce_sum(r) > 0:
            m = tf.concat([m, r[:1]], 0)
            n += 1
            continue
        s -= 1.
    return s, m, n

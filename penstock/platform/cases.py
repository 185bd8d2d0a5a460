"""`tensorflow.python.ops.control_flow_case`: a case made of whatever conditional a library brings."""

from penstock.ir.scope import scoped


def _case_helper(cond_fn, pred_fn_pairs, default, exclusive, name, allow_python_preds=False, **cond_kwargs):
    """What the function of the first true predicate returns, or `default()`: `cond_fn`s inside one another."""
    if not isinstance(pred_fn_pairs, (list, tuple, dict)):
        raise TypeError(f"'pred_fn_pairs' must be a list, tuple, or dict. Received {pred_fn_pairs!r}.")
    pairs = list(pred_fn_pairs.items()) if isinstance(pred_fn_pairs, dict) else list(pred_fn_pairs)
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"Each entry in 'pred_fn_pairs' must be a 2-tuple. Received {pair!r}.")
        if isinstance(pair[0], bool) and not allow_python_preds:
            raise TypeError(f"pred must be a Tensor, got a Python bool: {pair[0]}.")
        if not callable(pair[1]):
            raise TypeError(f"fn for pred {pair[0]!r} must be callable.")
    if default is not None and not callable(default):
        raise TypeError("'default' must be callable.")
    if default is None:
        if not pairs:
            raise ValueError("'pred_fn_pairs' must have at least one entry where no default is given.")
        *pairs, (_, default) = pairs

    def choose(rest):
        if not rest:
            return default()
        pred, function = rest[0]
        return cond_fn(pred, true_fn=function, false_fn=lambda: choose(rest[1:]), **cond_kwargs)

    with scoped(name, "case"):
        return choose(pairs)

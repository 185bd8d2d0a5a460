"""Sums of operators against what TensorFlow 1.15 made of the same operators: kinds, names and what is known of them."""

import itertools

import numpy as np
import pytest

import penstock as tf
from penstock.state.linear_operator_sums import _AddAndReturnDiag, add_operators

LOWER = [[1.0, 0, 0], [2, 3, 0], [1, 1, 1]]


def made():
    kinds = tf.linalg
    return {
        "I": kinds.LinearOperatorIdentity(3),
        "S": kinds.LinearOperatorScaledIdentity(3, 2.0),
        "D": kinds.LinearOperatorDiag([1.0, 2, 3]),
        "T": kinds.LinearOperatorLowerTriangular(LOWER),
        "F": kinds.LinearOperatorFullMatrix(LOWER),
    }


@pytest.mark.parametrize("letters", ["".join(c) for n in (1, 2, 3) for c in itertools.combinations_with_replacement("ISDTF", n)])
def test_sum_is_one_operator_of_the_cheapest_kind(letters):
    operators = [made()[k] for k in letters]
    (total,) = add_operators(operators)
    np.testing.assert_allclose(total.to_dense(), sum(o.to_dense().numpy() for o in operators), rtol=1e-6)
    if len(letters) > 1:
        kind = {"F": "FullMatrix", "T": "LowerTriangular", "D": "Diag"}.get(letters[-1], "ScaledIdentity")
        assert type(total).__name__ == f"LinearOperator{kind}"
        assert total.is_self_adjoint is (None if letters[-1] in "TF" else True)
        assert total.is_positive_definite is (True if set(letters) == {"I"} else None)


def test_names_tell_the_order():
    o = made()
    assert add_operators([o["I"], o["D"]])[0].name == "Add/LinearOperatorDiag__LinearOperatorIdentity/"
    assert (
        add_operators([o["S"], o["D"], o["T"]])[0].name
        == "Add/Add/LinearOperatorDiag__LinearOperatorScaledIdentity/__LinearOperatorLowerTriangular/"
    )


def test_tiers_limit_what_is_added():
    o = made()
    left = add_operators([o["S"], o["D"], o["T"]], addition_tiers=[[_AddAndReturnDiag()]])
    assert sorted(type(x).__name__ for x in left) == ["LinearOperatorDiag", "LinearOperatorLowerTriangular"]


def test_wrong_operators():
    with pytest.raises(ValueError, match="at least one"):
        add_operators([])
    with pytest.raises(TypeError, match="only LinearOperator"):
        add_operators([3])
    with pytest.raises(ValueError, match="same domain dimension"):
        add_operators([tf.linalg.LinearOperatorIdentity(3), tf.linalg.LinearOperatorIdentity(4)])

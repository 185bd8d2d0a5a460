"""`gradient_checker_v2`: how far Jacobians are apart."""

import numpy as np


def max_error(grad1, grad2):
    """The largest absolute difference between two lists of Jacobians."""
    error = 0
    for one, other in zip(grad1, grad2):
        if one.size or other.size:
            error = np.maximum(error, np.fabs(one - other).max())
    return error

"""Circulant operators: products with them are multiplications between Fourier transforms."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.ir import door
from penstock.ops import fft
from penstock.ops.families import conj, later
from penstock.state.linear_operator import LinearOperator, make_composite_tensor, real
from penstock.state.linear_operator_kinds import _hints, _parameters, _tensor
from penstock.state.linear_operator_parts import Held

_FORWARD = {1: fft.FFT, 2: fft.FFT2D, 3: fft.FFT3D}
_BACKWARD = {1: fft.IFFT, 2: fft.IFFT2D, 3: fft.IFFT3D}
Mul, Cast, Reshape = later("Mul"), later("Cast"), later("Reshape")


class _Circulant(LinearOperator):
    """What the circulant operators of one, two and three axes share: `spectrum` [..., block shape] are the eigenvalues."""

    _spectrum = Held()

    _depth = 1

    def __init__(
        self, spectrum: Any, input_output_dtype: Any = dtypes.complex64, is_non_singular: Any = None, is_self_adjoint: Any = None,
        is_positive_definite: Any = None, is_square: Any = True, name: str | None = None,
    ):  # fmt: skip
        given = locals()
        self._spectrum = _tensor(spectrum, "spectrum")
        dims = self._held_dims("_spectrum")
        if dims is None or len(dims) < self._depth or None in dims[-self._depth :]:
            raise ValueError(
                f"Argument `spectrum` must have at least {self._depth} axes of known size. Found: {self._spectrum}"
            )
        if not as_dtype(self._raw("_spectrum").dtype).is_complex:
            if is_self_adjoint is False:
                raise ValueError("A real spectrum always corresponds to a self-adjoint operator.")
            given["is_self_adjoint"] = True
        if is_square is False:
            raise ValueError("A circulant operator is always square.")
        given["is_square"] = True
        super().__init__(
            input_output_dtype, name=name or type(self).__name__, parameters=_parameters(given), **_hints(given)
        )

    spectrum = property(lambda self: self._raw("_spectrum"))
    block_depth = property(lambda self: self._depth)

    @property
    def block_shape(self) -> TensorShape:
        return TensorShape(self._held_dims("_spectrum")[-self._depth :])

    def block_shape_tensor(self) -> Any:
        """The sizes of the block's axes as a tensor."""
        return door.convert(np.array(self.block_shape._dims, np.int32))

    def _size(self) -> int:
        return int(np.prod(self.block_shape._dims))  # type: ignore[arg-type]

    def _shape(self) -> TensorShape:
        return TensorShape([*self._held_dims("_spectrum")[: -self._depth], self._size(), self._size()])

    def _complex(self) -> Any:
        wide = as_dtype(self.dtype).real_dtype is dtypes.float64 or self._spectrum.dtype.real_dtype is dtypes.float64
        return dtypes.complex128 if wide else dtypes.complex64

    def _out(self, x: Any) -> Any:
        """A complex result in the operator's dtype."""
        if self.dtype.is_complex:
            return x if x.dtype is self.dtype else Cast(x, DstT=self.dtype)
        x = real(x)
        return x if x.dtype is self.dtype else Cast(x, DstT=self.dtype)

    def _values(self) -> Any:
        kind = self._complex()
        return self._spectrum if self._spectrum.dtype is kind else Cast(self._spectrum, DstT=kind)

    def _through(self, x: Any, factor: Any) -> Any:
        """x [..., n, k]: transformed along n, multiplied by factor and transformed back."""
        rank = len(x._dims)
        columns = later("Transpose")(x, np.array([*range(rank - 2), rank - 1, rank - 2], np.int32))
        lead = [-1 if d is None else d for d in columns._dims[:-1]]
        blocks = Cast(Reshape(columns, np.array([*lead, *self.block_shape._dims], np.int32)), DstT=factor.dtype)  # type: ignore[misc]
        spread = later("ExpandDims")(factor, len(factor._dims) - self._depth)
        done = _BACKWARD[self._depth](Mul(_FORWARD[self._depth](blocks), spread))
        lead = [-1 if d is None else d for d in done._dims[: -self._depth]]
        flat = Reshape(done, np.array([*lead, self._size()], np.int32))
        rank = len(flat._dims)
        return self._out(later("Transpose")(flat, np.array([*range(rank - 2), rank - 1, rank - 2], np.int32)))

    def _matmul(self, x: Any, adjoint: bool = False) -> Any:
        values = self._values()
        return self._through(x, conj(values) if adjoint else values)

    def _solve(self, rhs: Any, adjoint: bool = False) -> Any:
        values = self._values()
        return self._through(rhs, later("Reciprocal")(conj(values) if adjoint else values))

    def _to_dense(self) -> Any:
        return self._matmul(np_eye(self._size(), self.dtype), False)

    def convolution_kernel(self, name: str = "convolution_kernel") -> Any:
        """The first column of the matrix, in the block's shape."""
        with self._in_scope(name):
            return self._out(_BACKWARD[self._depth](self._values()))

    def _axes(self) -> list[int]:
        return list(range(-self._depth, 0))

    def _determinant(self) -> Any:
        return self._out(later("Prod")(self._values(), self._axes()))

    def _log_abs_determinant(self) -> Any:
        size = later("ComplexAbs")(self._values(), Tout=self._complex().real_dtype)
        return Cast(later("Sum")(later("Log")(size), self._axes()), DstT=self.dtype)

    def _trace(self) -> Any:
        return self._out(later("Sum")(self._values(), self._axes()))

    def _diag_part(self) -> Any:
        mean = later("Mean")(self._values(), self._axes())
        return self._out(Mul(later("ExpandDims")(mean, -1), np.ones(self._size(), mean.dtype.array_dtype)))

    def _eigvals(self) -> Any:
        lead = [-1 if d is None else d for d in self._spectrum._dims[: -self._depth]]
        return Reshape(self._spectrum, np.array([*lead, self._size()], np.int32))

    def _cond(self) -> Any:
        spectrum = self._spectrum
        size = (
            later("ComplexAbs")(spectrum, Tout=spectrum.dtype.real_dtype)
            if spectrum.dtype.is_complex
            else later("Abs")(spectrum)
        )
        return later("RealDiv")(later("Max")(size, self._axes()), later("Min")(size, self._axes()))

    def _linop_adjoint(self) -> LinearOperator:
        return type(self)(
            conj(self._spectrum), self.dtype, self.is_non_singular, self.is_self_adjoint, self.is_positive_definite
        )

    def _linop_inverse(self) -> LinearOperator:
        inverse = later("Reciprocal")(self._spectrum)
        return type(self)(inverse, self.dtype, True, self.is_self_adjoint, self.is_positive_definite)

    def assert_hermitian_spectrum(self, name: str = "assert_hermitian_spectrum") -> Any:
        """An op (None eagerly) that fails unless the operator maps real vectors to real ones."""
        with self._in_scope(name):
            kernel = _BACKWARD[self._depth](self._values())
            parts = later("Abs")(later("Imag")(kernel, Tout=kernel.dtype.real_dtype))
            every = np.arange(len(parts._dims), dtype=np.int32)
            limit = float(np.finfo(kernel.dtype.real_dtype.array_dtype).eps * 10 * self._size())
            return self._assert(later("Less")(later("Max")(parts, every), limit), "Spectrum was not Hermitian")


def np_eye(n: int, dtype: Any) -> Any:
    """The identity as a tensor."""
    return door.convert(np.eye(n, dtype=dtype.array_dtype), dtype)


@export("linalg.LinearOperatorCirculant")
@make_composite_tensor
class LinearOperatorCirculant(_Circulant):
    """A circulant matrix: each column is the one before, moved down by one; `spectrum` [..., n] are its eigenvalues."""


@export("linalg.LinearOperatorCirculant2D")
@make_composite_tensor
class LinearOperatorCirculant2D(_Circulant):
    """A block circulant matrix of circulant blocks; `spectrum` [..., n0, n1]."""

    _depth = 2


@export("linalg.LinearOperatorCirculant3D")
@make_composite_tensor
class LinearOperatorCirculant3D(_Circulant):
    """A circulant matrix of three nested levels; `spectrum` [..., n0, n1, n2]."""

    _depth = 3

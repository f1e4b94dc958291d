"""one_or_many(): types of the functions whose result depends on the number of dimensions of their input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar, overload

import numpy as np

from .arrays import LogProbsLike

_Floats: TypeAlias = np.dtype[np.floating[Any]]
# For arrays whose number of dimensions a type checker does not know, such as NDArray[np.float32]: they match
# any number, and so the first of the overloads below.
UnknownShape: TypeAlias = np.ndarray[tuple[int, int, int, int], _Floats]
LogProbsTK: TypeAlias = np.ndarray[tuple[int, int], _Floats] | Sequence[Sequence[float]]
LogProbsNTK: TypeAlias = np.ndarray[tuple[int, int, int], _Floats] | Sequence[Sequence[Sequence[float]]]

P = ParamSpec("P")
T = TypeVar("T")


class OneOrMany(Protocol[P, T]):
    """A function that returns T for one sequence of shape (T, K), and a list of T for (N, T, K)."""

    @overload
    def __call__(self, log_probs: UnknownShape, *args: P.args, **kwargs: P.kwargs) -> Any: ...
    @overload
    def __call__(self, log_probs: LogProbsTK, *args: P.args, **kwargs: P.kwargs) -> T: ...
    @overload
    def __call__(self, log_probs: LogProbsNTK, *args: P.args, **kwargs: P.kwargs) -> list[T]: ...
    @overload
    def __call__(self, log_probs: LogProbsLike, *args: P.args, **kwargs: P.kwargs) -> Any: ...


def one_or_many(
    result: type[T],
) -> Callable[[Callable[Concatenate[LogProbsLike, P], Any]], OneOrMany[P, T]]:
    """Return a decorator for type checkers; the function stays as it is.

    Args:
        result: what the function returns for one sequence.
    """

    def decorate(function: Any) -> Any:
        return function

    return decorate

"""A Python function as the embedding callback of a model."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _ffi
from ._errors import BackendError
from ._run import current

#: Takes float32 N x C x H x W, returns N x D numbers.
EmbedFunction = Callable[[NDArray[np.float32]], Any]


def _embeddings(result: Any, n: int, who: str) -> NDArray[np.float32]:
    """What a function returned, as n x D of float32."""
    try:
        array = np.asarray(result)
    except Exception as error:
        raise BackendError(
            f"{who} returned a {type(result).__name__}, which NumPy cannot "
            f"take: {error}"
        ) from error
    if array.dtype.kind not in "fiub":
        raise BackendError(
            f"{who} returned a {type(result).__name__} of {array.dtype}; "
            f"expected an array of real numbers"
        )
    if array.ndim != 2 or array.shape[0] != n or array.shape[1] < 1:
        raise BackendError(
            f"{who} returned the shape {array.shape} for a batch of {n}; "
            f"expected {n} x D"
        )
    return array.astype(np.float32, copy=False)


def _check_values(array: NDArray[np.float32], who: str) -> None:
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        raise BackendError(
            f"{who} returned NaN or infinity for crop {int(finite.argmin())} "
            f"(from 0) of a batch of {len(array)}"
        )


def call(
    fn: EmbedFunction, batch: NDArray[np.float32], who: str
) -> NDArray[np.float32]:
    """The function's embeddings of a batch, checked; BackendError says what is
    wrong, with what the function raised as its cause."""
    try:
        result = fn(batch)
    except Exception as error:
        what = str(error) or "no message"
        raise BackendError(
            f"{who} raised {type(error).__name__}: {what}"
        ) from error
    array = _embeddings(result, len(batch), who)
    _check_values(array, who)
    return array


def _array(address: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The library's memory, for as long as its call lasts."""
    memory = (ctypes.c_float * math.prod(shape)).from_address(address)
    return np.ndarray(shape, np.float32, memoryview(memory))


def make_callback(
    fn: EmbedFunction, who: str, shape: tuple[int, int, int], dim: int
) -> Any:
    """The wf_embed_fn; it must live as long as the model."""

    def embed(source: int, n: int, target: int, user: int | None) -> int:
        def run() -> None:
            # A copy: the library's memory is gone when the function may still
            # have the batch.
            batch = _array(source, (n, *shape)).copy()
            embeddings = call(fn, batch, who)
            if embeddings.shape[1] != dim:
                raise BackendError(
                    f"{who} returned embeddings of {embeddings.shape[1]}; "
                    f"expected {dim}"
                )
            _array(target, (n, dim))[:] = embeddings

        return current().call_user(run)

    return _ffi.wf_embed_fn(embed)


def torch_function(module: Any, device: Any = None) -> EmbedFunction:
    """A PyTorch module (or function of a tensor) as a function of arrays."""
    import torch

    is_module = isinstance(module, torch.nn.Module)
    if is_module and device is not None:
        module.to(device)

    def embed(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        place, kind = device, torch.float32
        if is_module:
            if module.training:
                module.eval()
            weights = next(module.parameters(), None)
            if weights is not None:
                place, kind = weights.device, weights.dtype
        with torch.no_grad():
            result = module(torch.from_numpy(batch).to(place, kind))
        if not isinstance(result, torch.Tensor):
            raise TypeError(
                f"the module returned a {type(result).__name__}, not a tensor "
                f"of embeddings: pass a function that picks it, for example "
                f"lambda x: module(x)[0]"
            )
        array: NDArray[np.float32] = (
            result.detach().to("cpu", torch.float32).numpy()
        )
        return array

    return embed

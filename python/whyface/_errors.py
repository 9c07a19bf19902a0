"""Exceptions, one for each status of the library."""

from __future__ import annotations

import ctypes
import operator
import os
from typing import Any

from ._ffi import wf_error, wf_status


class Error(Exception):
    """Something failed.  The message is the library's sentence; `status` is the
    library's number for it, for example ``whyface.Status.WF_ENOENT``."""

    status: wf_status = wf_status.WF_EINTERNAL

    def __init__(self, message: str) -> None:
        super().__init__(message)


class InvalidArgumentError(Error, ValueError):
    """A value is wrong or out of range."""

    status = wf_status.WF_EINVAL


class OutOfMemoryError(Error, MemoryError):
    """There is not enough memory."""

    status = wf_status.WF_ENOMEM


class CancelledError(Error):
    """The call was cancelled."""

    status = wf_status.WF_ECANCELED


class UnsupportedError(Error, NotImplementedError):
    """The library cannot do that with this model or file."""

    status = wf_status.WF_EUNSUPPORTED


class InternalError(Error, RuntimeError):
    """A fault of the library."""

    status = wf_status.WF_EINTERNAL


class LimitError(Error, ValueError):
    """A file claims more than the library's limits allow."""

    status = wf_status.WF_ELIMIT


class InputOutputError(Error, OSError):
    """Reading or writing failed."""

    status = wf_status.WF_EIO


class NotFoundError(Error, FileNotFoundError):
    """There is no such file, model or detector."""

    status = wf_status.WF_ENOENT


class ExistsError(Error, FileExistsError):
    """The name is taken."""

    status = wf_status.WF_EEXIST


class ImageError(Error, ValueError):
    """Not a readable image."""

    status = wf_status.WF_EIMAGE


class OnnxError(Error, ValueError):
    """Not a valid ONNX model."""

    status = wf_status.WF_EONNX


class OperatorError(Error, NotImplementedError):
    """The model has an operator that the backend does not know."""

    status = wf_status.WF_EOPERATOR


class ShapeError(Error, ValueError):
    """Sizes do not fit."""

    status = wf_status.WF_ESHAPE


class BackendError(Error, RuntimeError):
    """The model could not be run.  For a Python function: it raised (see
    ``__cause__``), or returned what is not N x D finite numbers."""

    status = wf_status.WF_EBACKEND


class EmbeddingError(Error, ArithmeticError):
    """The model gave an embedding that is not finite, or all zero."""

    status = wf_status.WF_EEMBEDDING


class GradientError(Error, ArithmeticError):
    """The model gave a derivative that cannot be used."""

    status = wf_status.WF_EGRADIENT


class NoFaceError(Error, LookupError):
    """No face was found."""

    status = wf_status.WF_ENOFACE


class AmbiguousFaceError(Error, LookupError):
    """There are several faces, and no rule says which."""

    status = wf_status.WF_EAMBIGUOUS


class ManifestError(Error, ValueError):
    """A model's manifest is not valid, or not this model's."""

    status = wf_status.WF_EMANIFEST


class MapError(Error, ValueError):
    """Not a usable saliency map."""

    status = wf_status.WF_EMAP


_classes: dict[int, type[Error]] = {
    cls.status: cls for cls in Error.__subclasses__()
}


def error_for(status: int, message: str) -> Error:
    """The exception for a status, with the library's sentence."""
    return _classes.get(status, InternalError)(message)


def check(function: Any, *arguments: Any) -> None:
    """Calls a function whose last parameter is a wf_error."""
    error = wf_error()
    status = function(*arguments, ctypes.byref(error))
    if status:
        raise error_for(status, to_text(error.message))


def integer(value: Any, what: str, low: int, high: int) -> int:
    """A whole number in a range: ctypes would cut others off silently."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or not low <= number <= high:
        raise InvalidArgumentError(
            f"{what} is an integer from {low} to {high}, got {value!r}"
        )
    return int(number)


def to_bytes(text: str, what: str = "text") -> bytes:
    """For a `const char *`, which ends at the first NUL."""
    if "\0" in text:
        raise InvalidArgumentError(f"{what} {text!r} has a NUL character in it")
    return text.encode()


def to_text(data: bytes | None) -> str:
    """Of a string that the library may have cut in the middle of a letter."""
    return (data or b"").decode(errors="replace")


def path_bytes(path: str | os.PathLike[str]) -> bytes:
    """A file's name for the library."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"expected a file's name, got {type(path).__name__}")
    data = os.fsencode(path)
    if b"\0" in data:
        raise InvalidArgumentError(
            f"file name {path!r} has a NUL character in it"
        )
    return data

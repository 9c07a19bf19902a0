"""Objects of the library: their lifetime, and their memory as NumPy arrays."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._errors import InvalidArgumentError


class Handle:
    """A pointer that is freed with its owner, or when it is closed: then as
    soon as no call of another thread uses it."""

    def __init__(self, pointer: int, free: Any, name: str) -> None:
        self._pointer = pointer
        self._name = name
        self._lock = threading.Lock()
        self._users = 0
        self._closed = False
        self._finalize = weakref.finalize(self, free, pointer)
        # At the end of the program a thread may be using it still.
        self._finalize.atexit = False

    @contextmanager
    def use(self) -> Iterator[int]:
        """The pointer, which stays valid inside."""
        with self._lock:
            if self._closed:
                raise InvalidArgumentError(f"the {self._name} has been closed")
            self._users += 1
        try:
            yield self._pointer
        finally:
            with self._lock:
                self._users -= 1
                self._free_unused()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._free_unused()

    def _free_unused(self) -> None:
        if self._closed and self._users == 0:
            self._finalize()

    @property
    def pointer(self) -> int:
        """Of an object that is never closed and that the caller keeps."""
        return self._pointer

    @property
    def _as_parameter_(self) -> int:
        """What ctypes passes where a handle is an argument, which keeps it: so
        pass handles, not pointers of what may be gone before the call."""
        return self._pointer


class _Memory:
    """What NumPy asks for a view; keeps the owner of the memory alive."""

    def __init__(
        self, owner: object, address: int, shape: tuple[int, ...], kind: str
    ) -> None:
        self.owner = owner
        self.__array_interface__ = {
            "version": 3,
            "data": (address, True),
            "shape": shape,
            "typestr": kind,
        }


def view(
    owner: object, address: int, shape: tuple[int, ...], kind: str
) -> NDArray[Any]:
    """A read-only array over memory that belongs to `owner`."""
    return np.asarray(_Memory(owner, address, shape, kind))

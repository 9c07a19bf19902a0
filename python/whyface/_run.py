"""Calls that compute: threads, progress, interrupts, and what Python functions
that the library calls back have raised.

An exception cannot pass through the library.  It is kept here, the library is
told to stop, and the exception is raised when the library has returned.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType, TracebackType
from typing import Any, Optional

from . import _ffi
from ._errors import Error, check, error_for, integer, to_text
from ._library import lib
from ._memory import Handle

#: Called between batches with the stage's name ("detect", "masks: probe"), the
#: units done and their number (0: unknown).  What it raises cancels the call
#: and is raised by it.
Progress = Callable[[str, int, int], object]

_local = threading.local()  # .runs: the thread's calls, the innermost last
_computed_in: Optional[int] = None  # process that has computed


def _runs() -> list[Run]:
    if not hasattr(_local, "runs"):
        _local.runs = []
    runs: list[Run] = _local.runs
    return runs


def current() -> Run:
    """The call that has called back on this thread."""
    return _runs()[-1]


def _check_process() -> None:
    """OpenMP's threads do not outlive a fork: to wait for them is to wait for
    ever."""
    global _computed_in
    if _computed_in is None:
        _computed_in = os.getpid()
    elif _computed_in != os.getpid():
        raise Error(
            "this process was forked from one that has used whyface, which "
            "cannot compute after a fork: start worker processes with "
            "multiprocessing's 'spawn' or 'forkserver'"
        )


class Run:
    """A wf_ctx for one call, or for several in a row."""

    def __init__(
        self, threads: int = 0, progress: Progress | None = None
    ) -> None:
        _check_process()
        self._progress = progress
        self._failure: BaseException | None = None
        # Python code of the user's is running; what a signal's handler has
        # raised there.
        self._inside = False
        self._raised: BaseException | None = None
        self._models: list[object] = []
        self._stack = ExitStack()
        context = ctypes.c_void_p()
        check(lib.wf_ctx_create, ctypes.byref(context))
        self._context = Handle(context.value or 0, lib.wf_ctx_free, "context")
        lib.wf_ctx_set_threads(context, integer(threads, "threads", 0, 1024))
        # Set in any case: it is there that interrupts are noticed.
        self._report = _ffi.wf_progress_fn(self._reported)
        lib.wf_ctx_set_progress(context, self._report, None)

    @property
    def context(self) -> int:
        return self._context.pointer

    def __enter__(self) -> Run:
        _runs().append(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _runs().pop()
        self._stack.close()
        self._context.close()
        if error is None and self._failure is not None:
            raise self._failure  # it came when the library had finished

    def use(self, handle: Handle, name: str) -> int:
        """The pointer of a model, for as long as this runs.  A model cannot be
        used by what it calls itself: it would wait for itself."""
        if any(handle in run._models for run in _runs()):
            raise Error(
                f"model '{name}' is in use by the call that this is called from"
            )
        self._models.append(handle)
        return self._stack.enter_context(handle.use())

    def call(self, function: Any, *arguments: Any) -> None:
        """Calls a function whose last parameter is a wf_error."""
        error = _ffi.wf_error()
        with self._keep_signals():
            status = function(*arguments, ctypes.byref(error))
        if status:
            if self._failure is not None:
                raise self._failure
            raise error_for(status, to_text(error.message))

    def call_user(
        self, function: Callable[..., object], *arguments: object
    ) -> int:
        """Runs Python code of the user's inside a call of the library; what the
        library is to be told: 0, or 1 to stop."""
        if self._failure is not None:
            return 1
        try:
            self._inside = True
            function(*arguments)
            self._inside = False
        except BaseException as error:
            self._inside = False
            # A signal's exception is not the function's fault.
            signalled = error.__cause__ is self._raised is not None
            self._failure = self._raised if signalled else error
            return 1
        return 0

    def _reported(
        self, stage: bytes, done: int, total: int, user: int | None
    ) -> int:
        if self._progress is None:
            return 1 if self._failure is not None else 0
        return self.call_user(self._progress, to_text(stage), done, total)

    @contextmanager
    def _keep_signals(self) -> Iterator[None]:
        """Keeps what the handlers of signals raise (KeyboardInterrupt) while
        the library is running: raised on the way into a callback, it would be
        lost.  Handlers run in the main thread only."""
        changed: list[tuple[int, Any]] = []
        if threading.current_thread() is threading.main_thread():
            for number in signal.valid_signals():
                old = signal.getsignal(number)
                if callable(old) and not isinstance(old, signal.Handlers):
                    signal.signal(number, self._keeping(old))
                    changed.append((number, old))
        try:
            yield
        finally:
            for changed_number, old in changed:
                signal.signal(changed_number, old)

    def _keeping(
        self, handler: Callable[[int, FrameType | None], Any]
    ) -> Callable[[int, FrameType | None], None]:
        def keep(number: int, frame: FrameType | None) -> None:
            try:
                handler(number, frame)
            except BaseException as error:
                if self._inside:
                    self._raised = error
                    raise  # call_user keeps it
                self._failure = self._failure or error

        return keep

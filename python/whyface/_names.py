"""The registry: models and detectors by name."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from dataclasses import dataclass

from ._errors import (
    InvalidArgumentError,
    NotFoundError,
    check,
    path_bytes,
    to_bytes,
    to_text,
)
from ._library import lib


@dataclass(frozen=True)
class RegistryEntry:
    """A registered model or detector."""

    name: str
    kind: str  #: "model" or "detector"
    path: str  #: the ONNX file, or the detector's folder
    note: str  #: "512-d, 112x112" or "mtcnn"; the fault, if it is not usable
    usable: bool


def home() -> str:
    """The registry's folder: $WHYFACE_HOME, else $XDG_DATA_HOME/whyface, else
    ~/.local/share/whyface."""
    buffer = ctypes.create_string_buffer(4096)
    check(lib.wf_home, buffer, len(buffer))
    return os.fsdecode(buffer.value)


def registry() -> list[RegistryEntry]:
    """What is registered, by kind and name."""
    handle = ctypes.c_void_p()
    check(lib.wf_registry_open, ctypes.byref(handle))
    entries: list[RegistryEntry] = []
    try:
        while entry := lib.wf_registry_get(handle, len(entries)):
            e = entry.contents
            entries.append(
                RegistryEntry(
                    to_text(e.name),
                    to_text(e.kind),
                    os.fsdecode(e.path),
                    to_text(e.note),
                    bool(e.usable),
                )
            )
    finally:
        lib.wf_registry_free(handle)
    return entries


def add_detector(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    name: str,
    replace: bool = False,
) -> None:
    """Registers the ONNX files of one detector under a name."""
    files, n = path_list(paths)
    check(
        lib.wf_registry_add_detector,
        files,
        n,
        to_bytes(name, "name"),
        int(replace),
    )


def path_list(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
) -> tuple[ctypes.Array[ctypes.c_char_p], int]:
    """One path or several as the library takes them."""
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    return (ctypes.c_char_p * len(paths))(*map(path_bytes, paths)), len(paths)


def default_name(kind: str) -> str:
    """The model or detector that is meant where none is named: that of
    $WHYFACE_MODEL or $WHYFACE_DETECTOR, else the only one registered."""
    chosen = os.environ.get(f"WHYFACE_{kind.upper()}")
    if chosen:
        return chosen
    names = [entry.name for entry in registry() if entry.kind == kind]
    if not names:
        raise NotFoundError(
            f"no {kind} is registered in '{home()}' and none is named"
        )
    if len(names) > 1:
        raise InvalidArgumentError(
            f"several {kind}s are registered ({', '.join(names)}): name one"
        )
    return names[0]

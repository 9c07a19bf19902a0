"""Finds libwhyface, loads it, and makes sure that it is the right one."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sysconfig
from pathlib import Path

from . import _ffi
from ._version import __version__

SONAME = "libwhyface.so.0"
VARIABLE = "WHYFACE_LIBRARY"


def _candidates() -> list[str]:
    """Where the library may be, the first place first."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return [chosen]
    here = Path(__file__).resolve().parent
    places = [here / SONAME]
    if here.parent.name in ("dist-packages", "site-packages"):
        # PREFIX/lib/python3/dist-packages/whyface: the library is in PREFIX/lib
        # or, on Debian, in the machine's folder there.
        lib = here.parent.parent.parent
        machine = sysconfig.get_config_var("MULTIARCH")
        places += [lib / SONAME] + ([lib / machine / SONAME] if machine else [])
    names = [str(place) for place in places] + [SONAME]
    found = ctypes.util.find_library("whyface")
    return names + ([found] if found and found not in names else [])


def _open() -> tuple[ctypes.CDLL, str]:
    tried = []
    for name in _candidates():
        if os.sep in name and not os.path.exists(name):
            tried.append(f"{name} (no such file)")
            continue
        try:
            return ctypes.CDLL(name), name
        except OSError as error:
            tried.append(f"{name} ({error})")
    raise ImportError(
        f"the library {SONAME} was not found; tried: {'; '.join(tried)}; "
        f"install it, or set {VARIABLE} to its file"
    )


def _check_version(library: ctypes.CDLL, name: str) -> None:
    """Before 1.0 a new minor version may change anything."""
    library.wf_version.restype = ctypes.c_char_p
    version = library.wf_version().decode()
    if version.split(".")[:2] != __version__.split(".")[:2]:
        raise ImportError(
            f"'{name}' is libwhyface {version}, but this package is "
            f"{__version__}: install the two from the same release"
        )


def load() -> ctypes.CDLL:
    """The library; ImportError says what was tried, or what does not fit."""
    library, name = _open()
    try:
        _check_version(library, name)
        _ffi.declare(library)
    except AttributeError as error:
        raise ImportError(
            f"'{name}' is not the libwhyface of this package ({error})"
        ) from None
    wrong = _ffi.wrong_sizes(library)
    if wrong:
        raise ImportError(
            f"'{name}' is not the libwhyface of this package (another layout "
            f"of {', '.join(wrong)})"
        )
    return library


lib = load()

"""Facts of the library."""

from __future__ import annotations

import ctypes

from ._errors import to_text
from ._library import lib


def library_version() -> str:
    """Of the library that runs."""
    return to_text(lib.wf_version())


def build_info() -> dict[str, str]:
    """Facts of the library's build and of the machine."""
    size = lib.wf_build_info(None, 0) + 1
    buffer = ctypes.create_string_buffer(size)
    lib.wf_build_info(buffer, size)
    lines = to_text(buffer.value).splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)

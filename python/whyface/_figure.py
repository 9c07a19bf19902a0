"""What figures share."""

from __future__ import annotations

import ctypes

from . import _ffi
from ._errors import InvalidArgumentError, to_bytes, to_text
from ._library import lib


def colormaps() -> list[str]:
    """Names of colour maps, the default first."""
    names: list[str] = []
    while name := lib.wf_colormap_name(len(names)):
        names.append(to_text(name))
    return names


def figure_options(
    colormap: str | None = None, opacity: float | None = None
) -> _ffi.wf_figure_opts:
    opts = _ffi.wf_figure_opts()
    lib.wf_figure_opts_init(ctypes.byref(opts))
    if colormap is not None:
        if colormap not in colormaps():
            raise InvalidArgumentError(
                f"there is no colour map '{colormap}'; there is: "
                f"{', '.join(colormaps())}"
            )
        opts.colormap = to_bytes(colormap)
    if opacity is not None:
        if not 0 <= opacity <= 1:
            raise InvalidArgumentError(f"opacity is 0 to 1, got {opacity}")
        opts.opacity = opacity
    return opts

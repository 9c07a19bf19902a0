"""Saliency maps: arrays of float32, height x width."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _ffi
from ._errors import MapError, check, integer, path_bytes
from ._library import lib
from ._memory import Handle, view

#: float32, height x width; larger is more salient.
Map = NDArray[np.float32]

_MAX_SIDE = 1 << 24


def make_map(values: ArrayLike, what: str = "the map") -> Handle:
    """A wf_map with a copy of the values."""
    try:
        array = np.ascontiguousarray(values, np.float32)
    except (TypeError, ValueError) as error:
        raise MapError(f"{what} is no array of numbers: {error}") from error
    if array.ndim != 2:
        raise MapError(
            f"{what} has the shape {array.shape}; expected height x width"
        )
    out = ctypes.c_void_p()
    height, width = array.shape
    check(
        lib.wf_map_create, array.ctypes.data, width, height, ctypes.byref(out)
    )
    return Handle(out.value or 0, lib.wf_map_free, "map")


def map_view(owner: object, pointer: int) -> Map:
    """The values of a wf_map that belongs to `owner`, read-only."""
    shape = lib.wf_map_height(pointer), lib.wf_map_width(pointer)
    return view(owner, lib.wf_map_values(pointer), shape, "<f4")


def _made(function: Any, *arguments: Any) -> Map:
    """The map that a function of the library makes."""
    out = ctypes.c_void_p()
    check(function, *arguments, ctypes.byref(out))
    handle = Handle(out.value or 0, lib.wf_map_free, "map")
    return map_view(handle, handle.pointer)


def _size(width: int, height: int) -> tuple[int, int]:
    return (
        integer(width, "width", 1, _MAX_SIDE),
        integer(height, "height", 1, _MAX_SIDE),
    )


def load_map(path: str | os.PathLike[str]) -> Map:
    """A two-dimensional .npy file or a grey PNG."""
    return _made(lib.wf_map_load, path_bytes(path))


def random_map(width: int = 112, height: int = 112, *, seed: int = 1) -> Map:
    """A control: independent uniform values."""
    return _made(
        lib.wf_map_random,
        *_size(width, height),
        integer(seed, "seed", 0, 2**64 - 1),
    )


def centred_map(width: int = 112, height: int = 112) -> Map:
    """A control: a Gaussian in the middle of the crop."""
    return _made(lib.wf_map_centred, *_size(width, height))


def standardise(saliency: ArrayLike) -> Map:
    """Mean 0 and standard deviation 1, so that maps of several pairs can be
    averaged; 0 for a constant map."""
    return _made(lib.wf_map_standardise, make_map(saliency))


@dataclass(frozen=True)
class Likeness:
    """How alike two maps are; 1: the same."""

    pearson: float  #: correlation of the values; NaN: a map is constant
    spearman: float  #: of their ranks
    ssim: float  #: structural similarity (Wang et al. 2004)
    top: float  #: of the 10 % most salient pixels, the share that both have


def compare_maps(a: ArrayLike, b: ArrayLike) -> Likeness:
    """How alike two maps of one size are.

    >>> whyface.compare_maps(np.eye(20), np.eye(20)).pearson
    1.0
    """
    first, second = make_map(a, "the first map"), make_map(b, "the second map")
    out = _ffi.wf_likeness()
    check(lib.wf_map_compare, first, second, ctypes.byref(out))
    return Likeness(out.pearson, out.spearman, out.ssim, out.top)


@dataclass(frozen=True)
class RegionShare:
    """How much of something lies in a region, each 0 to 1."""

    area: float  #: of the pixels
    mass: float  #: of the sum of positive values; NaN: none is positive
    top: float  #: of the 10 % most salient pixels


def region_share(saliency: ArrayLike, region: ArrayLike) -> RegionShare:
    """How much of a map lies in a region: an array of the map's size that says
    how much of each pixel belongs to it, 0 to 1 (or booleans)."""
    first, second = make_map(saliency), make_map(region, "the region")
    out = _ffi.wf_region_share()
    check(lib.wf_map_in_region, first, second, ctypes.byref(out))
    return RegionShare(out.area, out.mass, out.top)

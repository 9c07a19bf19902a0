"""Pictures."""

from __future__ import annotations

import ctypes
import os
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

from ._errors import InvalidArgumentError, check, path_bytes, to_bytes
from ._library import lib
from ._memory import Handle, view


class Image:
    """8-bit RGB, upright, immutable; made by `load_image`.

    ``np.asarray(image)`` and `pixels` are H x W x 3 uint8.  In a notebook it
    shows itself.
    """

    def __init__(self, pointer: int, name: str = "") -> None:
        self._handle = Handle(pointer, lib.wf_image_free, "image")
        self.name = name  #: of the file, or ""

    @property
    def width(self) -> int:
        return int(lib.wf_image_width(self._handle))

    @property
    def height(self) -> int:
        return int(lib.wf_image_height(self._handle))

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """H x W x 3, read-only, no copy."""
        address = lib.wf_image_pixels(self._handle)
        return view(self, address, (self.height, self.width, 3), "|u1")

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        pixels = self.pixels if dtype is None else self.pixels.astype(dtype)
        return pixels.copy() if copy else pixels

    def save(self, path: str | os.PathLike[str]) -> None:
        """By the name's ending: .png, .jpg or .jpeg (quality 95)."""
        check(lib.wf_image_save, self._handle, path_bytes(path))

    def encode(self, ending: str = ".png") -> bytes:
        """The bytes of a .png, .jpg or .jpeg file."""
        size = ctypes.c_size_t()
        arguments = self._handle, to_bytes(ending, "ending")
        check(lib.wf_image_encode, *arguments, None, 0, ctypes.byref(size))
        data = ctypes.create_string_buffer(size.value)
        check(lib.wf_image_encode, *arguments, data, size, ctypes.byref(size))
        return data.raw[: size.value]

    def _repr_png_(self) -> bytes:
        return self.encode(".png")

    def __repr__(self) -> str:
        name = f" '{self.name}'" if self.name else ""
        return f"<whyface.Image{name}, {self.width} x {self.height}>"


#: What a picture can be given as: a file's name, the bytes of a file, an array
#: (H x W or H x W x 3, uint8), anything that NumPy takes for one, or an Image.
ImageSource = Union[str, "os.PathLike[str]", bytes, NDArray[Any], Image]


def load_image(source: ImageSource, name: str = "") -> Image:
    """A picture from a JPEG, PNG or WebP file, by name or as bytes, or from an
    array of uint8, H x W (grey) or H x W x 3 (RGB).

    EXIF orientation is applied, alpha is composed over white.  `name` stands
    for bytes and arrays in messages.

    >>> whyface.load_image(np.zeros((112, 112, 3), np.uint8))
    <whyface.Image, 112 x 112>
    """
    if isinstance(source, Image):
        return source
    out = ctypes.c_void_p()
    if isinstance(source, (str, os.PathLike)):
        check(lib.wf_image_load, path_bytes(source), ctypes.byref(out))
        return Image(out.value or 0, name or os.fspath(source))
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
        check(
            lib.wf_image_decode,
            data,
            len(data),
            to_bytes(name, "name") if name else None,
            ctypes.byref(out),
        )
        return Image(out.value or 0, name)
    return _from_array(source, name)


def _from_array(source: Any, name: str) -> Image:
    array = np.asarray(source)
    what = f"'{name}'" if name else "an image"
    if array.dtype != np.uint8:
        raise InvalidArgumentError(
            f"{what} is an array of {array.dtype}; pixels are uint8, 0 to 255"
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] == 3):
        raise InvalidArgumentError(
            f"{what} has the shape {array.shape}; expected H x W or H x W x 3"
        )
    array = np.ascontiguousarray(array)
    height, width = array.shape[:2]
    out = ctypes.c_void_p()
    check(
        lib.wf_image_from_pixels,
        array.ctypes.data,
        width,
        height,
        3 if array.ndim == 3 else 1,
        0,
        ctypes.byref(out),
    )
    return Image(out.value or 0, name)

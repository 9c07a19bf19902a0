"""Methods of explanation and their options."""

from __future__ import annotations

import ctypes
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional, Union

from ._errors import InvalidArgumentError, check, integer, to_bytes, to_text
from ._library import lib
from ._memory import Handle

#: The value of a method's option.
OptionValue = Union[int, float, str]

_DOMAINS = ("spatial", "frequency")


@dataclass(frozen=True)
class MethodOption:
    """An option of a method."""

    name: str
    type: str  #: "integer", "number", "choice" or "name"
    default: str
    choices: tuple[str, ...]  #: of a choice
    minimum: float  #: of a number
    maximum: float
    help: str


@dataclass(frozen=True)
class MethodPreset:
    """Values for several options under one name."""

    name: str
    values: str  #: "fill=black,estimator=sum"
    help: str


@dataclass(frozen=True)
class Method:
    """A method of explanation."""

    name: str
    kind: str  #: "random masks", "white box: gradients", ...
    help: str
    source: str  #: publication
    options: tuple[MethodOption, ...]
    presets: tuple[MethodPreset, ...]
    domain: str  #: of its maps: "spatial" or "frequency"
    white_box: bool  #: it differentiates the model: native backend only

    @property
    def defaults(self) -> dict[str, str]:
        """Every option's default, as text."""
        return {option.name: option.default for option in self.options}

    def __str__(self) -> str:
        lines = [f"{self.name} ({self.kind}): {self.help}", f"  {self.source}"]
        for o in self.options:
            values = "|".join(o.choices) or o.type
            if o.type in ("integer", "number"):
                values += f", {o.minimum:.15g} to {o.maximum:.15g}"
            lines.append(f"  {o.name:<12} {o.help}; {values} [{o.default}]")
        lines += [
            f"  preset {p.name}: {p.help} ({p.values})" for p in self.presets
        ]
        return "\n".join(lines)


def _rows(pointer: Any) -> list[Any]:
    """Of a table that ends with a row without a name."""
    rows: list[Any] = []
    while pointer and pointer[len(rows)].name is not None:
        rows.append(pointer[len(rows)])
    return rows


def _method(m: Any) -> Method:
    options = [
        MethodOption(
            to_text(o.name),
            to_text(o.type),
            to_text(o.fallback),
            tuple(to_text(o.choices).split("|")) if o.choices else (),
            o.minimum,
            o.maximum,
            to_text(o.help),
        )
        for o in _rows(m.options)
    ]
    presets = [
        MethodPreset(to_text(p.name), to_text(p.values), to_text(p.help))
        for p in _rows(m.presets)
    ]
    return Method(
        to_text(m.name),
        to_text(m.kind),
        to_text(m.help),
        to_text(m.source),
        tuple(options),
        tuple(presets),
        _DOMAINS[m.domain],
        bool(m.white_box),
    )


def methods() -> dict[str, Method]:
    """All methods by name, the default first.

    >>> print(whyface.methods()["occlusion"].help)
    a sliding window weighted by the similarity that it costs
    """
    found: dict[str, Method] = {}
    while m := lib.wf_method_get(len(found)):
        method = _method(m.contents)
        found[method.name] = method
    return found


def _text(name: str, value: object) -> str:
    """The value of an option as the library reads it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise InvalidArgumentError(
            f"option '{name}' takes a number or a text, got {value!r}"
        )
    if isinstance(value, numbers.Integral):
        return str(int(value))
    number = float(value)
    return str(int(number)) if number.is_integer() else repr(number)


class Options:
    """A method with values for its options (wf_options)."""

    def __init__(
        self,
        method: Optional[str],
        preset: Optional[str],
        values: Mapping[str, OptionValue],
    ) -> None:
        out = ctypes.c_void_p()
        name = None if method is None else to_bytes(method, "method")
        check(lib.wf_options_create, name, ctypes.byref(out))
        self._handle = Handle(out.value or 0, lib.wf_options_free, "options")
        self.method = _method(lib.wf_options_method(out).contents)
        if preset is not None:
            check(lib.wf_options_preset, out, to_bytes(preset, "preset"))
        for name_, value in values.items():
            self.set(name_, value)

    def set(self, name: str, value: OptionValue) -> None:
        """Python's names have underscores where the library's have hyphens."""
        known = self.method.defaults
        name = name if name in known else name.replace("_", "-")
        check(
            lib.wf_options_set,
            self._handle,
            to_bytes(name, "option"),
            to_bytes(_text(name, value), f"value of option '{name}'"),
        )

    def values(self) -> dict[str, str]:
        """Every option's value, as text."""
        get = lib.wf_options_get
        return {
            name: to_text(get(self._handle, name.encode()))
            for name in self.method.defaults
        }


def forwards(
    method: str = "level-sets",
    preset: str | None = None,
    *,
    width: int = 112,
    height: int = 112,
    **options: OptionValue,
) -> int:
    """Calls of the model that a method takes for one image, at most.

    >>> whyface.forwards("s-rise", masks=1000)
    1000
    """
    o = Options(method, preset, options)
    size = integer(width, "width", 1, 4096), integer(height, "height", 1, 4096)
    return int(lib.wf_options_forwards(o._handle, *size))

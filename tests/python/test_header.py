"""_ffi.py against include/whyface.h: layouts, numbers, prototypes."""

import ctypes
import os
import re
import subprocess
import tempfile

from testing import SOURCE, TestCase, main
from whyface import _explain, _ffi, _library, _model, _version

HEADER = SOURCE / "include" / "whyface.h"
CC = os.environ.get("WF_CC", "cc")

NUMBERS = {
    "int": ctypes.c_int,
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "uint8_t": ctypes.c_uint8,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "size_t": ctypes.c_size_t,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
    "char": ctypes.c_char,
}
STRUCTURES = {s.__name__: s for s in _ffi.STRUCTURES}
CALLBACKS = {
    "wf_progress_fn": _ffi.wf_progress_fn,
    "wf_embed_fn": _ffi.wf_embed_fn,
}


def preprocessed():
    text = subprocess.run(
        [CC, "-E", "-P", HEADER], check=True, capture_output=True, text=True
    ).stdout
    text = re.sub(r"__attribute__\s*\(\(\w+(\(.*?\))?\)\)", "", text)
    return " ".join(text[text.index("typedef enum wf_status") :].split())


TEXT = preprocessed()
ENUMS = {
    name: [m.split("=")[0].strip() for m in body.split(",") if m.strip()]
    for name, body in re.findall(r"typedef enum (\w+) \{(.*?)\}", TEXT)
}
BODIES = dict(re.findall(r"typedef struct (\w+) \{(.*?)\} \w+;", TEXT))


def base(kind):
    """The ctypes class for a value of a C type."""
    if kind in ENUMS:
        return ctypes.c_int
    return NUMBERS.get(kind) or STRUCTURES[kind]


def argument_type(declaration):
    """The ctypes class that _ffi.py has to have for a parameter or a result."""
    words = re.sub(r"\bconst\b", "", declaration)
    kind, stars, array = re.match(
        r"\s*(\w+)\s*([\s*]*)\w*\s*(\[\d*\])?$", words
    ).groups()
    depth = stars.count("*") + bool(array)
    if kind in CALLBACKS:
        return CALLBACKS[kind]
    if kind == "char" and depth:
        return (
            ctypes.c_char_p if depth == 1 else ctypes.POINTER(ctypes.c_char_p)
        )
    if depth == 2:
        return ctypes.POINTER(ctypes.c_void_p)
    if depth == 1 and kind in STRUCTURES:
        return ctypes.POINTER(STRUCTURES[kind])
    if depth == 1:
        return ctypes.c_void_p  # an object, or numbers
    return None if kind == "void" else base(kind)


def prototypes():
    """Name: result and parameters of every function of the header."""
    found = {}
    for statement in re.sub(r"\{[^{}]*\}", "", TEXT).split(";"):
        match = re.match(
            r"\s*(?!typedef)(.*?)(wf_\w+)\s*\((.*)\)\s*$", statement
        )
        if match:
            result, name, parameters = match.groups()
            parameters = [] if parameters == "void" else parameters.split(",")
            found[name] = result, parameters
    return found


class Header(TestCase):
    def run_c(self, statements):
        """What a C program with the header prints: a list of integers."""
        with tempfile.TemporaryDirectory() as folder:
            source, program = f"{folder}/a.c", f"{folder}/a"
            with open(source, "w") as file:
                file.write(
                    "#include <stddef.h>\n#include <stdio.h>\n"
                    "#include <whyface.h>\nint main(void)\n{\n"
                    + "".join(
                        f'printf("%lld\\n", (long long)({s}));\n'
                        for s in statements
                    )
                    + "return 0;\n}\n"
                )
            subprocess.run(
                [CC, "-std=c11", f"-I{HEADER.parent}", source, "-o", program],
                check=True,
            )
            output = subprocess.run(
                [program], check=True, capture_output=True, text=True
            ).stdout
        return [int(line) for line in output.split()]

    def test_enums(self):
        statements, expected = [], []
        for enum in _ffi.ENUMS:
            self.assertEqual([m.name for m in enum], ENUMS[enum.__name__])
            statements += [m.name for m in enum]
            expected += [m.value for m in enum]
        self.assertEqual(self.run_c(statements), expected)

    def test_constants(self):
        known = {
            "WF_LANDMARKS": _ffi.LANDMARKS,
            "WF_MAX_THRESHOLDS": _ffi.MAX_THRESHOLDS,
            "WF_MAX_BATCH": _model._MAX_BATCH,
            "WF_SUPPORT_AGAINST * 1000": int(_explain._SUPPORT_AGAINST * 1000),
        }
        self.assertEqual(self.run_c(known), list(known.values()))
        version = self.run_c(
            f"WF_VERSION_{part}" for part in ("MAJOR", "MINOR", "PATCH")
        )
        self.assertEqual(".".join(map(str, version)), _version.__version__)

    def test_layouts(self):
        statements, expected, what = [], [], []
        for name, structure in STRUCTURES.items():
            statements.append(f"sizeof({name})")
            expected.append(ctypes.sizeof(structure))
            what.append(name)
            for field, _ in structure._fields_:
                own = getattr(structure, field)
                statements += [
                    f"offsetof({name}, {field})",
                    f"sizeof((({name} *)0)->{field})",
                ]
                expected += [own.offset, own.size]
                what += [f"{name}.{field}, offset", f"{name}.{field}, size"]
        got = self.run_c(statements)
        self.assertEqual(list(zip(what, got)), list(zip(what, expected)))

    def test_fields(self):
        for name, structure in STRUCTURES.items():
            declared = []
            for line in filter(str.strip, BODIES[name].split(";")):
                kind, rest = re.match(
                    r"\s*(?:const )?(\w+)\s*(.*)$", line
                ).groups()
                for declarator in rest.split(","):
                    pointer = "*" in declarator
                    field = re.search(r"\w+", declarator).group()
                    declared.append((field, kind, pointer))
            self.assertEqual(
                [field for field, _, _ in declared],
                [field for field, _ in structure._fields_],
                name,
            )
            for (field, kind, pointer), (_, own) in zip(
                declared, structure._fields_
            ):
                while hasattr(own, "_length_"):
                    own = own._type_
                wanted = argument_type(f"{kind} *") if pointer else base(kind)
                self.assertIs(own, wanted, f"{name}.{field}")

    def test_prototypes(self):
        declared = prototypes()
        for name, (result, arguments) in _ffi.FUNCTIONS.items():
            self.assertIn(name, declared)
            wanted, parameters = declared[name]
            self.assertIs(result, argument_type(wanted), name)
            self.assertEqual(
                arguments, [argument_type(p) for p in parameters], name
            )
        self.assertGreater(len(declared), 100)

    def test_callbacks(self):
        for name, own in CALLBACKS.items():
            result, parameters = re.search(
                rf"typedef (\w+) {name}\((.*?)\)", TEXT
            ).groups()
            self.assertIs(own._restype_, argument_type(result))
            self.assertEqual(
                list(own._argtypes_),
                [argument_type(p) for p in parameters.split(",")],
            )

    def test_options_carry_their_size(self):
        sized = {
            n
            for n, s in STRUCTURES.items()
            if s._fields_[0][0] == "struct_size"
        }
        self.assertEqual(sized, {s.__name__ for s in _ffi.OPTIONS.values()})
        self.assertEqual(_ffi.wrong_sizes(_library.lib), [])

    def test_drift_is_noticed(self):
        """The comparison itself can fail."""
        self.assertIs(argument_type("const float *x"), ctypes.c_void_p)
        self.assertIs(argument_type("uint64_t seed"), ctypes.c_uint64)
        self.assertIsNot(argument_type("int seed"), ctypes.c_uint64)
        self.assertEqual(
            argument_type("const wf_image *const *crops"),
            ctypes.POINTER(ctypes.c_void_p),
        )
        with self.assertRaises(subprocess.CalledProcessError):
            self.run_c(["offsetof(wf_face, no_such_field)"])


main()

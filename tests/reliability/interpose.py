"""Puts Python functions in the place of what SQLite calls of the C library.

The loader has written the addresses of these calls into tables of SQLite's object, so they can
be exchanged there, in the process that runs, by what Python has. A library to be loaded
first (``LD_PRELOAD``) would do the same and need a compiler, which nothing else here does.
Only for ELF objects of 64 bits, which is to say Linux; elsewhere, and where SQLite does not
call what it is expected to call, it fails and says so.
"""

import ctypes
import mmap
import struct
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

_LIBC = ctypes.CDLL(None, use_errno=True)
_PT_DYNAMIC = 2
_STRTAB, _SYMTAB, _RELA, _RELASZ, _PLTRELSZ, _JMPREL = 5, 6, 7, 8, 2, 23
_PHDR, _DYN, _RELOCATION = struct.Struct("<IIQQQQQQ"), struct.Struct("<qQ"), struct.Struct("<QQq")
_SYMBOL_BYTES = 24
_kept: list[object] = []
"""What C calls must not be collected."""


class _Info(ctypes.Structure):
    _fields_ = [  # type: ignore[mutable-override]  # of ctypes
        ("bias", ctypes.c_uint64),
        ("name", ctypes.c_char_p),
        ("headers", ctypes.c_uint64),
        ("number", ctypes.c_uint16),
    ]


class _Object(NamedTuple):
    """One ELF object of this process."""

    name: str
    bias: int
    dynamic: dict[int, int]

    def at(self, tag: int) -> int:
        """Return the address that a tag says, which not every loader has made absolute."""
        address = self.dynamic[tag]
        return address if address >= self.bias else address + self.bias

    def slots(self) -> Iterator[tuple[str, int]]:
        """Yield what is imported and the address where the loader wrote its own."""
        symbols, names = self.at(_SYMTAB), self.at(_STRTAB)
        for table, size in ((_RELA, _RELASZ), (_JMPREL, _PLTRELSZ)):
            if table in self.dynamic:
                rows = ctypes.string_at(self.at(table), self.dynamic[size])
                for offset, info, addend in _RELOCATION.iter_unpack(rows):
                    if info >> 32 and not addend:
                        symbol = symbols + (info >> 32) * _SYMBOL_BYTES
                        name = ctypes.c_uint32.from_address(symbol).value
                        yield ctypes.string_at(names + name).decode(), self.bias + offset


def replace(names: tuple[str, ...], prototype: Any, function: Callable[..., int]) -> None:
    """Have SQLite call a Python function, which reports an error by `ctypes.set_errno`.

    Args:
        names: what the call is named, by one C library or the other.
        prototype: of `ctypes.CFUNCTYPE`, with ``use_errno``.
        function: is called with its arguments, from whatever thread.

    Raises:
        RuntimeError: SQLite does not call that here.
    """
    callback = prototype(function)
    _kept.append(callback)
    address = ctypes.cast(callback, ctypes.c_void_p).value
    found = [slot for elf in _sqlite_objects() for name, slot in elf.slots() if name in names]
    for slot in found:
        page = slot & -mmap.PAGESIZE
        if _LIBC.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(mmap.PAGESIZE), 3):
            raise RuntimeError(f"{names[0]} of SQLite cannot be exchanged")
        ctypes.c_void_p.from_address(slot).value = address
    if not found:
        raise RuntimeError(f"SQLite calls no {' or '.join(names)} that could be exchanged")


def _sqlite_objects() -> list[_Object]:
    """Return the object that SQLite is in: its library, or what it was linked into."""
    import _sqlite3  # noqa: PLC0415  # so that it is loaded

    objects = list(_objects())
    own = [elf for elf in objects if "libsqlite3" in elf.name]
    holder = getattr(_sqlite3, "__file__", None)
    return own or [elf for elf in objects if elf.name in {"", holder} or "libpython" in elf.name]


def _objects() -> list[_Object]:
    if sys.maxsize < 1 << 32 or sys.byteorder != "little" or not hasattr(_LIBC, "dl_iterate_phdr"):
        raise RuntimeError("this needs Linux on a processor of 64 bits, little end first")
    objects: list[_Object] = []

    def look(info: Any, _size: int, _data: object) -> int:
        about = info.contents
        headers = ctypes.string_at(about.headers, about.number * _PHDR.size)
        for kind, _, _, address, _, _, size, _ in _PHDR.iter_unpack(headers):
            if kind == _PT_DYNAMIC:
                rows = _DYN.iter_unpack(ctypes.string_at(about.bias + address, size))
                objects.append(_Object(about.name.decode(), about.bias, dict(rows)))
        return 0

    prototype = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(_Info), ctypes.c_size_t, ctypes.c_void_p
    )
    _LIBC.dl_iterate_phdr(prototype(look), None)
    return objects

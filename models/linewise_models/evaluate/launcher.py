"""Runs one program that nobody has read: the first code of a process that `execution` starts.

In: `launcher.py PROGRAM LIMITS`, limits as JSON. Out: the program's own output, and an exit code:
99 it ran to its end, 98 it cannot be isolated here and was not run, 0 it exited by itself, else it
failed. Stands alone: the interpreter runs it with -I -S, so nothing but the standard library is
there.

Time, memory and output are bounded by resource limits. On Linux a seccomp filter takes away, from
the whole process and for good: sockets, new processes, opening files for writing, changing names
and modes of files, and signals to others. What stays possible: to compute, and to read files that
the user may read, but there is nobody to tell. It is no defence against holes of the kernel itself.
"""

from __future__ import annotations

import builtins
import ctypes
import json
import os
import struct
import sys

RAN_TO_ITS_END, NOT_ISOLATED = 99, 98


def main() -> None:
    """Limit this process and run the program in it."""
    path, limits = sys.argv[1], json.loads(sys.argv[2])
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        source = file.read()
    sys.argv = [path]
    limited = limit(limits)
    isolated = isolate()
    if limits["strict"] and not (limited and isolated):
        sys.exit(NOT_ISOLATED)
    # What the site module, which -S leaves out, gives to every program.
    vars(builtins).update(exit=sys.exit, quit=sys.exit)
    program = compile(source, path, "exec", dont_inherit=True)
    exec(program, {"__name__": "__main__", "__file__": path})  # noqa: S102
    sys.exit(RAN_TO_ITS_END)


def limit(limits: dict[str, int]) -> bool:
    """Bound processor seconds, bytes of memory and bytes written; False where it cannot be done."""
    try:
        import resource
    except ImportError:
        return False
    seconds = limits["cpu_seconds"]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits["output_bytes"],) * 2)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (limits["memory_bytes"],) * 2)
    except (ValueError, OSError):
        return False  # macOS has the name and refuses the limit
    return True


# Numbers of system calls: asm/unistd_64.h for x86_64, asm-generic/unistd.h for aarch64.
# fork vfork execve kill truncate rename mkdir rmdir creat link unlink symlink chmod chown lchown
# utime mknod utimes futimesat are old calls, which aarch64 does not have.
_DENIED = {
    "x86_64": (
        *(41, 57, 58, 59, 62, 76, 82, 83, 84, 85, 86, 87, 88, 90, 92, 94, 101, 132, 133, 161, 165),
        *(166, 188, 189, 197, 198, 200, 234, 235, 258, 259, 260, 261, 263, 264, 265, 266, 268),
        *(272, 280, 298, 308, 311, 316, 321, 322, 323, 424, 425, 437, 438, 452),
    ),
    "aarch64": (
        *(5, 6, 14, 15, 33, 34, 35, 36, 37, 38, 39, 40, 45, 51, 53, 54, 88, 97, 117, 129, 130),
        *(131, 198, 221, 241, 268, 271, 276, 280, 281, 282, 424, 425, 437, 438, 452),
    ),
}
"""socket; what starts processes, signals others, changes files by name; and ways around these."""

_OPENS = {"x86_64": ((2, 1), (257, 2)), "aarch64": ((56, 2),)}
"""open and openat, with the index of their flags."""
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3 = 435
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_WRITING = 0o1 | 0o2 | 0o100 | 0o1000  # O_WRONLY, O_RDWR, O_CREAT, O_TRUNC
_THREAD = 0x10000  # CLONE_THREAD

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE, _UNKNOWN = 0x7FFF0000, 0x50000 | 1, 0x50000 | 38  # EPERM, ENOSYS
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_X32 = 0x40000000


def isolate() -> bool:
    """Install the seccomp filter (Linux seccomp(2)); False where there is none."""
    machine = os.uname().machine if sys.platform == "linux" else ""
    if machine not in _AUDIT:
        return False
    program = b"".join(struct.pack("=HBBI", *step) for step in _filter(machine))
    steps = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(steps))
    libc = ctypes.CDLL(None, use_errno=True)
    set_no_new_privileges, set_seccomp, filter_mode = 38, 22, 2
    libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    if libc.prctl(set_no_new_privileges, 1, 0, 0, 0):
        return False
    pointer = ctypes.create_string_buffer(header, len(header))
    return bool(libc.prctl(set_seccomp, filter_mode, ctypes.addressof(pointer), 0, 0) == 0)


def _filter(machine: str) -> list[tuple[int, int, int, int]]:
    """Return the steps as (code, steps to skip if so, steps to skip if not, value)."""
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, _AUDIT[machine]),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _REFUSE),
    ]
    for number in _DENIED[machine]:
        steps += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    # The C library falls back to clone, whose flags a filter can read.
    steps += [(_JUMP_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _UNKNOWN)]
    checked = [(number, index, _WRITING, _REFUSE, _ALLOW) for number, index in _OPENS[machine]]
    checked.append((_CLONE[machine], 0, _THREAD, _ALLOW, _REFUSE))
    for number, index, bits, if_set, if_not in checked:
        steps += [
            (_JUMP_EQUAL, 0, 4, number),
            (_LOAD, 0, 0, _ARGUMENTS + 8 * index),
            (_JUMP_BITS, 0, 1, bits),
            (_RETURN, 0, 0, if_set),
            (_RETURN, 0, 0, if_not),
        ]
    return [*steps, (_RETURN, 0, 0, _ALLOW)]


if __name__ == "__main__":
    main()

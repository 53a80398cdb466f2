"""What happens to files: bits, bytes, blocks, lengths, and in text the fields and lines of a table."""

from __future__ import annotations

import random
from collections.abc import Callable

_EXTREME = (0, 1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1)
_FIELDS = (
    *("", " ", "nan", "NaN", "inf", "-inf", "None", "null", "true", "[]", "{}", '"', "'", "-1", "0", "1.5", "1e308"),
    *(
        "1e309",
        "9" * 30,
        "9" * 5000,
        "-0.0",
        "1,5",
        "2026-11-27",
        "\x00",
        "\ufeff",
        "µ",
        "\u2028",
        "=1+1",
        "../x",
        "a" * 10_000,
    ),
)


def _place(content: bytearray, rng: random.Random) -> int:
    """Choose anywhere, or near the begin or the end, where headers and lists are."""
    span = rng.choice((len(content), 64, 512, 4096))
    offset = rng.randrange(max(1, min(span, len(content))))
    return offset if rng.random() < 0.7 else max(0, len(content) - 1 - offset)


def _block(content: bytearray, rng: random.Random) -> slice:
    first = _place(content, rng)
    return slice(first, first + rng.choice((1, 2, 4, 8, 16, 64, 512)))


def _flip_a_bit(content: bytearray, rng: random.Random) -> None:
    content[_place(content, rng)] ^= 1 << rng.randrange(8)


def _overwrite(content: bytearray, rng: random.Random) -> None:
    where = _block(content, rng)
    n_bytes = len(content[where])
    content[where] = rng.choice((bytes(n_bytes), b"\xff" * n_bytes, rng.randbytes(n_bytes)))


def _cut(content: bytearray, rng: random.Random) -> None:
    del content[_place(content, rng) :]


def _remove(content: bytearray, rng: random.Random) -> None:
    del content[_block(content, rng)]


def _insert(content: bytearray, rng: random.Random) -> None:
    first = _place(content, rng)
    content[first:first] = rng.choice((rng.randbytes(rng.randrange(1, 64)), content[_block(content, rng)]))


def _set_a_number(content: bytearray, rng: random.Random) -> None:
    size = rng.choice((1, 2, 4, 8))
    number = rng.choice(_EXTREME) % (1 << 8 * size)
    first = _place(content, rng)
    content[first : first + size] = number.to_bytes(size, rng.choice(("little", "big")))


def _edit_a_field(content: bytearray, rng: random.Random) -> None:
    lines = bytes(content).split(b"\n")
    number = rng.randrange(len(lines))
    separator = next((one for one in (b",", b"\t", b":") if one in lines[number]), b" ")
    fields = lines[number].split(separator)
    fields[rng.randrange(len(fields))] = rng.choice(_FIELDS).encode()
    lines[number] = separator.join(fields)
    content[:] = b"\n".join(lines)


def _edit_lines(content: bytearray, rng: random.Random) -> None:
    lines = bytes(content).split(b"\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    choice = rng.randrange(3)
    if choice == 0:
        lines[one], lines[other] = lines[other], lines[one]
    elif choice == 1:
        lines.insert(one, lines[other])
    else:
        del lines[one]
    content[:] = b"\n".join(lines)


def _edit_a_character(content: bytearray, rng: random.Random) -> None:
    first = _place(content, rng)
    content[first : first + rng.randrange(2)] = rng.choice(b"0123456789.,-+eE \t\"'\n\r;:[]{}").to_bytes(1, "big")


_BINARY: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip_a_bit, _flip_a_bit, _overwrite, _cut, _remove, _insert, _set_a_number, _set_a_number,
)  # fmt: skip
_TEXT = (_edit_a_field, _edit_a_field, _edit_a_field, _edit_lines, _edit_a_character, _edit_a_character)


def mutate(content: bytes, rng: random.Random, *, is_text: bool) -> bytes:
    """Change a file in one to four places.

    Parameters
    ----------
    content : bytes
        Of the file, not empty.
    rng : Random
        Decides.
    is_text : bool
        Whether fields and lines are edited too.

    Returns
    -------
    mutant : bytes
    """
    mutant = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if mutant:
            rng.choice(_TEXT if is_text and rng.random() < 0.7 else _BINARY)(mutant, rng)
    return bytes(mutant)

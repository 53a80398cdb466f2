"""Datasets of an HDF5 file that somebody else made: whole, in the file itself, and no larger than they say."""

from __future__ import annotations

import math
import zlib

import h5py

from eegemo.errors import DataFormatError

_DEFLATE, _SHUFFLE = h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE
_PACKINGS: tuple[list[int], ...] = ([], [_DEFLATE], [_SHUFFLE, _DEFLATE])
_LARGEST_CHUNK = 1 << 25  # bytes; h5py and MATLAB make them of a megabyte at most


def check_dataset(dataset: h5py.Dataset, *, references: bool = False) -> None:
    """Refuse a dataset whose samples lie elsewhere, are not all there, or unpack to more than it announces.

    Parameters
    ----------
    dataset : h5py.Dataset
        Of numbers, or empty. Its shape is not judged.
    references : bool
        Whether it may hold references to other datasets instead.

    Raises
    ------
    DataFormatError
        If it is one of these.
    """
    name = dataset.name
    if dataset.external or dataset.is_virtual:
        raise DataFormatError(f"{name!r} takes its samples from another file")
    if dataset.shape is None:
        return
    refers = references and h5py.check_ref_dtype(dataset.dtype) is h5py.Reference
    if dataset.dtype.kind not in "fiub" and not refers:
        raise DataFormatError(f"{name!r} holds {dataset.dtype}, expected numbers")
    n_bytes = math.prod(dataset.shape) * dataset.dtype.itemsize
    if dataset.chunks is not None:
        _check_chunks(dataset)
    elif dataset.id.get_storage_size() != n_bytes:
        raise DataFormatError(f"{name!r} announces {n_bytes} bytes and has {dataset.id.get_storage_size()}")


def count_numbers(file: h5py.File) -> int:
    """Count the numbers that all datasets of a file hold.

    Parameters
    ----------
    file : h5py.File
        Open for reading.

    Returns
    -------
    n_numbers : int

    Raises
    ------
    DataFormatError
        If a dataset is refused by :func:`check_dataset`.
    """
    sizes = []

    def visit(_: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            check_dataset(item)
            sizes.append(item.size or 0)

    file.visititems(visit)
    return sum(sizes)


def _check_chunks(dataset: h5py.Dataset) -> None:
    """Unpack each chunk within its bounds, as HDF5 itself does not."""
    name, chunks = dataset.name, dataset.chunks
    created = dataset.id.get_create_plist()
    packing = [created.get_filter(number)[0] for number in range(created.get_nfilters())]
    if packing not in _PACKINGS:
        raise DataFormatError(f"{name!r} is packed in a way that neither MATLAB nor eegemo uses")
    n_bytes = math.prod(chunks) * dataset.dtype.itemsize
    expected = math.prod(-(-n // chunk) for n, chunk in zip(dataset.shape, chunks, strict=True))
    found = dataset.id.get_num_chunks()
    if n_bytes > _LARGEST_CHUNK or found != expected:
        raise DataFormatError(f"{name!r} has {found} chunks of {n_bytes} bytes, and its shape needs {expected}")

    def check(stored: h5py.h5d.StoreInfo) -> None:
        if stored.size > 2 * n_bytes + 1024:
            raise DataFormatError(f"a chunk of {name!r} takes {stored.size} bytes for {n_bytes}")
        left_out, content = dataset.id.read_direct_chunk(stored.chunk_offset)
        whole = len(content) == n_bytes
        if packing and not left_out >> packing.index(_DEFLATE) & 1:
            unpacking = zlib.decompressobj()
            whole = len(unpacking.decompress(content, n_bytes + 1)) == n_bytes and unpacking.eof
        if not whole:
            raise DataFormatError(f"a chunk of {name!r} does not unpack to its {n_bytes} bytes")

    dataset.id.chunk_iter(check)

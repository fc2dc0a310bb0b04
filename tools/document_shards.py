"""Reads document shards (docs/formats/document-shards.md) with nothing but libzstd, which the program needs too."""
import ctypes
import ctypes.util
import json
import pathlib


class _Buffer(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t)]


def _library():
    name = ctypes.util.find_library("zstd") or "libzstd.so.1"
    library = ctypes.CDLL(name)
    library.ZSTD_createDStream.restype = ctypes.c_void_p
    library.ZSTD_freeDStream.argtypes = [ctypes.c_void_p]
    library.ZSTD_decompressStream.restype = ctypes.c_size_t
    library.ZSTD_decompressStream.argtypes = [ctypes.c_void_p, ctypes.POINTER(_Buffer), ctypes.POINTER(_Buffer)]
    library.ZSTD_isError.argtypes = [ctypes.c_size_t]
    return library


def unpacked(data: bytes) -> bytes:
    """All frames of `data`."""
    library = _library()
    stream = library.ZSTD_createDStream()
    source = ctypes.create_string_buffer(data, len(data))
    room = ctypes.create_string_buffer(1 << 20)
    taken = _Buffer(ctypes.cast(source, ctypes.c_void_p), len(data), 0)
    pieces = []
    try:
        while True:
            given = _Buffer(ctypes.cast(room, ctypes.c_void_p), len(room), 0)
            left = library.ZSTD_decompressStream(stream, ctypes.byref(given), ctypes.byref(taken))
            if library.ZSTD_isError(left):
                raise ValueError("not Zstandard")
            pieces.append(room.raw[:given.pos])
            if taken.pos == taken.size and given.pos < given.size:
                return b"".join(pieces)
    finally:
        library.ZSTD_freeDStream(stream)


def read_documents(folder: pathlib.Path) -> list[dict]:
    """The documents of a step's folder, in their order."""
    documents = []
    for path in sorted(folder.glob("*.jsonl.zst")):
        documents += [json.loads(line) for line in unpacked(path.read_bytes()).splitlines()]
    return documents

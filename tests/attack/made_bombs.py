#!/usr/bin/env python3
"""Small files that ask for far more work or memory than their size says.   made_bombs.py FOLDER
[KIND...]"""
import struct, sys, zlib


def segment(marker, data):
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def many_scans(width, height, scans):
    """A progressive JPEG whose scans hold nothing: each is a few bytes, and costs a walk over all
    its blocks."""
    blocks = ((width + 7) // 8) * ((height + 7) // 8)
    tables = segment(0xDB, b"\0" + b"\1" * 64) + segment(
        0xC2,
        struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0")
    # DC: one code of one bit; AC: 0 ends 16384 or more blocks, 10 ends one
    tables += segment(0xC4, b"\0" + bytes([1] + [0] * 15) + b"\0") + segment(
        0xC4, b"\x10" + bytes([1, 1] + [0] * 14) + b"\xe0\x00")
    first = segment(0xDA, b"\1\1\0\0\0\0") + b"\0" * ((blocks + 7) // 8)
    bits, extension, left = "", 0b11111011111101, blocks
    while left >= 1 << 14:
        run = min(left, (1 << 14) + extension)
        bits += "0" + format(run - (1 << 14), "014b")
        left -= run
    bits += "10" * left
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    return b"\xff\xd8" + tables + first + (segment(0xDA, b"\1\1\0\1\x3f\0") +
                                           data) * (scans - 1) + b"\xff\xd9"


def packed_zeros(count, bits=zlib.MAX_WBITS):
    packer, block = zlib.compressobj(9, zlib.DEFLATED, bits), bytes(1 << 20)
    parts = [
        packer.compress(block[:min(len(block), count - at)]) for at in range(0, count, len(block))
    ]
    return b"".join(parts) + packer.flush()


def png(width, height, unpacked, pieces=1, bits=8, colour=2, interlaced=0):
    """A PNG whose picture data, in so many chunks, unpack to that many zeros."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(
            ">I", zlib.crc32(kind + data))
    data = packed_zeros(unpacked)
    step = -(-len(data) // pieces)
    return (b"\x89PNG\r\n\x1a\n" +
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)) +
            b"".join(chunk(b"IDAT", data[at:at + step])
                     for at in range(0, len(data), step)) + chunk(b"IEND", b""))


def npz(path, arrays, size):
    """So many arrays of `size` zeros, each as deflate packs them."""
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }" % size
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    head = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header
    packer, block, crc = zlib.compressobj(9, zlib.DEFLATED,
                                          -zlib.MAX_WBITS), bytes(1 << 20), zlib.crc32(head)
    data = packer.compress(head)
    for at in range(0, size, len(block)):
        piece = block[:min(len(block), size - at)]
        data, crc = data + packer.compress(piece), zlib.crc32(piece, crc)
    data += packer.flush()
    with open(path, "wb") as f:
        directory = b""
        for i in range(arrays):
            name = b"a%03d.npy" % i
            same = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, crc, len(data),
                               len(head) + size, len(name), 0)
            directory += b"PK\1\2" + struct.pack("<H", 20) + same + struct.pack(
                "<HHHII", 0, 0, 0, 0, f.tell()) + name
            f.write(b"PK\3\4" + same + name + data)
        at = f.tell()
        f.write(directory + b"PK\5\6" +
                struct.pack("<HHHHIIH", 0, 0, arrays, arrays, len(directory), at, 0))


def write(name, data):
    with open(name, "wb") as f:
        f.write(data)


if __name__ == "__main__":
    folder, kinds = sys.argv[1], sys.argv[2:]
    if "scans" in kinds:
        write(folder + "/scans_100.jpg", many_scans(64, 64, 100))
        write(folder + "/scans_101.jpg", many_scans(64, 64, 101))
        write(folder + "/scans_1800.jpg", many_scans(7000, 7000, 1800))
    if "png" in kinds:
        write(folder + "/bomb.png", png(1, 1, 1 << 30))
        write(folder + "/bomb_pieces.png", png(40, 40, 1 << 30, pieces=50))
        write(folder + "/bomb_interlaced.png", png(3, 3, 1 << 30, bits=16, colour=6, interlaced=1))
    if "npz" in kinds:
        npz(folder + "/one.npz", 1, 2 << 30)
        npz(folder + "/many.npz", 60, 64 << 20)
        npz(folder + "/modest.npz", 3, 64 << 20)

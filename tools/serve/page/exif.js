// When a photo was taken: DateTimeOriginal, or else DateTime, from the Exif block in APP1 of a JPEG
// (Exif 2.32). Nothing else of the block is read.

export function exifDate(buffer) {
  const v = new DataView(buffer);
  if (v.byteLength < 12 || v.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; at + 10 < v.byteLength && v.getUint8(at) === 0xff;) {
    const marker = v.getUint8(at + 1),
      size = v.getUint16(at + 2);
    if (marker === 0xda || size < 2) return null;
    if (marker === 0xe1 && v.getUint32(at + 4) === 0x45786966)
      return tiffDate(v, at + 10, Math.min(at + 2 + size, v.byteLength));
    at += 2 + size;
  }
  return null;
}

function tiffDate(v, start, end) {
  try {
    const little = v.getUint16(start) === 0x4949;
    const u16 = (at) => v.getUint16(start + at, little),
      u32 = (at) => v.getUint32(start + at, little);
    const find = (directory, tag) => {
      for (let i = 0, n = u16(directory); i < n; i++)
        if (u16(directory + 2 + 12 * i) === tag) return directory + 2 + 12 * i;
      return 0;
    };
    const text = (entry) => {
      const at = start + u32(entry + 8),
        n = u32(entry + 4);
      return n >= 19 && at + 19 <= end
        ? String.fromCharCode(...new Uint8Array(v.buffer, at, 19))
        : "";
    };
    const first = u32(4),
      pointer = find(first, 0x8769);
    const entry = (pointer && find(u32(pointer + 8), 0x9003)) || find(first, 0x0132);
    const parts = entry && /^(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)/.exec(text(entry));
    const date =
      parts && new Date(+parts[1], parts[2] - 1, +parts[3], +parts[4], +parts[5], +parts[6]);
    return date && !isNaN(date) && +parts[1] ? date : null;
  } catch {
    return null; // a damaged block has no date
  }
}

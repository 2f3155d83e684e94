// Gives a JPEG an Exif block with a date, as cameras write it; an orientation that it had stays.

function oldOrientation(jpeg) {
  for (
    let at = 2;
    jpeg[at] === 0xff && jpeg[at + 1] !== 0xda;
    at += 2 + jpeg.readUInt16BE(at + 2)
  ) {
    if (jpeg[at + 1] !== 0xe1 || jpeg.toString("latin1", at + 4, at + 8) !== "Exif") continue;
    const start = at + 10,
      little = jpeg.toString("latin1", start, start + 2) === "II";
    const u16 = (p) => (little ? jpeg.readUInt16LE(start + p) : jpeg.readUInt16BE(start + p)),
      first = little ? jpeg.readUInt32LE(start + 4) : jpeg.readUInt32BE(start + 4);
    for (let i = 0; i < u16(first); i++)
      if (u16(first + 2 + 12 * i) === 0x0112) return u16(first + 2 + 12 * i + 8);
  }
  return 1;
}

function withoutApp1(jpeg) {
  const kept = [jpeg.subarray(0, 2)];
  let at = 2;
  while (jpeg[at] === 0xff && jpeg[at + 1] !== 0xda) {
    const end = at + 2 + jpeg.readUInt16BE(at + 2);
    if (jpeg[at + 1] !== 0xe1) kept.push(jpeg.subarray(at, end));
    at = end;
  }
  return [...kept, jpeg.subarray(at)];
}

// date: "2024:05:31 10:30:00"
export function dated(jpeg, date) {
  const tiff = Buffer.alloc(38 + 18 + 20);
  tiff.write("MM\0*\0\0\0\b", 0, "latin1");
  const entry = (at, tag, type, n, value, wide) => {
    tiff.writeUInt16BE(tag, at);
    tiff.writeUInt16BE(type, at + 2);
    tiff.writeUInt32BE(n, at + 4);
    if (wide) tiff.writeUInt32BE(value, at + 8);
    else tiff.writeUInt16BE(value, at + 8);
  };
  tiff.writeUInt16BE(2, 8);
  entry(10, 0x0112, 3, 1, oldOrientation(jpeg), false);
  entry(22, 0x8769, 4, 1, 38, true);
  tiff.writeUInt16BE(1, 38);
  entry(40, 0x9003, 2, 20, 56, true);
  tiff.write(date + "\0", 56, "latin1");
  const head = Buffer.from([0xff, 0xe1, 0, 0, 0x45, 0x78, 0x69, 0x66, 0, 0]);
  head.writeUInt16BE(8 + tiff.length, 2);
  const [start, ...rest] = withoutApp1(jpeg);
  return Buffer.concat([start, head, tiff, ...rest]);
}

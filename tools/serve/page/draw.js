// Draws on canvases: previews, the face that was found, and the regions that mattered.

const BETTER = "#2f6fe0",
  WORSE = "#f07d1a"; // colour-blind people can distinguish them

// A small upright copy: many photos at full size would fill the memory of a phone.
export async function preview(file) {
  const whole = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, 480 / Math.max(whole.width, whole.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(whole.width * scale));
  canvas.height = Math.max(1, Math.round(whole.height * scale));
  canvas.getContext("2d").drawImage(whole, 0, 0, canvas.width, canvas.height);
  whole.close();
  return canvas;
}

// The preview, turned as the server turned the photo.
function drawTurned(canvas, bitmap, turn) {
  const c = canvas.getContext("2d"),
    across = turn === 90 || turn === 270;
  canvas.width = across ? bitmap.height : bitmap.width;
  canvas.height = across ? bitmap.width : bitmap.height;
  c.save();
  c.translate(canvas.width / 2, canvas.height / 2);
  c.rotate((turn * Math.PI) / 180);
  c.drawImage(bitmap, -bitmap.width / 2, -bitmap.height / 2);
  c.restore();
}

function cornersPath(c, x, y, w, h) {
  const a = Math.min(w, h) / 4;
  c.beginPath();
  for (const [px, py, dx, dy] of [
    [x, y, 1, 1],
    [x + w, y, -1, 1],
    [x + w, y + h, -1, -1],
    [x, y + h, 1, -1],
  ]) {
    c.moveTo(px + dx * a, py);
    c.lineTo(px, py);
    c.lineTo(px, py + dy * a);
  }
}

// The preview with the face that was found and its landmarks, in white with black edges: visible on
// any skin.
export function drawPhoto(canvas, bitmap, report) {
  if (!bitmap) {
    canvas.width = canvas.height = 160;
    return;
  }
  drawTurned(canvas, bitmap, (report && report.rotation) || 0);
  if (!report || !report.box) return;
  const c = canvas.getContext("2d"),
    scale = canvas.width / report.width,
    line = Math.max(2, Math.max(canvas.width, canvas.height) / 90);
  const [x, y, w, h] = report.box.map((v) => v * scale);
  c.lineCap = c.lineJoin = "round";
  for (const [colour, width] of [
    ["rgba(0,0,0,.75)", line + 3],
    ["#fff", line],
  ]) {
    c.strokeStyle = c.fillStyle = colour;
    c.lineWidth = width;
    c.globalAlpha = 0.55;
    c.strokeRect(x, y, w, h);
    c.globalAlpha = 1;
    cornersPath(c, x, y, w, h);
    c.stroke();
    for (const [px, py] of Object.values(report.landmarks)) {
      c.beginPath();
      c.arc(px * scale, py * scale, width * 0.9, 0, 7);
      c.fill();
    }
  }
}

// The face of a photo, coloured by region. `regions`: rows from the top.
export function drawHeat(canvas, bitmap, report, regions) {
  const whole = document.createElement("canvas"),
    c = canvas.getContext("2d"),
    n = regions.length;
  drawTurned(whole, bitmap, report.rotation || 0);
  const scale = whole.width / report.width,
    [x, y, w, h] = report.box.map((v) => v * scale);
  c.clearRect(0, 0, canvas.width, canvas.height);
  c.filter = "grayscale(.7)";
  c.drawImage(whole, x, y, w, h, 0, 0, canvas.width, canvas.height);
  c.filter = "none";
  const most = Math.max(0.01, ...regions.flat().map(Math.abs)),
    cell = canvas.width / n;
  regions.forEach((row, j) =>
    row.forEach((v, i) => {
      c.fillStyle = v >= 0 ? BETTER : WORSE;
      c.globalAlpha = (0.65 * Math.abs(v)) / most;
      c.fillRect(i * cell, j * cell, cell, cell);
    }),
  );
  c.globalAlpha = 0.35;
  c.strokeStyle = "#fff";
  c.beginPath();
  for (let i = 1; i < n; i++) {
    c.moveTo(i * cell, 0);
    c.lineTo(i * cell, canvas.height);
    c.moveTo(0, i * cell);
    c.lineTo(canvas.width, i * cell);
  }
  c.stroke();
  c.globalAlpha = 1;
}

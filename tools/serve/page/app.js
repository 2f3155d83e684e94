"use strict";
// The page keeps the photos in memory only; what the server says about one is drawn on its preview.

const $ = (id) => document.getElementById(id);
const reasons = {
  UNSUPPORTED_IMAGE: "can't be read: only JPEG and PNG photos that are whole",
  TOO_LARGE_IMAGE: "has too many pixels",
  NO_FACE: "no face found",
};
const photos = []; // {file, bitmap, date, report, key}
let request = null;
let nextKey = 1;

// ---- EXIF: when was the photo taken? (Exif 2.32, DateTimeOriginal in a JPEG's APP1) ----

function exifDate(buffer) {
  const v = new DataView(buffer);
  if (v.byteLength < 12 || v.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; at + 10 < v.byteLength && v.getUint8(at) === 0xff; ) {
    const marker = v.getUint8(at + 1), size = v.getUint16(at + 2);
    if (marker === 0xda || size < 2) return null;
    if (marker === 0xe1 && v.getUint32(at + 4) === 0x45786966) return tiffDate(v, at + 10, Math.min(at + 2 + size, v.byteLength));
    at += 2 + size;
  }
  return null;
}

function tiffDate(v, start, end) {
  try {
    const little = v.getUint16(start) === 0x4949;
    const u16 = (at) => v.getUint16(start + at, little), u32 = (at) => v.getUint32(start + at, little);
    const find = (directory, tag) => {
      for (let i = 0, n = u16(directory); i < n; i++) if (u16(directory + 2 + 12 * i) === tag) return directory + 2 + 12 * i;
      return 0;
    };
    const text = (entry) => {
      const at = start + u32(entry + 8), n = u32(entry + 4);
      return n >= 19 && at + 19 <= end ? String.fromCharCode(...new Uint8Array(v.buffer, at, 19)) : "";
    };
    const first = u32(4), pointer = find(first, 0x8769);
    const entry = (pointer && find(u32(pointer + 8), 0x9003)) || find(first, 0x0132);
    const parts = entry && /^(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)/.exec(text(entry));
    return parts ? new Date(+parts[1], parts[2] - 1, +parts[3], +parts[4], +parts[5], +parts[6]) : null;
  } catch {
    return null; // a damaged block says nothing
  }
}

// ---- the list ----

async function addFiles(files) {
  const added = [];
  for (const file of files) {
    const photo = { file, bitmap: null, date: null, report: null, key: nextKey++ };
    try {
      photo.date = exifDate(await file.slice(0, 1 << 18).arrayBuffer());
      photo.bitmap = await preview(file);
    } catch {
      // the server will say what is wrong with it
    }
    added.push(photo);
  }
  photos.push(...added);
  if (photos.every((p) => p.date)) photos.sort((a, b) => a.date - b.date);
  forgetResult();
  draw();
  say(`${photos.length} ${photos.length === 1 ? "photo" : "photos"} chosen.`);
}

// A small copy, upright: many phone photos at full size would fill a phone's memory.
async function preview(file) {
  const whole = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, 480 / Math.max(whole.width, whole.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(whole.width * scale));
  canvas.height = Math.max(1, Math.round(whole.height * scale));
  canvas.getContext("2d").drawImage(whole, 0, 0, canvas.width, canvas.height);
  whole.close();
  return canvas;
}

function say(text) {
  $("status").textContent = text;
}

function button(text, label, disabled, action) {
  const b = document.createElement("button");
  b.type = "button";
  b.textContent = text;
  b.setAttribute("aria-label", label);
  b.disabled = disabled;
  b.addEventListener("click", action);
  return b;
}

function move(index, step) {
  const [photo] = photos.splice(index, 1);
  photos.splice(index + step, 0, photo);
  forgetResult();
  draw();
  const item = $("photos").children[index + step];
  const again = item.querySelectorAll(".tools button")[step < 0 ? 0 : 1];
  (again.disabled ? item.querySelectorAll(".tools button")[step < 0 ? 1 : 0] : again).focus();
  say(`Moved to place ${index + step + 1} of ${photos.length}.`);
}

function remove(index) {
  photos.splice(index, 1);
  forgetResult();
  draw();
  const next = $("photos").children[Math.min(index, photos.length - 1)];
  (next ? next.querySelectorAll(".tools button")[2] : $("files")).focus();
  say(`Removed. ${photos.length} left.`);
}

function draw() {
  const list = $("photos");
  list.replaceChildren(...photos.map(item));
  $("analyse").disabled = photos.length === 0 || request !== null;
  $("clear").hidden = photos.length === 0;
}

function item(photo, index) {
  const li = document.createElement("li");
  const canvas = document.createElement("canvas"), name = document.createElement("span"), note = document.createElement("p"), tools = document.createElement("div");
  const what = `photo ${index + 1}`;
  name.className = "name";
  name.textContent = `${index + 1}.` + (photo.date ? " " + photo.date.toLocaleDateString(undefined, { dateStyle: "medium" }) : "");
  note.className = "note";
  const report = photo.report;
  if (report) note.textContent = report.used ? `face found, score ${report.score.toFixed(2)}` : reasons[report.reason] || report.detail;
  else if (!photo.bitmap) note.textContent = "no preview";
  if (report && !report.used) {
    li.classList.add("rejected");
    note.classList.add("bad");
    note.textContent = "Not used: " + note.textContent;
  }
  drawPreview(canvas, photo);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${what}${report ? ", " + note.textContent : ""}`);
  tools.className = "tools";
  tools.append(
    button("←", `Move ${what} earlier`, index === 0, () => move(index, -1)),
    button("→", `Move ${what} later`, index === photos.length - 1, () => move(index, 1)),
    button("✕", `Remove ${what}`, false, () => remove(index)),
  );
  li.append(canvas, name, note, tools);
  return li;
}

// The preview, turned as the server turned it, with the found face and its landmarks.
function drawPreview(canvas, photo) {
  const c = canvas.getContext("2d"), b = photo.bitmap, r = photo.report;
  if (!b) {
    canvas.width = 160;
    canvas.height = 120;
    return;
  }
  const turn = r && r.rotation ? r.rotation : 0, across = turn === 90 || turn === 270;
  canvas.width = across ? b.height : b.width;
  canvas.height = across ? b.width : b.height;
  c.save();
  c.translate(canvas.width / 2, canvas.height / 2);
  c.rotate((turn * Math.PI) / 180);
  c.drawImage(b, -b.width / 2, -b.height / 2);
  c.restore();
  if (!r || !r.used) return;
  const scale = canvas.width / r.width;
  c.lineWidth = Math.max(3, canvas.width / 100);
  for (const [colour, width] of [["#000", c.lineWidth + 2], ["#fff", c.lineWidth]]) { // readable on any skin
    c.strokeStyle = c.fillStyle = colour;
    c.lineWidth = width;
    c.strokeRect(r.box[0] * scale, r.box[1] * scale, r.box[2] * scale, r.box[3] * scale);
    for (const [x, y] of Object.values(r.landmarks)) {
      c.beginPath();
      c.arc(x * scale, y * scale, width, 0, 7);
      c.fill();
    }
  }
}

// ---- asking the server ----

function analyse() {
  const form = new FormData();
  photos.forEach((p, i) => form.append("photo", p.file, `photo-${i + 1}`)); // the file's own name stays here
  form.append("explain", $("explain").checked ? "1" : "0");
  forgetResult();
  request = new XMLHttpRequest(); // fetch() does not tell how far an upload is
  request.open("POST", "v1/analyze");
  request.responseType = "json";
  if ($("token").value) request.setRequestHeader("Authorization", "Bearer " + $("token").value);
  request.upload.onprogress = (e) => {
    $("progress").value = e.lengthComputable ? e.loaded / e.total : 0;
    say(e.loaded < e.total ? "Sending the photos …" : "Looking at the photos …");
  };
  request.upload.onload = () => {
    $("progress").removeAttribute("value");
    say("Looking at the photos …");
  };
  request.onload = () => finish(request.status, request.response);
  request.onerror = () => finish(0, null);
  request.onabort = () => finish(-1, null);
  $("progress").value = 0;
  $("progress").hidden = false;
  $("stop").hidden = false;
  request.send(form);
  draw();
  $("stop").focus();
}

function finish(status, answer) {
  request = null;
  $("progress").hidden = true;
  $("stop").hidden = true;
  if (answer && answer.photos) for (const report of answer.photos) photos[report.index].report = report;
  draw();
  if (status === 200 && answer) return show(answer);
  say("");
  if (status === -1) {
    say("Stopped.");
    $("analyse").focus();
    return;
  }
  if (status === 401) $("token-row").hidden = false;
  const busy = status === 429 || status === 503;
  $("error").textContent = status === 0 ? "The server can't be reached." : (answer && answer.detail) || `The server answered ${status}.`;
  if (busy) $("error").textContent += " Please try again in a moment.";
  $("error").hidden = false;
  (status === 401 ? $("token") : $("analyse")).focus();
}

function forgetResult() {
  for (const p of photos) p.report = null;
  $("result").hidden = true;
  $("error").hidden = true;
}

// ---- the result ----

const points = (x) => (x >= 0 ? "+" : "−") + Math.abs(100 * x).toFixed(1);

function show(a) {
  const p = a.probability_improved, percent = Math.round(100 * p), sure = Math.abs(p - 0.5) >= 0.1;
  $("verdict").textContent = !sure ? "The photos don't tell" : p > 0.5 ? "The skin looks better" : "The skin looks worse";
  $("needle").style.left = 100 * p + "%";
  $("meaning").textContent =
    `Probability of better: ${percent} %. ` +
    (sure ? `Of 100 series that look like this one to the model, it would expect about ${percent} to have got better and ${100 - percent} not.` : "Near 50 % the model has no opinion.") +
    (a.calibrated ? "" : " The probability is the model's own and has not been compared with outcomes.");
  $("details").textContent = `${a.photos_used} of ${a.photos.length} photos used. Model ${a.model.id}, request ${a.request_id}.`;
  $("explanation").hidden = !a.explanation;
  $("result").hidden = false;
  if (a.explanation) showExplanation(a);
  say(`Result: ${$("verdict").textContent}, probability of better ${percent} percent.`);
  $("result").focus();
}

function cells(row, values, head) {
  for (const v of values) {
    const cell = document.createElement(head ? "th" : "td");
    if (head) cell.scope = "row";
    cell.textContent = v;
    row.append(cell);
  }
  return row;
}

function showExplanation(a) {
  const e = a.explanation;
  $("regions").tBodies[0].replaceChildren(...e.regions.map((r) => cells(document.createElement("tr"), r.map(points))));
  $("frames").tBodies[0].replaceChildren(
    ...e.photos.map((f) => {
      const row = cells(document.createElement("tr"), [`${f.index + 1}`], true);
      return cells(row, [photos[f.index].report.used ? points(f.effect) : "not used"]);
    }),
  );
  const used = a.photos.filter((f) => f.used), last = used[used.length - 1], photo = photos[last.index];
  if (photo.bitmap) drawHeat(photo, last, e.regions);
}

function drawHeat(photo, report, regions) {
  const whole = document.createElement("canvas"), canvas = $("heat"), c = canvas.getContext("2d");
  drawPreview(whole, { bitmap: photo.bitmap, report: { ...report, used: false } });
  const scale = whole.width / report.width, [x, y, w, h] = report.box.map((v) => v * scale), n = regions.length;
  c.clearRect(0, 0, canvas.width, canvas.height);
  c.drawImage(whole, x, y, w, h, 0, 0, canvas.width, canvas.height);
  const most = Math.max(1e-6, ...regions.flat().map(Math.abs)), cell = canvas.width / n;
  regions.forEach((row, j) =>
    row.forEach((v, i) => {
      c.fillStyle = v >= 0 ? "#2f6fe0" : "#f07d1a";
      c.globalAlpha = (0.6 * Math.abs(v)) / most;
      c.fillRect(i * cell, j * cell, cell, cell);
    }),
  );
  c.globalAlpha = 1;
}

// ---- wiring ----

$("files").addEventListener("change", (e) => {
  addFiles([...e.target.files]);
  e.target.value = "";
});
$("drop").addEventListener("dragover", (e) => {
  e.preventDefault();
  $("drop").classList.add("over");
});
for (const name of ["dragleave", "drop"]) $("drop").addEventListener(name, () => $("drop").classList.remove("over"));
$("drop").addEventListener("drop", (e) => {
  e.preventDefault();
  addFiles([...e.dataTransfer.files]);
});
$("analyse").addEventListener("click", analyse);
$("stop").addEventListener("click", () => request && request.abort());
$("clear").addEventListener("click", () => {
  photos.length = 0;
  forgetResult();
  draw();
  say("All photos removed.");
  $("files").focus();
});

// The list of photos, the request for an analysis and its answer. Photos are kept in the memory of
// this page only.
import { ask, learn, words } from "./backend.js";
import { introduce } from "./before.js";
import { exifDate } from "./exif.js";
import { drawPhoto, preview } from "./draw.js";
import { showNote, showResult } from "./result.js";

const $ = (id) => document.getElementById(id);
const reasons = {
  UNSUPPORTED_IMAGE: words.unsupported,
  TOO_LARGE_IMAGE: "too many pixels",
  NO_FACE: "no face found",
  BLURRED: "blurred",
  TOO_DARK: "too dark",
  TOO_BRIGHT: "too bright",
  CLIPPED: "light or dark areas without detail",
  SMALL_FACE: "the face is too small",
  TURNED: "the head is turned to the side",
  TILTED: "the head is tilted",
  SEVERAL_FACES: "several faces of similar size",
  OTHER_SCALE: "the face is much closer or farther away than in the other photos",
  OTHER_POSE: "the head is held differently than in the other photos",
};
const photos = []; // {file, bitmap, date, report}
let request = null;
let limits = null; // once they are known

const count = (n) => `${n} ${n === 1 ? "photo" : "photos"}`;
const megabytes = (n) => `${Math.floor(n / 1048576)} MB`;

function say(text) {
  $("status").textContent = text;
}

function complain(text) {
  $("error").textContent = text;
  $("error").hidden = !text;
}

// ---- the list ----

async function addFiles(files) {
  if (request || !files.length) return;
  say("Reading the photos …");
  for (const file of files) {
    const photo = { file, bitmap: null, date: null, report: null };
    try {
      photo.date = exifDate(await file.slice(0, 1 << 18).arrayBuffer());
      photo.bitmap = await preview(file);
    } catch {
      // the analysis will report what is wrong with it
    }
    photos.push(photo);
  }
  sortByDate();
  forgetResult();
  draw();
  say(`${count(photos.length)} chosen.`);
}

// A photo without a date can't be placed between the others: then the user decides the order.
function sortByDate() {
  const undated = photos.filter((p) => !p.date).length;
  if (!undated) photos.sort((a, b) => a.date - b.date);
  $("order").hidden = photos.length < 2;
  $("order").textContent = !undated
    ? "In order of the dates in the photos, the oldest first. You can change it."
    : `${undated === photos.length ? "The photos have" : undated === 1 ? "One photo has" : `${undated} photos have`} no date: please put them in order, the oldest first.`;
}

function button(symbol, label, disabled, action) {
  const b = document.createElement("button");
  b.type = "button";
  b.textContent = symbol;
  b.title = label;
  b.setAttribute("aria-label", label);
  b.disabled = disabled || request !== null;
  b.addEventListener("click", action);
  return b;
}

function shift(from, to) {
  const [photo] = photos.splice(from, 1);
  photos.splice(to, 0, photo);
  forgetResult();
  draw();
  say(`Moved to place ${to + 1} of ${photos.length}.`);
}

function move(index, step) {
  shift(index, index + step);
  const tools = $("photos").children[index + step].querySelectorAll(".tools button");
  const same = tools[step < 0 ? 0 : 1];
  (same.disabled ? tools[step < 0 ? 1 : 0] : same).focus();
}

function remove(index) {
  photos.splice(index, 1);
  forgetResult();
  draw();
  const next = $("photos").children[Math.min(index, photos.length - 1)];
  (next ? next.querySelectorAll(".tools button")[2] : $("files")).focus();
  $("order").hidden = photos.length < 2;
  say(photos.length ? `Removed. ${count(photos.length)} left.` : "No photos chosen.");
}

function draw() {
  $("photos").replaceChildren(...photos.map(item));
  $("analyse").disabled = photos.length === 0 || request !== null;
  $("files").disabled = request !== null;
  $("clear").hidden = photos.length === 0 || request !== null;
}

// What happened to a photo, in words.
function remarks(photo) {
  const r = photo.report;
  if (!r) return { text: photo.bitmap ? "" : words.noPreview, kind: "" };
  if (!r.used)
    return {
      text: `Not used: ${r.reasons.map((x) => reasons[x] || r.detail).join(", ")}`,
      kind: "bad",
    };
  if (r.same_as !== undefined)
    return { text: `The same photo as number ${r.same_as + 1}: it shows no change`, kind: "bad" };
  return { text: "Face found, used", kind: "good" };
}

function item(photo, index) {
  const li = document.createElement("li"),
    frame = document.createElement("div"),
    canvas = document.createElement("canvas"),
    name = document.createElement("p"),
    note = document.createElement("p"),
    tools = document.createElement("div");
  const what = `photo ${index + 1}`,
    { text, kind } = remarks(photo);
  name.className = "name";
  name.textContent =
    `${index + 1}` +
    (photo.date ? " · " + photo.date.toLocaleDateString(undefined, { dateStyle: "medium" }) : "");
  note.className = "remark " + kind;
  note.textContent = text;
  frame.className = "frame";
  drawPhoto(canvas, photo.bitmap, photo.report);
  canvas.setAttribute("role", "img");
  canvas.setAttribute(
    "aria-label",
    photo.bitmap
      ? `${what}${photo.report && photo.report.box ? ", the face that was found is framed" : ""}`
      : `${what}, no preview`,
  );
  frame.append(canvas);
  if (!photo.bitmap) frame.classList.add("blank");
  tools.className = "tools";
  tools.append(
    button("←", `Move ${what} earlier`, index === 0, () => move(index, -1)),
    button("→", `Move ${what} later`, index === photos.length - 1, () => move(index, 1)),
    button("✕", `Remove ${what}`, false, () => remove(index)),
  );
  if (kind === "bad") li.classList.add("rejected");
  li.append(frame, name, note, tools);
  dragging(li, index);
  return li;
}

// For a mouse; keyboards and fingers use the buttons.
function dragging(li, index) {
  li.draggable = request === null;
  li.addEventListener("dragstart", (e) => e.dataTransfer.setData("text/x-place", String(index)));
  li.addEventListener("dragover", (e) => {
    if (!e.dataTransfer.types.includes("text/x-place")) return;
    e.preventDefault();
    li.classList.add("over");
  });
  li.addEventListener("dragleave", () => li.classList.remove("over"));
  li.addEventListener("drop", (e) => {
    const from = e.dataTransfer.getData("text/x-place");
    if (from === "" || request) return;
    e.preventDefault();
    shift(+from, index);
  });
}

// ---- the analysis ----

// Why the photos would be refused, so that they are not sent in vain; "" if it would not.
function objection() {
  if (!limits) return "";
  const big = photos.findIndex((p) => p.file.size > limits.photo_bytes),
    sum = photos.reduce((n, p) => n + p.file.size, 0);
  if (photos.length > limits.photos)
    return `${words.who} accepts up to ${limits.photos} photos at a time. Please remove ${photos.length - limits.photos}.`;
  if (big >= 0)
    return `Photo ${big + 1} is larger than ${megabytes(limits.photo_bytes)}, the limit.`;
  if (sum > 0.99 * limits.body_bytes)
    return `Together the photos are larger than ${megabytes(limits.body_bytes)}, the limit. Please remove some.`;
  return "";
}

function analyse() {
  forgetResult();
  const reason = objection();
  if (reason) return complain(reason);
  say(words.taking);
  $("progress").value = 0;
  $("progress").hidden = false;
  $("stop").hidden = false;
  request = ask(
    photos.map((p) => p.file),
    { explain: $("explain").checked, token: $("token").value },
    {
      progress: (share) => ($("progress").value = share),
      analysing: () => {
        $("progress").removeAttribute("value");
        say(`Analysing ${count(photos.length)} …`);
      },
      end: finish,
    },
  );
  draw();
  $("stop").focus();
}

function finish(status, answer) {
  request = null;
  $("progress").hidden = true;
  $("stop").hidden = true;
  if (answer && answer.photos)
    for (const report of answer.photos) photos[report.index].report = report;
  draw();
  if (status === 200 && answer) {
    say("Done. " + showResult(answer, photos));
    $("result").focus();
    $("result").scrollIntoView({ block: "start" });
    return;
  }
  say(status === -1 ? "Stopped." : "");
  if (status !== -1) complain(explainFailure(status, answer));
  if (status === 401) $("token-row").hidden = false;
  (status === 401 ? $("token") : $("analyse")).focus();
}

const failures = {
  ...words.failures,
  NO_FACE:
    "No face was found in any of the photos. Please choose photos in which the whole face can be seen.",
  NO_VALID_FRAMES:
    "None of the photos is good enough to be judged. The reason is shown below each photo.",
};

function explainFailure(status, answer) {
  if (status === 0) return words.unreachable;
  const code = answer && answer.code;
  if (code === "TOO_FEW_FRAMES")
    return `To see a change, photos of the face on different days are needed: ${answer.photos.filter((f) => f.used).length} of ${count(answer.photos.length)} can be used. Please add more.`;
  return failures[code] || (answer && answer.detail) || `${words.who} answered ${status}.`;
}

function forgetResult() {
  for (const p of photos) p.report = null;
  $("result").hidden = true;
  complain("");
}

// Phones convert HEIC to JPEG where a page does not ask for it, so only what the server reads is
// asked for.
function acceptTypes(types) {
  const names = types.map(
    (t) => ({ jpeg: "JPEG", png: "PNG", webp: "WebP" })[t.slice(6)] || t.slice(6).toUpperCase(),
  );
  $("files").accept = [...types, ...types.map((t) => `.${t.slice(6)}`), ".jpg"].join(",");
  $("formats").textContent = `${names.slice(0, -1).join(", ")} or ${names[names.length - 1]}`;
}

// ---- limits and model, if they are shown without a token ----

async function learnLimits() {
  const m = await learn();
  if (!m) return;
  limits = m.limits;
  acceptTypes(m.photo_types);
  introduce(m);
  showNote(m.note);
  if (!m.detects_faces) complain(failures.NO_DETECTOR);
  $("limits").textContent =
    `, ${limits.least_photos} to ${limits.photos} photos of up to ${megabytes(limits.photo_bytes)}`;
  $("model").textContent = `Model ${m.id}.`;
}

// ---- wiring ----

$("files").addEventListener("change", async (e) => {
  const files = [...e.target.files];
  e.target.value = "";
  await addFiles(files);
});
$("drop").addEventListener("dragover", (e) => {
  e.preventDefault();
  $("drop").classList.add("over");
});
for (const name of ["dragleave", "drop"])
  $("drop").addEventListener(name, () => $("drop").classList.remove("over"));
$("drop").addEventListener("drop", (e) => {
  e.preventDefault();
  addFiles([...e.dataTransfer.files]);
});
// a photo that is dropped beside the field must not replace the page
for (const name of ["dragover", "drop"]) window.addEventListener(name, (e) => e.preventDefault());
$("analyse").addEventListener("click", analyse);
$("stop").addEventListener("click", () => request && request.stop());
$("clear").addEventListener("click", () => {
  photos.length = 0;
  forgetResult();
  draw();
  $("order").hidden = true;
  say("All photos removed.");
  $("files").focus();
});
learnLimits().catch(() => complain(words.unlearned));

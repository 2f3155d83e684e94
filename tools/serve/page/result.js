// Shows the answer.
import { showCourse } from "./course.js";
import { drawHeat } from "./draw.js";

const $ = (id) => document.getElementById(id);
const UNSURE = 0.1; // this close to 1/2 the model cannot tell
const ROWS = ["top", "upper part", "middle", "lower part", "bottom"],
  COLUMNS = ["far left", "left", "centre", "right", "far right"];

const percent = (p) => `${Math.round(100 * p)} %`;
const points = (x) => (x >= 0 ? "+" : "−") + Math.abs(100 * x).toFixed(1);

// ---- the probability ----

export function showResult(a, photos) {
  const p = a.probability_improved,
    sure = a.answer ? a.answer !== "unsure" : Math.abs(p - 0.5) >= UNSURE;
  const better = a.answer ? a.answer === "improved" : p > 0.5;
  const verdict = !sure
    ? "These photos don’t show a clear change"
    : better
      ? "The skin looks better"
      : "The skin looks worse";
  $("verdict").textContent = verdict;
  $("verdict").className = "verdict" + (sure ? (better ? " better" : " worse") : "");
  $("unfamiliar").hidden = !a.unfamiliar;
  $("unfamiliar").textContent = a.unfamiliar
    ? `These photos are not like those that the model knows: ${a.unfamiliar_detail}. Do not rely on the answer below.`
    : "";
  $("needle").style.left = 100 * p + "%";
  $("meaning").textContent =
    `Probability that it improved: ${percent(p)}. ` +
    (!sure && a.answer
      ? `The model is unsure: at the certainty that was asked for (${percent(a.coverage)}) it cannot choose.`
      : !sure
        ? "Near 50 % the model cannot tell."
        : a.calibrated
          ? `Of 100 people with photos like these, about ${Math.round(100 * p)} would have improved and ${100 - Math.round(100 * p)} would not.`
          : "This figure has not been compared with real outcomes: read it as a direction, not as a chance.");
  $("details").textContent =
    `${a.photos_used} of ${a.photos.length} photos used. Model ${a.model.id}${a.request_id ? `, request ${a.request_id}` : ""}.`;
  showNote(a.model.note);
  showRange(a.explanation, p);
  showCourse(a);
  $("explanation").hidden = !a.explanation;
  $("result").hidden = false;
  if (a.explanation) explain(a, photos);
  return `${a.unfamiliar ? "These photos are not like those that the model knows. " : ""}${verdict}. Probability that it improved: ${percent(p)}.`;
}

export function showNote(text) {
  $("note").textContent = text || "";
  $("note").hidden = !text;
}

// How much depends on a single photo.
function showRange(e, p) {
  const r = e && e.range,
    wide = r && r.high - r.low > 0.25;
  $("range").hidden = !r;
  const between =
    r &&
    (percent(r.low) === percent(r.high)
      ? `stay at ${percent(r.low)}`
      : `lie between ${percent(r.low)} and ${percent(r.high)}`);
  $("sure").textContent = !r
    ? ""
    : `If any one of the photos were left out, the probability would ${between}` +
      (wide ? ": a single photo matters a lot, so more photos would help." : ".");
  if (!r) return;
  $("range").style.left = 100 * Math.min(r.low, p) + "%";
  $("range").style.width = 100 * (Math.max(r.high, p) - Math.min(r.low, p)) + "%";
}

// ---- what mattered ----

function explain(a, photos) {
  const e = a.explanation,
    used = a.photos.filter((f) => f.used),
    last = used[used.length - 1];
  showEffects(a, photos);
  showRegions(e.regions);
  const bitmap = photos[last.index].bitmap;
  $("heat").hidden = !bitmap;
  if (bitmap) drawHeat($("heat"), bitmap, last, e.regions);
}

// A thumbnail, a bar to the left (worse) or right (better), and the number.
function effectRow(photo, place, effect, most) {
  const li = document.createElement("li"),
    name = document.createElement("span"),
    track = document.createElement("span"),
    bar = document.createElement("span"),
    value = document.createElement("span");
  name.className = "name";
  name.textContent =
    `Photo ${place}` +
    (photo.date
      ? `, ${photo.date.toLocaleDateString(undefined, { day: "numeric", month: "short" })}`
      : "");
  track.className = "track";
  track.setAttribute("aria-hidden", "true");
  value.className = "value";
  if (photo.report.used) {
    const width = (50 * Math.abs(effect)) / most;
    bar.className = "bar " + (effect >= 0 ? "better" : "worse");
    bar.style.width = width + "%";
    bar.style.left = (effect >= 0 ? 50 : 50 - width) + "%";
    track.append(bar);
    value.textContent = `${points(effect)} points`;
  } else {
    li.className = "unused";
    value.textContent = "not used";
  }
  li.append(name, track, value);
  return li;
}

function showEffects(a, photos) {
  const effects = a.explanation.photos,
    most = Math.max(0.005, ...effects.map((f) => Math.abs(f.effect)));
  $("effects").replaceChildren(
    ...effects.map((f, i) => effectRow(photos[f.index], i + 1, f.effect, most)),
  );
}

function strongest(regions, sign) {
  let best = null;
  regions.forEach((row, j) =>
    row.forEach((v, i) => {
      if (sign * v > 0.001 && (!best || sign * v > sign * best.v)) best = { v, j, i };
    }),
  );
  return best && `the ${ROWS[best.j]}, ${COLUMNS[best.i]} (${points(best.v)} points)`;
}

function showRegions(regions) {
  const better = strongest(regions, 1),
    worse = strongest(regions, -1);
  const text =
    !better && !worse
      ? "No single part of the face mattered much."
      : [better && `Strongest for better: ${better}.`, worse && `Strongest for worse: ${worse}.`]
          .filter(Boolean)
          .join(" ");
  $("parts-text").textContent = text;
  $("heat").setAttribute("aria-label", "The face, with the parts that mattered in colour. " + text);
  $("regions").tBodies[0].replaceChildren(
    ...regions.map((row) => {
      const tr = document.createElement("tr");
      for (const v of row) tr.insertCell().textContent = points(v);
      return tr;
    }),
  );
}

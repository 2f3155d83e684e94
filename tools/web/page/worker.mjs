// Runs behind skin.mjs in one worker (backend.js): decodes photos by the browser, analyses them,
// and answers as /v1/analyze does.
/* global load */

const MOST_PIXELS = 64 << 20;
let skin, detector, model, asStored;

const round = (v) => Math.round(v * 1e6) / 1e6;

async function begin(parts) {
  skin = await load(parts.module, { threads: parts.threads });
  detector = skin.detector(new Uint8Array(parts.weights));
  model = skin.model(new Uint8Array(parts.model));
  if (!model.judgesPeople)
    throw new Error("model.safetensors: this network does not judge people's photos");
  asStored = model.meta("colours") === "as stored";
  const card = model.meta("card");
  postMessage({ ready: { id: model.id, note: model.note, card: card ? JSON.parse(card) : null } });
}

// Upright pixels, in sRGB unless the model was trained on colours as they are stored. Throws what
// is wrong with the file.
async function decode(file) {
  const bitmap = await createImageBitmap(file, {
    imageOrientation: "from-image",
    premultiplyAlpha: "none",
    colorSpaceConversion: asStored ? "none" : "default",
  });
  try {
    const { width, height } = bitmap;
    if (width * height > MOST_PIXELS)
      throw Object.assign(
        new Error(`${width} x ${height} pixels are over the limit of ${MOST_PIXELS}`),
        { large: true },
      );
    const canvas = new OffscreenCanvas(width, height),
      c = canvas.getContext("2d", { willReadFrequently: true });
    c.drawImage(bitmap, 0, 0);
    return c.getImageData(0, 0, width, height);
  } finally {
    bitmap.close();
  }
}

async function readPhotos(analysis, files) {
  const wrong = new Map();
  for (const [i, file] of files.entries()) {
    try {
      analysis.photo(i, await decode(file));
    } catch (e) {
      wrong.set(i, {
        reason: e.large ? "TOO_LARGE_IMAGE" : "UNSUPPORTED_IMAGE",
        detail: String(e.message),
      });
    }
    postMessage({ progress: (i + 1) / files.length });
  }
  const { used, photos } = analysis.judge();
  return { used, photos: photos.map((p, i) => describe(p, wrong.get(i))) };
}

function describe(p, wrong) {
  if (wrong)
    return {
      ...p,
      used: false,
      reason: wrong.reason,
      reasons: [wrong.reason],
      detail: wrong.detail,
    };
  if (p.used) return p;
  return {
    ...p,
    detail:
      p.reason === "NO_FACE" ? "no face was found" : "the photo is not good enough to be judged",
  };
}

// Why the photos can't be judged, as /v1/analyze says it; null: they can.
function problem({ used, photos }, least) {
  const has = (reason) => photos.filter((p) => p.reason === reason).length;
  const unsupported = has("UNSUPPORTED_IMAGE"),
    large = has("TOO_LARGE_IMAGE");
  if (unsupported + large === photos.length)
    return unsupported ? "UNSUPPORTED_IMAGE" : "TOO_LARGE_IMAGE";
  if (!photos.some((p) => p.box)) return "NO_FACE";
  if (!used) return "NO_VALID_FRAMES";
  return used < least ? "TOO_FEW_FRAMES" : null;
}

function explanation(analysis, photos) {
  while (analysis.explain());
  const e = analysis.effects();
  return {
    range: { low: round(e.range.low), high: round(e.range.high) },
    photos: photos.map((p, i) => ({ index: i, effect: round(e.photos[i]) })),
    regions: e.regions.map((row) => row.map(round)),
  };
}

async function analyse({ files, explain, coverage, least }) {
  const analysis = skin.analysis(detector, model, files.length);
  try {
    const read = await readPhotos(analysis, files),
      { photos, used } = read,
      code = problem(read, least);
    if (code) return { status: 422, answer: { code, photos } };
    postMessage({ analysing: true });
    const v = analysis.verdict(coverage),
      course = analysis.course();
    const answer = {
      probability_improved: round(v.probability),
      verdict: model.labels[v.best],
      prob_class: v.best,
      negative_prob: round(v.negative),
      positive_prob: round(v.positive),
      calibrated: model.calibrated,
      photos_used: used,
      photos,
      model: { id: model.id, note: model.note },
      answer: v.answer,
      coverage: v.answer ? coverage : null,
      course:
        course &&
        course.flatMap((p, i) =>
          p === null ? [] : [{ index: i, probability_improved: round(p) }],
        ),
    };
    if (explain) answer.explanation = explanation(analysis, photos);
    return { status: 200, answer };
  } finally {
    analysis.free();
  }
}

onmessage = async ({ data }) => {
  try {
    if (data.module) await begin(data);
    else postMessage(await analyse(data));
  } catch (e) {
    postMessage(
      skin && model
        ? { status: 500, answer: { code: "INTERNAL", detail: String(e.message), photos: [] } }
        : { broken: String(e.message) },
    );
  }
};

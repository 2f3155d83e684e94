// same.mjs SKIN.mjs SKIN.wasm WEIGHTS MODEL PICTURE.rgba WIDTH HEIGHT NATIVE.json - the module under
// node against the native build: faces within 1e-4 pixels, everything else to 6 digits. Prints
// times.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [skinPath, wasm, weights, file, picture, w, h, expected] = process.argv.slice(2);
const { load } = await import(pathToFileURL(skinPath));
const native = JSON.parse(readFileSync(expected)),
  width = +w,
  height = +h;
let failures = 0,
  most = 0;

function near(got, want, limit, what) {
  const error = Math.abs(got - want);
  most = Math.max(most, error / limit);
  if (error <= limit) return;
  failures++;
  console.log(`FAILED: ${what}: ${got}, native ${want}`);
}
const each = (got, want, limit, what) => {
  if (got.length !== want.length)
    throw new Error(`${what}: ${got.length} numbers, native ${want.length}`);
  got.forEach((v, i) => near(v, want[i], limit, `${what} ${i}`));
};
function check(ok, what) {
  if (ok) return;
  failures++;
  console.log("FAILED: " + what);
}

const module = new WebAssembly.Module(readFileSync(wasm));
const threads = +(process.env.THREADS ?? 1),
  imports = WebAssembly.Module.imports(module)
    .map((i) => i.name)
    .join();
check(imports === (wasm.includes("threads") ? "memory" : ""), `the module imports ${imports}`);
const skin = await load(module, { threads });
check(skin.threads === threads, `${skin.threads} threads`);
const detector = skin.detector(readFileSync(weights)),
  model = skin.model(readFileSync(file));
const rgba = readFileSync(picture),
  image = { data: rgba, width, height };
check(model.id === native.id, `the model is ${model.id}, native ${native.id}`);

// ---- faces ----
const { faces, chosen } = detector.detect(image);
check(faces.length === native.faces.length, `${faces.length} faces, native ${native.faces.length}`);
faces.forEach((f, i) => {
  const v = [...f.corners, f.score, ...f.box, ...Object.values(f.landmarks).flat()];
  v.forEach((x, k) =>
    near(x, native.faces[i].face[k], k === 4 ? 1e-6 : 1e-4, `face ${i} number ${k}`),
  );
});
const crop = detector.crop(chosen, 160);
check(
  crop.reduce((sum, v) => (Math.imul(sum, 31) + v) >>> 0, 0) === native.crop,
  "the crop has other bytes",
);

// ---- network, analysis ----
each(
  model.predict(crop, { count: 1, height: 160, width: 160 }),
  native.predicted,
  1e-6,
  "predicted",
);
const analysis = skin.analysis(detector, model, 3);
for (let i = 0; i < 3; i++)
  analysis.photo(i, {
    data: rgba.subarray(0, 4 * width * (height - 8 * i)),
    width,
    height: height - 8 * i,
  });
const { used, photos } = analysis.judge();
check(used === native.used, `${used} photos used, native ${native.used}`);
const p = photos[1];
each(
  [p.width, p.height, p.rotation, ...p.box, ...Object.values(p.landmarks).flat()],
  [...native.about.slice(2, 9), ...native.about.slice(10, 20)],
  1e-4,
  "photo 1",
);
each(Object.values(p.quality), native.about.slice(20), 1e-3, "quality");
const v = analysis.verdict();
each([v.probability, v.negative, v.positive, v.best], native.verdict.slice(0, 4), 1e-6, "verdict");
while (analysis.explain());
const e = analysis.effects();
each(
  [e.range.low, e.range.high, ...e.photos, ...e.regions.flat()],
  native.effects,
  1e-6,
  "effects",
);
analysis.free();

// ---- what must be refused, in words ----
const refused = (f, words) => {
  try {
    f();
  } catch (error) {
    return check(words.test(error.message), `the message is: ${error.message}`);
  }
  check(false, `not refused: ${words}`);
};
refused(() => skin.model(new Uint8Array(40)), /./);
refused(() => skin.detector(readFileSync(file)), /mtcnn/);
refused(() => detector.detect({ data: rgba, width: width + 1, height }), /4 bytes for each pixel/);
refused(() => detector.crop(99), /face 99/);
refused(() => model.predict(crop, { count: 2, height: 160, width: 160 }), /bytes/);

// ---- times: the best of the rounds of some seconds, which the engine needs to compile the code
// for good ----
const best = (f) => {
  let least = Infinity;
  for (
    const end = performance.now() + 1000 * (process.env.SECONDS_EACH ?? 2);
    performance.now() < end;
  ) {
    const t = performance.now();
    f();
    least = Math.min(least, performance.now() - t);
  }
  return least.toFixed(1);
};
console.log(
  `${threads} thread${threads > 1 ? "s" : ""}: largest difference ${most.toFixed(2)} of the limit; detection ${width} x ${height} ${best(() => detector.detect(image))} ms, ` +
    `30 frames through ${model.height} x ${model.width}, ${model.parameters} parameters ${best(() => model.predict(Buffer.concat(Array(30).fill(crop)), { count: 30, height: 160, width: 160 }))} ms; memory ${skin.memory() >> 20} MiB`,
);
if (process.env.PRESET) {
  const big = skin.model(readFileSync(process.env.PRESET)),
    frames = Buffer.concat(Array(30).fill(crop));
  console.log(
    `30 frames through ${big.height} x ${big.width}, ${big.parameters} parameters ${best(() => big.predict(frames, { count: 30, height: 160, width: 160 }))} ms`,
  );
  big.free();
}
model.free();
detector.free();
skin.end();
console.log(failures ? `${failures} failed` : "the same as natively");
process.exitCode = failures ? 1 : 0;

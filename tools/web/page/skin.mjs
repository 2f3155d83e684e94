// Faces and networks by skin.wasm, in browsers, their workers and under node alike. The module
// imports nothing: whatever it is given stays in its memory. Types and units: skin.d.ts.
// skin-threads.wasm is the same on several threads. It imports its memory, which workers share.

const FACE = 19,
  INFO = 7,
  PHOTO = 28,
  VERDICT = 5,
  GRID = 5;
const LANDMARKS = ["left_eye", "right_eye", "nose", "mouth_left", "mouth_right"];
const MEASURES = [
  "sharpness",
  "brightness",
  "highlights",
  "clipped",
  "side",
  "yaw",
  "roll",
  "rival",
];
// The bits of why a photo is not used, as in /v1/analyze.
const REASONS = [
  "UNSUPPORTED_IMAGE",
  "NO_FACE",
  "BLURRED",
  "TOO_DARK",
  "TOO_BRIGHT",
  "CLIPPED",
  "SMALL_FACE",
  "TURNED",
  "TILTED",
  "SEVERAL_FACES",
  "OTHER_SCALE",
  "OTHER_POSE",
];
const ANSWERS = ["deteriorated", "improved", "unsure"];

const landmarks = (v) =>
  Object.fromEntries(LANDMARKS.map((name, k) => [name, [v[2 * k], v[2 * k + 1]]]));

// ---- threads ----

// As the Makefile links skin-threads.wasm: pages of 64 KiB, and the bytes of a thread's stack.
const SHARED = { initial: 256, maximum: 32768, shared: true },
  STACK = 1 << 20;

// What a helper runs: an instance on the shared memory, with a stack of its own, that never
// returns. It tells what keeps it from beginning, or "".
const HELPER = `async ({ module, memory, stack }, tell) => {
  let x, helper;
  try {
    x = (await WebAssembly.instantiate(module, { env: { memory } })).exports;
    x.__stack_pointer.value = stack;
    helper = x.nbase__os_join();
  } catch (e) {
    return tell(String(e));
  }
  tell("");
  x.nbase__wasm_serve(helper);
}`;

// Ends the wait for a helper by what it tells.
const heard = (resolve, reject) => (why) =>
  why ? reject(new Error(`a thread could not begin: ${why}`)) : resolve();

// A worker that has begun to help; a function that ends it.
async function webHelper(parts) {
  const code = URL.createObjectURL(
    new Blob([`onmessage = ({ data }) => (${HELPER})(data, postMessage)`], {
      type: "text/javascript",
    }),
  );
  const worker = new Worker(code);
  await new Promise((resolve, reject) => {
    const hear = heard(resolve, reject);
    worker.onmessage = ({ data }) => hear(data);
    worker.onerror = (e) => hear(e.message || "it cannot be loaded");
    worker.postMessage(parts);
  })
    .catch((e) => {
      worker.terminate();
      throw e;
    })
    .finally(() => URL.revokeObjectURL(code));
  return () => worker.terminate();
}

async function nodeHelper(workerData, { Worker }) {
  const code = `const { parentPort, workerData } = require("node:worker_threads"); (${HELPER})(workerData, (why) => parentPort.postMessage(why))`;
  const worker = new Worker(code, { eval: true, workerData });
  await new Promise((resolve, reject) => {
    worker.once("message", heard(resolve, reject)).once("error", reject);
  });
  worker.unref(); // it does not keep the process from ending
  return () => worker.terminate();
}

async function helpers(count, x, parts) {
  const inNode =
    typeof Worker === "undefined" &&
    (await import(/* webpackIgnore: true */ "node:worker_threads"));
  const stacks = Array.from({ length: count }, () => x.web_alloc(STACK));
  if (stacks.includes(0)) throw new Error("out of memory");
  const begin = (at) => [{ ...parts, stack: (at + STACK) & ~15 }, inNode];
  const begun = await Promise.allSettled(
    stacks.map((at) => (inNode ? nodeHelper : webHelper)(...begin(at))),
  );
  const failed = begun.find((b) => b.status === "rejected");
  if (failed) {
    for (const b of begun) b.value?.();
    throw failed.reason;
  }
  return begun.map((b) => b.value);
}

// ---- the module ----

// `wasm`: the bytes of skin.wasm or skin-threads.wasm, or a WebAssembly.Module of them.
// `threads`: how many, with skin-threads.wasm. The caller is one of them and waits for the others,
// which a browser allows in workers only.
export async function load(wasm, { threads = 1 } = {}) {
  const module = wasm instanceof WebAssembly.Module ? wasm : await WebAssembly.compile(wasm);
  const shares = WebAssembly.Module.imports(module).length > 0;
  if (!shares && threads > 1) throw new Error(`${threads} threads need skin-threads.wasm`);
  if (threads > 1 && typeof document !== "undefined")
    throw new Error("load several threads in a worker: a page may not wait");
  const memory = shares ? new WebAssembly.Memory(SHARED) : null;
  const { exports: x } = await WebAssembly.instantiate(module, shares ? { env: { memory } } : {});
  x._initialize();
  const ends = threads > 1 ? await helpers(threads - 1, x, { module, memory }) : [];

  // ---- the module's memory: views are made anew, since growing detaches the buffer ----
  const buffer = () => (memory ?? x.memory).buffer;
  const bytes = () => new Uint8Array(buffer());
  const floats = (at, n) => Array.from(new Float32Array(buffer(), at, n));
  const doubles = (at, n) => Array.from(new Float64Array(buffer(), at, n));
  const text = (at) => {
    if (!at) return null;
    const all = bytes();
    let end = at;
    while (all[end]) end++;
    return new TextDecoder().decode(all.slice(at, end));
  };
  const fail = () => {
    throw new Error(text(x.web_error()) || "out of memory");
  };
  const sound = (result) => (result < 0 ? fail() : result); // of calls that return a number
  const there = (at) => at || fail(); // of calls that return an address
  const put = (data) => {
    const view = ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data);
    const at = x.web_alloc(view.length);
    if (!at) throw new Error("out of memory");
    bytes().set(view, at);
    return at;
  };
  // Calls back with addresses of the data, which are free again after it.
  const lent = (all, use) => {
    const at = [];
    try {
      for (const data of all) at.push(data == null ? 0 : put(data));
      return use(...at);
    } finally {
      for (const a of at) x.web_free(a);
    }
  };
  const lentPicture = ({ data, width, height }, use) => {
    if (
      !Number.isInteger(width) ||
      !Number.isInteger(height) ||
      width < 1 ||
      height < 1 ||
      data.length !== 4 * width * height
    )
      throw new Error(
        `a picture of ${width} x ${height} has 4 bytes for each pixel, not ${data.length} in all`,
      );
    return lent([data], (at) => use(at, width, height));
  };

  class Detector {
    #at;
    constructor(weights, { minFace = 0, maxSide = 0 } = {}) {
      this.#at = lent([weights], (at) =>
        there(x.web_detector_create(at, weights.byteLength, minFace, maxSide)),
      );
    }
    get handle() {
      return this.#at;
    }
    detect(picture) {
      const count = lentPicture(picture, (at, w, h) =>
        sound(x.web_detector_run(this.#at, at, w, h)),
      );
      const faces = [];
      for (let i = 0; i < count; i++) {
        const v = floats(there(x.web_detector_face(this.#at, i)), FACE);
        faces.push({
          corners: v.slice(0, 4),
          score: v[4],
          box: v.slice(5, 9),
          landmarks: landmarks(v.slice(9)),
        });
      }
      return {
        faces,
        chosen: count ? x.web_detector_chosen(this.#at) : -1,
        rotation: x.web_detector_rotation(this.#at),
      };
    }
    crop(i, side = 160) {
      const at = there(x.web_detector_crop(this.#at, i, side));
      return bytes().slice(at, at + side * side * 3);
    }
    free() {
      x.web_detector_free(this.#at);
      this.#at = 0;
    }
  }

  class Model {
    #at;
    constructor(file) {
      this.#at = lent([file], (at) => there(x.web_model_create(at, file.byteLength)));
      const [height, width, channels, outputs, parameters, anySize, people] = new Uint32Array(
        buffer(),
        x.web_model_info(this.#at),
        INFO,
      );
      Object.assign(this, {
        height,
        width,
        channels,
        outputs,
        parameters,
        anySize: !!anySize,
        judgesPeople: !!people,
      });
      this.id = text(x.web_model_id(this.#at));
      this.labels = Array.from({ length: outputs }, (_, k) => text(x.web_model_label(this.#at, k)));
      this.note = this.meta("note") || "";
      this.calibrated = this.#calibrate(this.meta("calibration"));
      this.promises = this.#promise(this.meta("conformal"));
    }
    get handle() {
      return this.#at;
    }
    meta(key) {
      return lent([new TextEncoder().encode(key + "\0")], (at) =>
        text(x.web_model_meta(this.#at, at)),
      );
    }
    #calibrate(meta) {
      if (!meta) return false;
      const { slope, offset, people = 1 } = JSON.parse(meta);
      sound(x.web_model_calibrate(this.#at, slope, offset, people));
      return true;
    }
    #promise(meta) {
      if (!meta) return false;
      const lists = ANSWERS.slice(0, 2).map((name) => Float64Array.from(JSON.parse(meta)[name]));
      lent(lists, (a, b) =>
        sound(x.web_model_promise(this.#at, a, lists[0].length, b, lists[1].length)),
      );
      return true;
    }
    predict(frames, { count, height, width, mask = null }) {
      if (frames.length !== count * height * width * this.channels)
        throw new Error(
          `${count} frames of ${height} x ${width} x ${this.channels} are ${count * height * width * this.channels} bytes, not ${frames.length}`,
        );
      return lent([frames, mask], (at, m) =>
        floats(there(x.web_model_predict(this.#at, at, m, count, height, width)), this.outputs),
      );
    }
    free() {
      x.web_model_free(this.#at);
      this.#at = 0;
    }
  }

  class Analysis {
    #at;
    #photos;
    #found;
    constructor(detector, model, photos) {
      this.#photos = photos;
      this.#found = new Array(photos).fill(0);
      this.#at = there(x.web_analysis_create(detector.handle, model.handle, photos));
    }
    photo(i, picture) {
      this.#found[i] = lentPicture(picture, (at, w, h) =>
        sound(x.web_analysis_photo(this.#at, i, at, w, h)),
      );
    }
    judge() {
      const used = sound(x.web_analysis_judge(this.#at)),
        photos = [];
      for (let i = 0; i < this.#photos; i++) photos.push(this.#about(i));
      return { used, photos };
    }
    #about(i) {
      const v = floats(there(x.web_analysis_about(this.#at, i)), PHOTO),
        bits = v[1];
      const reasons = REASONS.filter((_, bit) => bits & (1 << bit));
      const report = {
        index: i,
        used: !bits,
        reason: reasons[0] ?? null,
        reasons,
        width: v[2],
        height: v[3],
        faces: this.#found[i],
      };
      if (!v[0]) return report;
      return {
        ...report,
        rotation: v[4],
        box: v.slice(5, 9),
        score: v[9],
        landmarks: landmarks(v.slice(10)),
        quality: Object.fromEntries(MEASURES.map((name, k) => [name, v[20 + k]])),
      };
    }
    verdict(coverage = 0.9) {
      const [probability, negative, positive, best, answer] = doubles(
        there(x.web_analysis_verdict(this.#at, coverage)),
        VERDICT,
      );
      return { probability, negative, positive, best, answer: answer < 0 ? null : ANSWERS[answer] };
    }
    // What would have been said after each photo; null for those that are not used. Null as a
    // whole:
    // the network can't be asked before the last photo.
    course() {
      const at = x.web_analysis_course(this.#at);
      if (!at && text(x.web_error())) fail();
      return at ? doubles(at, this.#photos).map((p) => (Number.isNaN(p) ? null : p)) : null;
    }
    // A few steps of the explanation: how many are left.
    explain(batch = 8) {
      return sound(x.web_analysis_explain(this.#at, batch));
    }
    effects() {
      const v = doubles(there(x.web_analysis_effects(this.#at)), 2 + this.#photos + GRID * GRID),
        regions = v.slice(2 + this.#photos);
      return {
        range: { low: v[0], high: v[1] },
        photos: v.slice(2, 2 + this.#photos),
        regions: Array.from({ length: GRID }, (_, row) =>
          regions.slice(row * GRID, (row + 1) * GRID),
        ),
      };
    }
    free() {
      x.web_analysis_free(this.#at);
      this.#at = 0;
    }
  }

  return {
    version: text(x.web_version()),
    detector: (weights, options) => new Detector(weights, options),
    model: (file) => new Model(file),
    analysis: (detector, model, photos) => new Analysis(detector, model, photos),
    memory: () => buffer().byteLength,
    threads: 1 + ends.length,
    end: () => ends.forEach((end) => end()),
  };
}

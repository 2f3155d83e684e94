// Who analyses the photos: here the browser itself, in a worker. tools/serve/page/backend.js is a
// server; both offer the same.
//
// First the module, the weights and the model are fetched. Then the page gives up what could carry
// a photo away: a policy without any connection is added, which a page cannot take back, and the
// worker is made under it. Photos are only read after that.

const LOCKED =
  "default-src 'none'; script-src 'wasm-unsafe-eval'; worker-src blob:; img-src blob: data:; base-uri 'none'; form-action 'none'";
const MOST_PHOTOS = 60,
  MOST_BYTES = 64 << 20,
  LEAST_PHOTOS = 2,
  COVERAGE = 0.9,
  MOST_THREADS = 8,
  PATIENCE = 20; // seconds for threads to begin

const BROKEN =
  "The analysis can’t be loaded, or it ended: reload the page and try again. Photos stay on this device.";

export const words = {
  who: "This page",
  unsupported: "not a photo that this browser can read",
  noPreview: "No preview: the browser can’t show this kind of photo, so it can’t be analysed here",
  taking: "Reading the photos …",
  unlearned: BROKEN,
  unreachable: BROKEN,
  failures: {
    UNSUPPORTED_IMAGE: "None of these files can be read as a photo by this browser.",
    TOO_LARGE_IMAGE: "These photos have more pixels than can be analysed.",
  },
};

async function get(name, as) {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return answer[as]();
}

function lock() {
  const meta = document.createElement("meta");
  meta.httpEquiv = "Content-Security-Policy";
  meta.content = LOCKED;
  document.head.append(meta);
}

// Browsers allow threads where the page's server asks for its isolation (docs/browser.md).
function threads() {
  if (!self.crossOriginIsolated) return 1;
  try {
    // as much as skin.mjs will ask for
    new WebAssembly.Memory({ initial: 1, maximum: 32768, shared: true });
    return Math.min(navigator.hardwareConcurrency || 1, MOST_THREADS);
  } catch {
    return 1;
  }
}

// What every worker begins with. The code goes along as text, since nothing can be loaded any more.
const parts = (async () => {
  const count = threads(),
    name = count > 1 ? "skin-threads.wasm" : "skin.wasm";
  const [wasm, weights, model, skin, worker] = await Promise.all([
    get(name, "arrayBuffer"),
    get("mtcnn.safetensors", "arrayBuffer"),
    get("model.safetensors", "arrayBuffer"),
    get("skin.mjs", "text"),
    get("worker.mjs", "text"),
  ]);
  const module = await WebAssembly.compile(wasm);
  lock();
  return {
    module,
    threads: count,
    weights,
    model,
    code: URL.createObjectURL(new Blob([skin, "\n", worker], { type: "text/javascript" })),
  };
})();
parts.catch(() => {}); // told by whoever waits for it

let worker = null; // {post, answer: promise of what is known of the model}
let running = null; // {on}

// On one thread where several do not begin and nobody says why. Firefox 153, driven by a program on
// a loaded machine, sometimes waits for ever where a worker makes its first worker.
async function begin(parts) {
  const w = new Worker(parts.code, { type: "module" }),
    ready = start(w, parts);
  if (parts.threads === 1) return ready;
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, 1000 * PATIENCE)));
  const begun = await Promise.race([ready, late]).finally(() => clearTimeout(timer));
  if (begun) return begun;
  w.terminate();
  return begin({ ...parts, threads: 1 });
}

function start(w, { code, ...rest }) {
  return new Promise((resolve, reject) => {
    w.onmessage = ({ data }) => {
      if (data.ready) resolve({ w, model: data.ready });
      else if (data.broken) reject(new Error(data.broken));
      else if (running) take(data);
    };
    w.onerror = (e) => {
      e.preventDefault();
      reject(new Error(e.message));
      if (running) take({ status: 0, answer: null });
    };
    w.postMessage(rest);
  });
}

function take({ progress, analysing, status, answer }) {
  const { on } = running;
  if (progress !== undefined) return on.progress(progress);
  if (analysing) return on.analysing();
  running = null;
  on.end(status, answer);
}

const ready = () => (worker ??= parts.then(begin));

export async function learn() {
  const { model } = await ready();
  return {
    ...model,
    coverage: COVERAGE,
    detects_faces: true,
    photo_types: ["image/jpeg", "image/png", "image/webp"],
    limits: {
      photos: MOST_PHOTOS,
      least_photos: LEAST_PHOTOS,
      photo_bytes: MOST_BYTES,
      body_bytes: Infinity,
    },
  };
}

export function ask(files, { explain }, on) {
  const mine = (running = { on });
  ready().then(
    ({ w }) =>
      running === mine &&
      w.postMessage({ files, explain, coverage: COVERAGE, least: LEAST_PHOTOS }),
    () => running === mine && take({ status: 0, answer: null }),
  );
  return {
    stop: () => {
      if (running !== mine) return;
      worker?.then(
        ({ w }) => w.terminate(),
        () => {},
      );
      worker = null;
      take({ status: -1, answer: null });
    },
  };
}

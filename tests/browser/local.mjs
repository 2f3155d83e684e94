// The page that analyses photos in the browser: from a folder of static files, offline once it is
// loaded.
//   node local.mjs WEB PHOTOS SHOTS [ADDRESS BIN MODEL]
// WEB: what `make wasm` wrote. PHOTOS: JPEGs of one simulated patient, by name in order of time.
// With an ADDRESS the page is that of a server, which ends with "/". BROWSER=firefox: in Debian's
// firefox-esr, by the standard WebDriver BiDi, instead of chromium.
import { createServer } from "node:http";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { extname, join } from "node:path";
import { dated } from "./exif.mjs";

const need = createRequire(join(process.env.NODE_MODULES_OF || process.cwd(), "x.js"));
const { chromium, firefox } = need("playwright-core"),
  axeSource = need("axe-core").source;
const [web, photoDir, shots, given] = process.argv.slice(2);
let failures = 0,
  checks = 0;

function check(ok, text) {
  checks++;
  if (ok) return;
  failures++;
  console.log("FAILED: " + text);
}

const names = readdirSync(photoDir)
  .filter((n) => n.endsWith(".jpg"))
  .sort();
const files = names.map((n, i) => ({
  name: `secret-name-${n}`,
  mimeType: "image/jpeg",
  buffer: dated(
    readFileSync(join(photoDir, n)),
    `2024:03:${String(1 + 2 * i).padStart(2, "0")} 10:00:00`,
  ),
}));

// ---- a server of static files that counts ----

const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};
let requests = 0,
  isolated = true,
  changed = () => null; // instead of a file: by name and bytes
const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};
const server = createServer((request, response) => {
  requests++;
  const name = request.url === "/" ? "index.html" : request.url.slice(1);
  if (request.method !== "GET" || !readdirSync(web).includes(name))
    return response.writeHead(404).end();
  const bytes = readFileSync(join(web, name));
  response
    .writeHead(200, {
      "Content-Type": types[extname(name)] || "application/octet-stream",
      ...(isolated ? isolation : {}),
    })
    .end(changed(name, bytes) ?? bytes);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = given || `http://127.0.0.1:${server.address().port}/`;

// Looks by a clock, not once for each picture that is drawn: a page that nobody sees may draw none.
async function until(page, condition, argument) {
  await page.waitForFunction(condition, argument, { polling: 100 }).catch(async (e) => {
    const says = await Promise.all(
      ["#model", "#status", "#error"].map((at) => page.textContent(at)),
    );
    throw new Error(`${e.message} The page says: ${says.join("; ")}`);
  });
}

// The page, whether its model is there or not.
async function blank(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    locale: "en-GB",
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(120000);
  page.seen = [];
  page.blocked = 0;
  // What the policy refuses is in chromium a line of the console, in firefox an error of the page.
  const report = (where, text, wrong) => {
    const refused = /Content.Security.Policy/.test(text);
    page.blocked += refused;
    if (wrong && !refused) check(false, `${where}: ${text}`);
  };
  page.on("console", (m) => report("console", m.text(), m.type() === "error"));
  page.on("pageerror", (e) => report("script", String(e), true));
  context.on("request", (r) => r.url().startsWith("blob:") || page.seen.push(r.url()));
  await page.goto(address);
  return page;
}

async function open(browser, options) {
  const page = await blank(browser, options);
  await until(page, () => document.getElementById("model").textContent.startsWith("Model "));
  await read(page);
  return page;
}

// What stands before the first use has been read.
async function read(page) {
  if (await page.isVisible("#begin")) await page.click("#begin");
}

async function axe(page, where) {
  await page.evaluate(axeSource).catch(() => {}); // by the debugger, which the policy does not bind
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  for (const v of found.violations) {
    console.log(
      `axe, ${where}: ${v.impact} ${v.id} (${v.help}) at ${v.nodes.map((n) => n.target).join(" ")}`,
    );
    check(v.impact !== "serious" && v.impact !== "critical", `axe, ${where}: ${v.id}`);
  }
}

async function choose(page, some) {
  await page.setInputFiles("#files", some);
  await until(page, (n) => document.querySelectorAll("#photos li").length === n, some.length);
}

async function analyse(page) {
  const begun = performance.now();
  await page.click("#analyse");
  await until(page, () => document.getElementById("progress").hidden);
  return performance.now() - begun;
}

// Stops an analysis in its middle: after the first photo, from within the page. Where other
// programs use the processor, an analysis may be over before a click of this program arrives.
async function stopped(page) {
  return page.evaluate(async () => {
    const at = (id) => document.getElementById(id);
    await new Promise((resolve) => {
      const watch = new MutationObserver(() => {
        if (!(at("progress").value > 0)) return;
        watch.disconnect();
        at("stop").click();
        resolve();
      });
      watch.observe(at("progress"), { attributes: true });
      at("analyse").click();
    });
    return at("status").textContent;
  });
}

// ---- the ways through it ----

async function offline(browser) {
  const page = await open(browser),
    threads = await page.evaluate(() =>
      crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, 8) : 1,
    );
  const loaded = page.seen
    .filter((url) => url.endsWith(".wasm"))
    .map((url) => url.split("/").pop())
    .join();
  check(
    loaded === (threads > 1 ? "skin-threads.wasm" : "skin.wasm"),
    `${threads} threads: ${loaded}`,
  );
  check(
    given || threads > 1 === isolated,
    `${threads} threads where the page is ${isolated ? "" : "not "}isolated`,
  );
  await axe(page, "start");
  await page.context().setOffline(true);
  const before = page.seen.length,
    served = requests;
  await choose(page, files);
  const ms = await analyse(page);
  check(
    await page.isVisible("#result"),
    `the result is shown: ${await page.textContent("#error")}`,
  );
  check((await page.locator("#effects li").count()) === files.length, "a bar for each photo");
  check((await page.locator("#regions td").count()) === 25, "25 regions in the table");
  check(await page.isVisible("#course"), "the course is shown");
  check((await page.locator("#photos .remark.good").count()) >= 2, "faces were found");
  check(
    page.seen.length === before && requests === served,
    `requests after the choice: ${page.seen.slice(before)}`,
  );
  check(page.blocked === 0, "the page itself broke its policy");
  console.log(
    `${files.length} photos, offline, ${threads} threads: ${ms.toFixed(0)} ms with the explanation; ${await page.textContent("#verdict")}: ${(await page.textContent("#meaning")).slice(0, 45)}`,
  );
  await axe(page, "result");
  await page.screenshot({ path: join(shots, "local-result.png"), fullPage: true });
  await page.context().close();
}

// With the network there, nothing goes out even if the page's own code, or a worker's, tries.
async function locked(browser) {
  const page = await open(browser);
  const before = page.seen.length,
    served = requests;
  const tries = await page.evaluate(async () => {
    const out = {},
      attempt = async (name, f) => {
        out[name] = await f().then(
          () => "went out",
          () => "refused",
        );
      };
    await attempt("fetch", () => fetch("index.html?fetch"));
    await attempt("import", () => import(new URL("draw.js?import", location.href).href));
    await attempt(
      "image",
      () =>
        new Promise((yes, no) =>
          Object.assign(new Image(), { onload: yes, onerror: no, src: "icon.svg?image" }),
        ),
    );
    await attempt(
      "XMLHttpRequest",
      () =>
        new Promise((yes, no) => {
          const r = new XMLHttpRequest();
          r.onload = yes;
          r.onerror = no;
          r.open("GET", "index.html?xhr");
          r.send();
        }),
    );
    await attempt(
      "WebSocket",
      () =>
        new Promise((yes, no) => {
          const s = new WebSocket("ws://" + location.host);
          s.onopen = yes;
          s.onerror = no;
        }),
    );
    navigator.sendBeacon("index.html?beacon", "x");
    const code = `onmessage = () => fetch(${JSON.stringify(location.href)} + "?worker").then(() => postMessage("went out"), () => postMessage("refused"))`;
    const w = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    out.worker = await new Promise((yes) => {
      w.onmessage = (e) => yes(e.data);
      w.postMessage(0);
    });
    return out;
  });
  for (const [name, result] of Object.entries(tries))
    check(result === "refused", `${name}: ${result}`);
  check(
    requests === served,
    `${requests - served} requests reached the server: ${page.seen.slice(before)}`,
  );
  check(page.blocked > 5, "the policy was asked");
  await page.context().close();
}

async function mistakes(browser) {
  const page = await open(browser, { viewport: { width: 390, height: 844 } });
  await choose(page, [
    { name: "notes.jpg", mimeType: "image/jpeg", buffer: Buffer.from("These are no pixels.") },
  ]);
  await analyse(page);
  check(
    (await page.textContent("#error")).includes("None of these files"),
    `told in words: ${await page.textContent("#error")}`,
  );
  await page.click("#clear");
  await choose(page, files);
  check((await stopped(page)) === "Stopped.", "stopped");
  await analyse(page);
  check(await page.isVisible("#result"), "and analysed after it, by another worker");
  await page.context().close();
}

// What the server sends instead: text in files by other text, of the same length in a module.
const instead = (changes) => (name, bytes) =>
  changes[name] && Buffer.from(bytes.toString("latin1").replaceAll(...changes[name]), "latin1");
// A module without the first call of a helper.
const NO_JOIN = { "skin-threads.wasm": ["nbase__os_join", "nbase__os_joi_"] };

// A thread that cannot begin is told before photos are chosen, and again when they are to be
// analysed.
async function lame(browser) {
  changed = instead(NO_JOIN);
  const page = await blank(browser);
  const told = () => document.getElementById("error").textContent.includes("can’t be loaded");
  await until(page, told);
  await read(page);
  check(await page.isVisible("#error"), "told before photos are chosen");
  await choose(page, files.slice(0, 2));
  check(!(await page.evaluate(told)), "nothing is told of a new choice");
  await analyse(page);
  check(await page.evaluate(told), "told when photos are to be analysed");
  await page.context().close();
}

// A thread of which nothing is heard: the analysis is made on one.
async function mute(browser) {
  changed = instead({
    ...NO_JOIN,
    "skin.mjs": ["tell(String(e))", "undefined"],
    "backend.js": [/PATIENCE = \d+/g, "PATIENCE = 2"],
  });
  const page = await open(browser);
  await choose(page, files);
  await analyse(page);
  check(await page.isVisible("#result"), "analysed on one thread");
  await page.context().close();
}

mkdirSync(shots, { recursive: true });
const inFirefox = process.env.BROWSER === "firefox";
const browser = await (inFirefox
  ? firefox.launch({
      executablePath: process.env.FIREFOX || "/usr/bin/firefox-esr",
      channel: "moz-firefox",
    })
  : chromium.launch({
      executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
      args: ["--no-sandbox"],
    }));
console.log(`${inFirefox ? "firefox" : "chromium"} ${browser.version()}`);
for (const way of [offline, locked, mistakes]) await way(browser);
isolated = false; // a server of static files that knows nothing of it
if (!given) await offline(browser);
isolated = true;
for (const way of given ? [] : [lame, mute])
  if (cpus().length > 1) await way(browser);
await browser.close();
server.close();
console.log(`${checks} checks, ${failures} failed`);
process.exit(failures ? 1 : 0);

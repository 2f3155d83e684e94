// The page in a real browser: uploads, boxes, result, errors, keyboard alone, token, phone and
// dark; axe at every stop; pictures in SHOTS.
//   node page.mjs BIN MODEL PHOTOS SHOTS       PHOTOS: JPEGs of one simulated patient, by name in
// order of time
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dated } from "./exif.mjs";

const need = createRequire(join(process.env.NODE_MODULES_OF || process.cwd(), "x.js"));
const { chromium } = need("playwright-core"),
  axeSource = need("axe-core").source;
const [bin, model, photoDir, shots] = process.argv.slice(2);
const work = mkdtempSync(join(tmpdir(), "skin-browser-"));
let failures = 0,
  checks = 0;

function check(ok, text) {
  checks++;
  if (ok) return;
  failures++;
  console.log("FAILED: " + text);
}

async function serve(...options) {
  const process_ = spawn(join(bin, "skin-serve"), [model, "--listen", "127.0.0.1:0", ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const address = await new Promise((resolve, reject) => {
    process_.stdout.on("data", (d) => resolve(String(d).match(/http:\S+/)[0]));
    process_.on("exit", () => reject(new Error("skin-serve did not start")));
  });
  return {
    address,
    process: process_,
    stop: () =>
      new Promise((r) => {
        process_.on("exit", r);
        process_.kill("SIGTERM");
      }),
  };
}

// ---- photos: dates a week apart, given to the page in another order ----

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
const shuffled = files.map((f, i) => files[(i * 5 + 3) % files.length]);
const undated = names.map((n) => ({
  name: n,
  mimeType: "image/jpeg",
  buffer: readFileSync(join(photoDir, n)),
}));
const text = {
  name: "notes.jpg",
  mimeType: "image/jpeg",
  buffer: Buffer.from("These are no pixels."),
};
if (new Set(shuffled).size !== files.length)
  throw new Error("the number of photos must not be a multiple of 5");

// ---- a page that notes everything that must not be ----

async function open(browser, address, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    locale: "en-GB",
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60000);
  const expected = options.expect || [];
  page.on(
    "console",
    (m) =>
      m.type() === "error" &&
      !/status of (401|422|4\d\d|503)|ERR_CONNECTION_REFUSED/.test(m.text()) &&
      check(false, `console: ${m.text()}`),
  );
  page.on("pageerror", (e) => check(false, `script: ${e}`));
  page.on("request", (r) => {
    const url = r.url();
    check(url.startsWith(address) || url.startsWith("blob:" + address), `a request to ${url}`);
    const body = r.method() === "POST" ? r.postDataBuffer() : null;
    check(!body || !body.includes("secret-name"), "a file name was sent");
  });
  if (options.card)
    await page.route("**/v1/model", async (route) => {
      // a model with papers
      const answer = await route.fetch();
      await route.fulfill({
        response: answer,
        json: { ...(await answer.json()), card: options.card },
      });
    });
  await page.goto(address);
  if (!options.unread) await page.click("#begin");
  return page;
}

async function axe(page, where) {
  await page.evaluate(axeSource);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  for (const v of found.violations) {
    const serious = v.impact === "serious" || v.impact === "critical",
      at = v.nodes.map((n) => n.target).join(" ");
    console.log(`axe, ${where}: ${v.impact} ${v.id} (${v.help}) at ${at}`);
    check(!serious, `axe, ${where}: ${v.id}`);
  }
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  check(overflow <= 0, `${where}: the page is ${overflow} pixels too wide`);
}

const shot = (page, name) => page.screenshot({ path: join(shots, name + ".png"), fullPage: true });
const dates = (page) => page.locator("#photos .name").allTextContents();

async function analyse(page) {
  const answer = page.waitForResponse((r) => r.url().endsWith("/v1/analyze"));
  await page.click("#analyse");
  const json = await (await answer).json();
  await page.waitForFunction(() => document.getElementById("progress").hidden);
  return json;
}

// ---- the ways through it ----

async function wholeWay(browser, address) {
  const page = await open(browser, address);
  await axe(page, "start");
  await shot(page, "desktop-1-start");
  check(await page.isDisabled("#analyse"), "nothing to analyse yet");
  await page.setInputFiles("#files", shuffled);
  await page.waitForFunction(
    (n) => document.querySelectorAll("#photos li").length === n,
    files.length,
  );
  const order = await dates(page);
  check(
    order.every((d, i) => d.startsWith(`${i + 1} · ${1 + 2 * i} Mar 2024`)),
    `in order of the Exif dates: ${order}`,
  );
  await shot(page, "desktop-2-chosen");
  const before = await page
    .locator("#photos canvas")
    .evaluateAll((all) => all.map((c) => c.toDataURL()));
  const answer = await analyse(page);
  check(await page.isVisible("#result"), "the result is shown");
  check(
    (await page.evaluate(() => document.activeElement.id)) === "result",
    "the result has the focus",
  );
  const percent = Math.round(100 * answer.probability_improved);
  check((await page.textContent("#meaning")).includes(`${percent} %`), "the probability is told");
  check((await page.textContent("#result")).includes("Not a diagnosis"), "not a diagnosis");
  check((await page.textContent("#status")).includes(`${percent} %`), "and told to screen readers");
  await boxes(page, answer, before);
  check((await page.locator("#effects li").count()) === files.length, "a bar for each photo");
  check(
    (await page.locator("#course-plot circle").count()) === answer.photos_used &&
      answer.course.length === answer.photos_used,
    "a point for each photo that was used",
  );
  check(
    (await page.textContent("#course-text")).includes(`with all of them ${percent} %`),
    `the course in words: ${await page.textContent("#course-text")}`,
  );
  check((await page.locator("#regions td").count()) === 25, "25 regions in the table");
  const painted = await page.$eval(
    "#heat",
    (c) => new Set(c.getContext("2d").getImageData(0, 0, c.width, c.height).data).size,
  );
  check(painted > 50, "the picture of regions is painted");
  check(await page.isHidden("#unfamiliar"), "nothing is told of a model that cannot tell");
  await axe(page, "result");
  await shot(page, "desktop-3-result");
  await page.route("**/v1/analyze", (route) =>
    route.fulfill({
      json: {
        ...answer,
        unfamiliar: true,
        unfamiliar_reason: "SHARPNESS",
        unfamiliar_detail: "the photos are <i>blurred</i>",
      },
    }),
  );
  await analyse(page);
  check(
    (await page.textContent("#unfamiliar")).includes(
      "the photos are <i>blurred</i>. Do not rely",
    ) && (await page.textContent("#status")).includes("not like those"),
    "unfamiliar photos are told before the answer",
  );
  await axe(page, "unfamiliar");
  await page.unroute("**/v1/analyze");
  return page;
}

// What the answer means is told first, once for each model.
async function firstUse(browser, address) {
  const figure = { value: 0.912, low: 0.851, high: 0.958 };
  const card = {
    format: 1,
    model: { weights_sha256: "0".repeat(64) },
    evaluation: { people: 123 },
    figures: { balanced_accuracy: figure },
    limits: ["It is <b>not</b> a diagnosis.", "Few people."],
  };
  const page = await open(browser, address, { unread: true, card });
  const asks = () => page.isVisible("#before");
  await page.waitForSelector("#before-figures:not([hidden])");
  check(
    (await asks()) && (await page.isHidden("#files")) && (await page.isHidden("#analyse")),
    "nothing can be done before the text is read",
  );
  check(
    /of 123 people .* 91 % \(85 to 96\)/.test(await page.textContent("#before-figures")),
    `the card's figure: ${await page.textContent("#before-figures")}`,
  );
  await page.click("#before-card summary");
  check(
    (await page.locator("#before-limits li").allTextContents())[0] === card.limits[0],
    "the card's limits, as text",
  );
  await axe(page, "before a first use");
  await shot(page, "desktop-0-before");
  await page.click("#begin");
  check(!(await asks()) && (await page.isVisible("#drop")), "then the page is open");
  await page.reload();
  await page.waitForFunction(() => document.getElementById("model").textContent);
  check(!(await asks()), "it is remembered");
  await page.click("#reread");
  check(await asks(), "and can be read again");
  card.model.weights_sha256 = "1".repeat(64);
  await page.reload();
  await page.waitForSelector("#before:not([hidden])");
  check(await asks(), "another model, another reading");
  await page.context().close();
}

// What the server found is drawn where it says: the box's upper left corner is white on each photo
// used, and only there did the canvas change.
async function boxes(page, answer, before) {
  const after = await page
    .locator("#photos canvas")
    .evaluateAll((all) =>
      all.map((c) => ({ url: c.toDataURL(), width: c.width, height: c.height })),
    );
  const corner = (i, x, y) =>
    page
      .locator("#photos canvas")
      .nth(i)
      .evaluate((c, [px, py]) => [...c.getContext("2d").getImageData(px, py, 1, 1).data], [x, y]);
  let used = 0;
  for (const f of answer.photos) {
    const c = after[f.index];
    const remark = await page.locator("#photos .remark").nth(f.index).textContent();
    if (!f.used) {
      check(remark.startsWith("Not used: "), `photo ${f.index} says why it is not used: ${remark}`);
      continue;
    }
    used++;
    check(
      c.url !== before[f.index] && /used/i.test(remark),
      `photo ${f.index} is marked: ${remark}`,
    );
    check(
      Math.abs(c.width / c.height - f.width / f.height) < 0.02,
      `photo ${f.index} stands as the server saw it`,
    );
    const scale = c.width / f.width,
      x = Math.round(f.box[0] * scale),
      y = Math.round(f.box[1] * scale);
    if (x < 0 || y < 0) continue;
    const pixel = await corner(f.index, x, y);
    check(
      pixel.slice(0, 3).every((v) => v > 200),
      `photo ${f.index}: the corner of the box at ${x}, ${y} is ${pixel}`,
    );
  }
  check(used === answer.photos_used && used >= 2, `${used} photos used`);
}

async function reorder(page) {
  const first = page.locator("#photos li").first();
  await first.locator("button").nth(1).focus();
  await page.keyboard.press("Enter");
  check(await page.isHidden("#result"), "another order, and the old result is gone");
  check((await dates(page))[1].startsWith("2 · 1 Mar"), "moved one place on");
  check(
    (await page.evaluate(() => document.activeElement.getAttribute("aria-label"))) ===
      "Move photo 2 later",
    "the focus went with it",
  );
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  check((await dates(page))[0].startsWith("1 · 1 Mar"), "and back");
  await page.locator("#photos li").nth(0).dragTo(page.locator("#photos li").nth(2));
  check((await dates(page))[2].startsWith("3 · 1 Mar"), "dragged to the third place");
  const n = await page.locator("#photos li").count();
  await page.locator("#photos li").nth(2).locator("button").nth(2).click();
  check((await page.locator("#photos li").count()) === n - 1, "removed");
  await page.click("#clear");
  check(
    (await page.locator("#photos li").count()) === 0 && (await page.isDisabled("#analyse")),
    "all removed",
  );
}

async function mistakes(browser, address) {
  const page = await open(browser, address);
  await page.setInputFiles("#files", [text]);
  await page.waitForSelector("#photos li");
  let answer = await analyse(page);
  check(
    answer.code === "UNSUPPORTED_IMAGE" && (await page.isVisible("#error")),
    "a file that is no photo is an error",
  );
  check(
    (await page.textContent("#error")).includes("None of these files can be read"),
    `it is told in words: ${await page.textContent("#error")}`,
  );
  check(
    (await page.textContent("#photos .remark")).includes(
      "not a complete photo in a format that this server reads",
    ),
    `and on the photo: ${await page.textContent("#photos .remark")}`,
  );
  await axe(page, "error");
  await shot(page, "desktop-4-error");
  await page.setInputFiles("#files", undated.slice(0, 3));
  await page.waitForFunction(() => document.querySelectorAll("#photos li").length === 4);
  check(
    (await page.textContent("#order")).includes("no date"),
    "the user is told that the order is theirs",
  );
  answer = await analyse(page);
  check(
    (await page.locator("#photos .remark.bad").count()) >= 1 && answer.photos_used >= 2,
    "the others are judged without it",
  );
  await shot(page, "desktop-5-mixed");
  await page.context().close();
}

async function keyboardAlone(browser, address) {
  const page = await open(browser, address, { unread: true });
  const tabTo = async (id) => {
    for (let i = 0; i < 60; i++) {
      if (await page.evaluate((x) => document.activeElement.id === x, id)) return true;
      await page.keyboard.press("Tab");
    }
    return false;
  };
  await page.keyboard.press("Tab");
  check(
    (await page.evaluate(() => document.activeElement.className)) === "skip",
    "the first stop skips to the photos",
  );
  check(await tabTo("begin"), "the button below the text is reached by Tab");
  await page.keyboard.press("Enter");
  check(
    (await page.evaluate(() => document.activeElement.id)) === "files",
    "and leads to the file field",
  );
  check(await tabTo("files"), "the file field is reached by Tab");
  await shot(page, "desktop-6-focus");
  const chooser = page.waitForEvent("filechooser");
  await page.keyboard.press("Space");
  await (await chooser).setFiles(files.slice(0, 4));
  await page.waitForFunction(() => document.querySelectorAll("#photos li").length === 4);
  check(await tabTo("explain"), "the option is reached by Tab");
  await page.keyboard.press("Space");
  check(await tabTo("analyse"), "the button is reached by Tab");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#result:not([hidden])");
  check(
    (await page.evaluate(() => document.activeElement.id)) === "result",
    "the result has the focus",
  );
  check(await page.isHidden("#explanation"), "no explanation was asked for");
  await page.context().close();
}

// The screen-reader's view: what has a role has a name, and changes are announced.
async function spoken(browser, address) {
  const page = await open(browser, address);
  check(
    (await page.getByRole("button", { name: "Analyse the photos" }).count()) === 1,
    "a button by its name",
  );
  check((await page.getByRole("heading", { level: 1 }).count()) === 1, "one main heading");
  for (const landmark of ["banner", "main", "contentinfo"])
    check((await page.getByRole(landmark).count()) === 1, `landmark ${landmark}`);
  check((await page.getByLabel("Choose photos").count()) === 1, "the file field has a name");
  await page.setInputFiles("#files", files.slice(0, 2));
  await page.waitForSelector("#photos li");
  await page.waitForFunction(() =>
    /2 photos chosen/.test(document.querySelector("[role=status]").textContent),
  );
  check(
    (await page
      .getByRole("list", { name: "Photos, the oldest first" })
      .getByRole("listitem")
      .count()) === 2,
    "the list and its items",
  );
  check(
    (await page.getByRole("button", { name: "Move photo 1 later" }).count()) === 1,
    "buttons tell which photo",
  );
  await page.context().close();
}

async function token(browser) {
  writeFileSync(join(work, "token"), "a-secret-of-20-chars\n");
  const server = await serve("--token-file", join(work, "token"));
  const page = await open(browser, server.address);
  await page.setInputFiles("#files", files.slice(0, 3));
  await page.waitForFunction(() => document.querySelectorAll("#photos li").length === 3);
  await analyse(page);
  check(
    (await page.isVisible("#token")) &&
      (await page.evaluate(() => document.activeElement.id)) === "token",
    "the page asks for the token",
  );
  await axe(page, "token");
  await shot(page, "desktop-7-token");
  await page.fill("#token", "a-secret-of-20-chars");
  const answer = await analyse(page);
  check(answer.photos_used >= 1, "with the token it answers");
  await server.stop();
  await page.click("#analyse");
  await page.waitForSelector("#error:not([hidden])");
  check(
    (await page.textContent("#error")).includes("can’t be reached"),
    "a server that is gone is told",
  );
  await page.context().close();
}

async function stopping(browser, address) {
  const page = await open(browser, address);
  await page.setInputFiles("#files", files);
  await page.waitForFunction(
    (n) => document.querySelectorAll("#photos li").length === n,
    files.length,
  );
  await page.route("**/v1/analyze", () => {}); // held back: it can't be over before the click
  await page.click("#analyse");
  check(
    await page.isDisabled("#photos button >> nth=2"),
    "the photos are fixed while they are judged",
  );
  await page.click("#stop");
  check(
    (await page.textContent("#status")) === "Stopped." && (await page.isEnabled("#analyse")),
    "stopped",
  );
  await page.context().close();
}

async function looks(browser, address) {
  const phone = {
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
  };
  for (const [name, options] of [
    ["dark", { colorScheme: "dark" }],
    ["phone", phone],
    ["phone-dark", { ...phone, colorScheme: "dark" }],
    ["narrow", { viewport: { width: 320, height: 700 } }],
    ["contrast", { forcedColors: "active" }],
  ]) {
    const page = await open(browser, address, options);
    await page.setInputFiles("#files", [...files, text]);
    await page.waitForFunction(
      (n) => document.querySelectorAll("#photos li").length === n,
      files.length + 1,
    );
    await analyse(page);
    await axe(page, name);
    await shot(page, name);
    await page.context().close();
  }
}

mkdirSync(shots, { recursive: true });
const server = await serve();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
try {
  const page = await wholeWay(browser, server.address);
  await reorder(page);
  await page.context().close();
  for (const way of [firstUse, mistakes, keyboardAlone, spoken, stopping, looks])
    await way(browser, server.address);
  await token(browser);
} finally {
  await browser.close();
  await server.stop();
  rmSync(work, { recursive: true });
}
console.log(`${checks} checks, ${failures} failed; screenshots in ${shots}`);
process.exit(failures ? 1 : 0);

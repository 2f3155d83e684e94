// Pictures of skin-serve's page with a result, as JPEG.   page.mjs BIN MODEL PHOTOS OUT
// PHOTOS: a folder of JPEGs of one person, by name in order of time.
// OUT gets photos.jpg and result.jpg.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { dated } from "../../tests/browser/exif.mjs";

const { chromium } = createRequire(join(process.env.NODE_MODULES_OF, "x.js"))("playwright-core");
const [bin, model, folder, out] = process.argv.slice(2);

const names = readdirSync(folder)
  .filter((name) => name.endsWith(".jpg"))
  .sort();
const photos = names.map((name, i) => {
  const date = new Date(Date.UTC(2024, 2, 1 + 5 * i, 10)).toISOString();
  const exif = `${date.slice(0, 10).replaceAll("-", ":")} ${date.slice(11, 19)}`;
  return { name, mimeType: "image/jpeg", buffer: dated(readFileSync(join(folder, name)), exif) };
});

const server = spawn(join(bin, "skin-serve"), [model, "--listen", "127.0.0.1:0"], {
  stdio: ["ignore", "pipe", "inherit"],
});
try {
  const address = await new Promise((resolve, reject) => {
    server.stdout.on("data", (text) => resolve(String(text).match(/http:\S+/)[0]));
    server.on("exit", () => reject(new Error("skin-serve did not start")));
  });
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  const page = await browser.newPage({ viewport: { width: 1000, height: 900 }, locale: "en-GB" });
  await page.goto(address);
  await page.click("#begin");
  await page.setInputFiles("#files", photos);
  const shown = (n) => document.querySelectorAll("#photos li").length === n;
  await page.waitForFunction(shown, photos.length);
  await page.click("#analyse");
  await page.waitForSelector("#result:not([hidden])");
  await page.waitForFunction(() => document.getElementById("progress").hidden);
  for (const name of ["photos", "result"]) {
    const path = join(out, name + ".jpg");
    await page.locator("#" + name).screenshot({ path, type: "jpeg", quality: 90 });
  }
  await browser.close();
} finally {
  server.kill("SIGTERM");
}

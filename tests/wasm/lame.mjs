// lame.mjs SKIN.mjs SKIN-THREADS.wasm - a helper thread that cannot begin makes load() fail with
// the reason.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [skinPath, wasm] = process.argv.slice(2);
const { load } = await import(pathToFileURL(skinPath));
// The first that a helper calls, by another name.
const bytes = readFileSync(wasm).toString("latin1").replaceAll("nbase__os_join", "nbase__os_joi_");

const late = new Promise((resolve) => setTimeout(resolve, 60000, "60 s passed").unref());
const outcome = await Promise.race([
  load(Buffer.from(bytes, "latin1"), { threads: 3 }).then(
    () => "it loaded",
    (e) => e.message,
  ),
  late,
]);
const told = outcome.startsWith("a thread could not begin: TypeError");
console.log(`${told ? "" : "FAILED: "}a thread that cannot begin: ${outcome}`);
process.exitCode = told ? 0 : 1;

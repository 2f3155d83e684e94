// package.mjs WEIGHTS PICTURE.rgba WIDTH HEIGHT - the installed npm package, as its README says.
import { readFile } from "node:fs/promises";
import { load } from "skincredible";

const [weights, picture, width, height] = process.argv.slice(2);
const skin = await load(await readFile(new URL(import.meta.resolve("skincredible/skin.wasm"))));
const several = await load(
  await readFile(new URL(import.meta.resolve("skincredible/skin-threads.wasm"))),
  { threads: 2 },
);
const detector = skin.detector(await readFile(weights));
const { faces } = detector.detect({
  data: await readFile(picture),
  width: +width,
  height: +height,
});
const types = await readFile(
  new URL(import.meta.resolve("skincredible").replace(/mjs$/, "d.ts")),
  "utf8",
);
// Every call is in the types, and every name of the types is there.
const declared = new Set([...types.matchAll(/^ +(?:readonly )?(\w+)\??[(:]/gm)].map((m) => m[1]));
const missing = ["detect", "crop", "free"]
  .filter((name) => !(name in detector) || !declared.has(name))
  .concat(
    Object.keys(skin).filter((name) => !declared.has(name)),
    Object.keys(faces[0]).filter((name) => !declared.has(name)),
  );
const same = several
  .detector(await readFile(weights))
  .detect({ data: await readFile(picture), width: +width, height: +height }).faces;
several.end();
if (faces.length !== 1 || missing.length || JSON.stringify(same) !== JSON.stringify(faces)) {
  console.log("FAILED:", faces, missing);
  process.exit(1);
}
console.log(`package ${skin.version}: a face with score ${faces[0].score.toFixed(6)}`);

// What MDN's HTTP Observatory thinks of a site, as JSON: `node observatory.mjs localhost:PORT`.
// The scanner asks the same port for http and https, and needs two lists that its postinstall
// script fetches: here they are empty, because localhost is on neither.
import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../../node_modules/@mdn/mdn-http-observatory/", import.meta.url);
for (const [name, empty] of Object.entries({ "hsts-preload.json": "{}", "tld-list.json": "[]" })) {
  const file = fileURLToPath(new URL(`conf/${name}`, root));
  if (!existsSync(file)) writeFileSync(file, empty);
}
const { scan } = await import(new URL("src/scanner/index.js", root));
console.log(JSON.stringify(await scan(process.argv[2])));

#!/usr/bin/env node
// Starts the command line: from the sources in a checkout (Node runs TypeScript as it is), from dist in a package.
import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `sluice needs Node 22.19 or newer, this is ${process.versions.node}. In a checkout: "npm run bootstrap", then "npx sluice".\n`,
  );
  process.exit(2);
}
// Compiled code is kept for the next start, which then takes half the time: a run starts several processes. It lies in
// our own folder, not in the system's temporary one, where others could put code that would be run; where that folder
// cannot be written, every start compiles.
module.enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/sluice", import.meta.url)));
const source = new URL("../src/cli/main.ts", import.meta.url);
const { main } = await import(
  existsSync(source) ? source.href : new URL("../dist/cli/main.js", import.meta.url).href
);
await main();

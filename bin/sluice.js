#!/usr/bin/env node
// Starts the command line: from the sources in a checkout (Node runs TypeScript as it is), from dist in a package.
import { existsSync } from "node:fs";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `sluice needs Node 22.19 or newer, this is ${process.versions.node}. In a checkout: "npm run bootstrap", then "npx sluice".\n`,
  );
  process.exit(2);
}
const source = new URL("../src/cli/main.ts", import.meta.url);
const { main } = await import(
  existsSync(source) ? source.href : new URL("../dist/cli/main.js", import.meta.url).href
);
await main();

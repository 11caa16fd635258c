import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import statics from "@fastify/static";
import type { FastifyInstance } from "fastify";

/** Where the bundled pages can be: beside the compiled code in a package, or in dist/web of a checkout. */
const FOLDERS = ["../../web/", "../../../dist/web/"].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** The folder of the bundled pages; undefined when they have not been built. */
export function findPageFolder(): string | undefined {
  return FOLDERS.find((folder) => existsSync(join(folder, "index.html")));
}

const NOT_BUILT = `<!doctype html><meta charset="utf-8"><title>Sluice</title>
<p>The dashboard's pages have not been built. Run <code>npm run bootstrap</code>, then reload this page.</p>
`;
/** Files with a content hash in their name never change. */
const HASHED_NAME = /[-.][A-Za-z0-9_-]{8,}\.(?:js|css|woff2|svg|png)(?:\.br|\.gz)?$/;

/** Serves the pages and their files at /; if they have not been built, a page that says what to do. */
export function pageFiles(folder: string | undefined) {
  return async (server: FastifyInstance): Promise<void> => {
    if (folder === undefined) {
      server.get("/", (_request, reply) => reply.status(503).type("text/html; charset=utf-8").send(NOT_BUILT));
      return;
    }
    await server.register(statics, {
      root: folder,
      prefix: "/",
      dotfiles: "ignore",
      cacheControl: false,
      // The build writes a compressed copy beside each file.
      preCompressed: true,
      setHeaders: (reply, path) => {
        reply.header("cache-control", HASHED_NAME.test(path) ? "public, max-age=31536000, immutable" : "no-cache");
      },
    });
  };
}

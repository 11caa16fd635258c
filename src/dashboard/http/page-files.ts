import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import statics from "@fastify/static";
import type { FastifyInstance } from "fastify";

/** Where the bundled pages are: beside the compiled code in a package, in dist/web of a checkout. */
const FOLDERS = ["../../web/", "../../../dist/web/"].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** The folder of the bundled pages; undefined when they have not been built. */
export function findPages(): string | undefined {
  return FOLDERS.find((folder) => existsSync(join(folder, "index.html")));
}

const NOT_BUILT = `<!doctype html><meta charset="utf-8"><title>Sluice</title>
<p>The dashboard's pages have not been built. Run <code>npm run bootstrap</code>, then load this page again.</p>
`;
/** What has a hash of its content in its name is another file when it changes. */
const HASHED = /[-.][A-Za-z0-9_-]{8,}\.(?:js|css|woff2|svg|png)(?:\.br|\.gz)?$/;

/** The pages at / and their files; a page that says what to do where they have not been built. */
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
      // The build leaves each file compressed beside itself.
      preCompressed: true,
      setHeaders: (reply, path) => {
        reply.header("cache-control", HASHED.test(path) ? "public, max-age=31536000, immutable" : "no-cache");
      },
    });
  };
}

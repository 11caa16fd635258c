import type { ApiContext } from "#src/api/api-context.ts";
import { createRoutes } from "#src/api/create-routes.ts";
import type { ApiServer } from "#src/api/http/typed-server.ts";

interface Route {
  readonly method: string;
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
}

interface DescribedRoute {
  readonly schema?: { readonly hide?: boolean; readonly summary?: string; readonly tags?: readonly string[] };
}

const METHODS = ["get", "post", "put", "patch", "delete"] as const;

/** Registers all routes with a server that only records them. */
function listRoutes(): Route[] {
  const routes: Route[] = [];
  const record =
    (method: string) =>
    (path: string, { schema = {} }: DescribedRoute) => {
      if (schema.hide) return;
      const { summary, tags: [tag = "Other"] = [] } = schema;
      if (summary === undefined) throw new Error(`the route ${method} ${path} has no summary`);
      routes.push({ method: method.toUpperCase(), path: path.replace("*", ":id"), tag, summary });
    };
  const recorder = {
    ...Object.fromEntries(METHODS.map((method) => [method, record(method)])),
    addHook: () => undefined,
  } as unknown as ApiServer;
  // The routes read their context when they are called.
  for (const plugin of createRoutes({} as ApiContext)) void plugin(recorder);
  return routes;
}

function renderRoutes(): string {
  const rows = listRoutes()
    .toSorted((a, b) => a.tag.localeCompare(b.tag) || a.path.localeCompare(b.path))
    .map(({ method, path, tag, summary }) => `| ${tag} | \`${method} ${path}\` | ${summary} |`);
  return ["| part | route | what it does |", "| --- | --- | --- |", ...rows].join("\n");
}

export const API_TABLES = { "api-routes": renderRoutes };

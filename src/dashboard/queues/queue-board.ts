import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { FastifyAdapter } from "@bull-board/fastify";
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from "fastify";
import type { Audit } from "#src/dashboard/audit/audit.ts";
import { requireSameOrigin } from "#src/dashboard/auth/request-origin.ts";
import { requireOperator, requirePrincipal } from "#src/dashboard/auth/require-principal.ts";
import type { Principal } from "#src/dashboard/auth/session-token.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { BOARD_CSP } from "#src/dashboard/http/security-headers.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import type { RegisteredQueue } from "#src/dashboard/sampling/queue-registry.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/sampling/redis-circuit-breaker.ts";
import { maskJobData } from "./mask-job.ts";

export interface QueueBoardDeps {
  readonly breaker: RedisCircuitBreaker;
  readonly audit: Audit;
  /** Looks for new queues. */
  readonly discover: () => Promise<void>;
}

const PATHS = { view: "/queues/view", act: "/queues/act" } as const;

/**
 * What an operator may do to jobs. Other actions would bypass the coordinators of runs (which would queue removed jobs
 * again), or would write back masked data.
 */
const ALLOWED_ACTIONS =
  /^\/queues\/act\/api\/queues\/(?:pause|resume|[^/]+\/(?:pause|resume|promote|retry\/[^/]+|[^/]+\/(?:retry|promote)))$/;

const ALLOWED_ACTIONS_LABEL =
  "Available: pause, resume, promote, retry. Adding, changing and removing jobs is refused, because they belong to runs.";

/**
 * A queue's menu starts with adding a job and ends with concurrency, rate limit, emptying and obliterating, the last of
 * which is marked as dangerous. bull-board has no setting for single actions, so these entries are hidden by position.
 * If a new version of bull-board shows them again, they are still refused.
 */
const HIDE_ACTIONS_STYLE =
  '<style>:has(> [class*="danger-"]) > [role="menuitem"]:is(:first-child, :nth-last-child(-n+4)) { display: none }</style></head>';

/** bull-board's page loads a font from another host, which the content security policy blocks with a browser warning. */
const EXTERNAL_LINK_TAG = /<link href="https?:\/\/[^>]*>/g;

/**
 * bull-board for BullMQ's queues: one read-only board for viewers and one for operators, with the same authentication
 * as all other pages and with masked job data.
 */
export class QueueBoard {
  readonly #deps: QueueBoardDeps;
  readonly #boards: readonly {
    readonly path: string;
    readonly adapter: FastifyAdapter;
    add(queue: RegisteredQueue): void;
  }[];

  constructor(deps: QueueBoardDeps) {
    this.#deps = deps;
    this.#boards = [createBoard(PATHS.view, true), createBoard(PATHS.act, false)];
  }

  add(queue: RegisteredQueue): void {
    for (const board of this.#boards) board.add(queue);
  }

  /** Everything below /queues. */
  routes() {
    return async (server: FastifyInstance): Promise<void> => {
      for (const path of ["/queues", "/queues/"]) {
        server.get(path, (request, reply) => {
          if (!request.principal) return reply.redirect("/");
          return reply.redirect(`${selectBoardPath(request.principal)}/`);
        });
      }
      // A queue by name, on the board of the user's role.
      server.get("/queues/queue/:name", (request, reply) => {
        if (!request.principal) return reply.redirect("/");
        const { name } = request.params as { readonly name: string };
        return reply.redirect(`${selectBoardPath(request.principal)}/queue/${encodeURIComponent(name)}`);
      });
      for (const { path, adapter } of this.#boards) {
        await server.register(this.#scope(path, adapter));
      }
    };
  }

  /** One board, with the checks before all of its routes. */
  #scope(path: string, adapter: FastifyAdapter): FastifyPluginAsync {
    return async (scope) => {
      scope.addHook("onRequest", async (request, reply) => {
        reply.header("content-security-policy", BOARD_CSP);
        const redirectPath = findRedirect(request, path);
        if (redirectPath !== undefined) return await reply.redirect(redirectPath);
        await this.#authorize(request, path);
      });
      scope.addHook("onSend", async (_request, reply, payload) => {
        const isPage = String(reply.getHeader("content-type") ?? "").startsWith("text/html");
        if (!isPage || typeof payload !== "string") return payload;
        return payload.replace(EXTERNAL_LINK_TAG, "").replace("</head>", HIDE_ACTIONS_STYLE);
      });
      await scope.register(adapter.registerPlugin(), { prefix: path });
    };
  }

  async #authorize(request: FastifyRequest, path: string): Promise<void> {
    const principal = path === PATHS.act ? requireOperator(request) : requirePrincipal(request);
    const [pathname = ""] = request.url.split("?");
    // BullMQ's connection waits for ever while Redis is unavailable; this fails fast first.
    if (pathname.includes("/api/")) await this.#deps.breaker.run(this.#deps.discover);
    if (request.method === "GET" || request.method === "HEAD") return;
    requireSameOrigin(request);
    if (path !== PATHS.act || !ALLOWED_ACTIONS.test(pathname)) {
      throw new HttpError(ERRORS.jobsBelongToRuns);
    }
    const target = pathname.slice(`${PATHS.act}/api/queues/`.length).slice(0, 200);
    await this.#deps.breaker.run(() => this.#deps.audit.record(principal, { action: "queue", target }));
  }
}

function selectBoardPath({ role }: Pick<Principal, "role">): string {
  return role === "operator" ? PATHS.act : PATHS.view;
}

/** Where to redirect a browser that may not see the page; requests of scripts are refused instead. */
function findRedirect({ principal, method, headers, url }: FastifyRequest, path: string): string | undefined {
  const wantsPage = method === "GET" && (headers.accept ?? "").includes("text/html");
  if (!wantsPage || url.startsWith(`${path}/api/`)) return undefined;
  if (!principal) return "/";
  return path === PATHS.act && principal.role !== "operator" ? `${PATHS.view}/` : undefined;
}

function createBoard(path: string, readOnly: boolean) {
  const adapter = new FastifyAdapter();
  adapter.setBasePath(path);
  const board = createBullBoard({
    queues: [],
    serverAdapter: adapter,
    options: {
      uiConfig: {
        boardTitle: "Sluice",
        hideDocsLink: true,
        hideRedisDetails: true,
        showWorkers: false,
        miscLinks: [{ text: "Dashboard", url: "/" }],
        // bull-board can only offer all actions or none; those that are not allowed are refused.
        environment: readOnly ? undefined : { label: ALLOWED_ACTIONS_LABEL, color: "#6b7280", textColor: "#ffffff" },
      },
    },
  });
  return {
    path,
    adapter,
    add({ queue }: RegisteredQueue) {
      const masked = new BullMQAdapter(queue, { readOnlyMode: readOnly });
      masked.setFormatter("data", (data) => maskJobData(data));
      masked.setFormatter("returnValue", (value) => maskJobData(value));
      masked.setFormatter("progress", (value) => (typeof value === "number" ? value : maskJobData(value)));
      board.addQueue(masked);
    },
  };
}

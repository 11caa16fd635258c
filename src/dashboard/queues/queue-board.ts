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
import type { RegisteredQueue } from "#src/dashboard/snapshot/queue-registry.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/snapshot/redis-circuit-breaker.ts";
import { maskJobData } from "./mask-job.ts";

export interface QueueBoardDeps {
  readonly breaker: RedisCircuitBreaker;
  readonly audit: Audit;
  /** Looks for queues that appeared since the last time. */
  readonly discover: () => Promise<void>;
}

const PATHS = { view: "/queues/view", act: "/queues/act" } as const;

/**
 * What an operator may do to jobs. The rest would go behind the backs of the runs that queued them (their coordinators
 * would queue again what was removed), or would write back data that is shown masked.
 */
const ALLOWED_ACTIONS =
  /^\/queues\/act\/api\/queues\/(?:pause|resume|[^/]+\/(?:pause|resume|promote|retry\/[^/]+|[^/]+\/(?:retry|promote)))$/;

const ALLOWED_ACTIONS_LABEL =
  "Here: pause, resume, promote, retry. Adding, changing and removing jobs is refused: they belong to runs.";

/**
 * A queue's menu begins with adding a job and ends with concurrency, rate limit, emptying and obliterating, the last of which is
 * marked as dangerous. The board has no setting for single actions, so their places are hidden; what shows nevertheless, after a
 * change of the board, is refused all the same.
 */
const HIDE_ACTIONS_STYLE =
  '<style>:has(> [class*="danger-"]) > [role="menuitem"]:is(:first-child, :nth-last-child(-n+4)) { display: none }</style></head>';

/** The page of the queue board loads a font from elsewhere; the policy forbids it, and browsers complain aloud. */
const EXTERNAL_LINK_TAG = /<link href="https?:\/\/[^>]*>/g;

/**
 * BullMQ's queues as jobs, for those who want to see beneath: one board to look, one to act, both behind the same door
 * as everything else, with the contents of jobs masked.
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
      // A queue by its name, on whichever board the person may see.
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

  /** One board with what is checked before any of its routes. */
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
    // Its connection waits for ever for a Redis that is away; a page must not, so Redis is asked for something first.
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

/** Where a browser that asks for a page it may not see is sent; what scripts ask for is refused instead. */
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
        // The board knows only all of its actions or none; the others that it offers are refused.
        environment: readOnly ? undefined : { label: ALLOWED_ACTIONS_LABEL, color: "#6b7280", textColor: "#ffffff" },
      },
    },
  });
  return {
    path,
    adapter,
    add({ queue }: RegisteredQueue) {
      const shown = new BullMQAdapter(queue, { readOnlyMode: readOnly });
      shown.setFormatter("data", (data) => maskJobData(data));
      shown.setFormatter("returnValue", (value) => maskJobData(value));
      shown.setFormatter("progress", (value) => (typeof value === "number" ? value : maskJobData(value)));
      board.addQueue(shown);
    },
  };
}

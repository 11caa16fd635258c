import type { ReceivedCall, SimulatedResponse } from "#src/simulator/server/endpoint.ts";
import { createGeminiErrorResponse, invalidKeyResponse } from "./error-response.ts";

/** Both versions have the same methods. */
const PATH = /^\/gemini\/v1(beta)?\/models\/[^/]+$/;

/** What is wrong with the key or the model of a call. */
export function findAccessProblem(
  { path, headers, query }: ReceivedCall,
  apiKey: string,
  model: string,
): SimulatedResponse | undefined {
  const key = headers["x-goog-api-key"] ?? query.get("key");
  if (key === null || key === undefined)
    return createGeminiErrorResponse(
      403,
      "Method doesn't allow unregistered callers (callers without established identity).",
    );
  if (key !== apiKey) return invalidKeyResponse();
  return /^gemini-/.test(model) && PATH.test(path)
    ? undefined
    : createGeminiErrorResponse(
        404,
        `models/${model} is not found for API version v1, or is not supported for this method.`,
      );
}

/** The model in the path of a call. */
export function readModel(path: string): string {
  return decodeURIComponent(path.slice(path.lastIndexOf("/") + 1, path.lastIndexOf(":")));
}

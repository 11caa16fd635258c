import * as z from "zod";
import type { ApiContext } from "#src/api/api-context.ts";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import type { ApiPlugin } from "#src/api/http/typed-server.ts";
import { writeModel } from "./write-model.ts";

/** The models that the caller may use. */
export function modelRoutes({ models }: ApiContext): ApiPlugin {
  return async (server) => {
    server.get(
      "/v1/models",
      { schema: { tags: ["OpenAI"], summary: "List the available models" } },
      async ({ caller }) => {
        const listed = (await models.list()).filter(({ fullName }) => caller.allowsModel(fullName));
        return { object: "list", data: listed.map(writeModel) };
      },
    );
    server.get(
      "/v1/models/*",
      {
        schema: {
          tags: ["OpenAI"],
          summary: "Describe a model",
          // The names contain slashes, which clients encode or do not.
          params: z.object({ "*": z.string().min(1).max(400) }),
        },
      },
      async ({ params, caller }) => {
        const model = await models.get(params["*"]);
        if (!model || !caller.allowsModel(model.fullName)) {
          const available = (await models.list()).map(({ fullName }) => fullName);
          throw API_ERRORS.unknownModel(
            params["*"],
            available.filter((name) => caller.allowsModel(name)),
          );
        }
        return writeModel(model);
      },
    );
  };
}

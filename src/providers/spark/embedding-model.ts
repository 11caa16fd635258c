import { randomUUID } from "node:crypto";
import { invalidRequestError } from "#src/providers/invalid-request-error.ts";
import type { Call, EmbeddingModel, EmbeddingResponse } from "#src/providers/provider.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import { classifySparkResponse } from "./classify-error.ts";
import { decodeSparkEmbedding, encodeSparkEmbedding } from "./embedding-codec.ts";
import { SPARK_DIMENSIONS, SPARK_NAME, type SparkEmbeddingService } from "./profile.ts";
import { type SparkCredentials, signUrl } from "./sign-request.ts";
import { SignedEndpoint } from "./signed-endpoint.ts";

interface EmbeddingAccount extends SparkCredentials {
  readonly appId: string;
  /** Replaces the origins of all services. */
  readonly embeddingBaseUrl?: string;
}

/** An embedding service, which takes one text per call. */
export function createSparkEmbeddingModel(
  service: SparkEmbeddingService,
  account: EmbeddingAccount,
  transport: Transport,
  maxTokens?: number,
): EmbeddingModel {
  const { baseUrl, paths } = service;
  const at = (path: string) => new SignedEndpoint("POST", account.embeddingBaseUrl ?? baseUrl, path, baseUrl);
  const endpoints = { db: at(paths.db), query: at(paths.query) };
  return {
    maxInputs: 1,
    maxTokens,
    async embed({ inputs, purpose = "db", dimensions }, call) {
      const [text] = inputs;
      if (text === undefined || inputs.length > 1)
        throw invalidRequestError(
          SPARK_NAME,
          `an embedding call takes 1 input, not ${inputs.length}`,
          inputs.length > 1,
        );
      if (dimensions !== undefined && dimensions !== SPARK_DIMENSIONS)
        throw invalidRequestError(SPARK_NAME, `dimensions must be ${SPARK_DIMENSIONS}, not ${dimensions}`);
      const uid = randomUUID().replaceAll("-", "");
      const body = encodeSparkEmbedding(service, text, purpose, { appId: account.appId, uid });
      return postSigned(endpoints[purpose], account, body, transport, call);
    },
  };
}

/** Posts with a signature. After a 401, the next possible target of the endpoint is tried; see SignedEndpoint. */
async function postSigned(
  endpoint: SignedEndpoint,
  account: EmbeddingAccount,
  body: string,
  transport: Transport,
  call: Call,
): Promise<EmbeddingResponse> {
  let failure: unknown;
  for (const target of endpoint.targets) {
    const now = Date.now();
    const url = signUrl(endpoint.url, target, account, now);
    const headers = { "content-type": "application/json" };
    const response = await transport.post({ provider: SPARK_NAME, url, headers, body }, call);
    if (response.status !== 401) {
      if (response.status === 200) endpoint.confirm(target);
      return decodeSparkEmbedding(response, SPARK_DIMENSIONS, now);
    }
    failure = classifySparkResponse(response, now);
  }
  throw failure;
}

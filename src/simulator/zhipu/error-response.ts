import type { LimitName } from "#src/simulator/server/account.ts";
import { jsonResponse, type SimulatedResponse } from "#src/simulator/server/endpoint.ts";

/** HTTP status by error code. A 429 does not mean that a retry helps. */
const STATUSES: readonly (readonly [from: number, to: number, status: number])[] = [
  [500, 500, 500],
  [1000, 1005, 401],
  [1100, 1112, 403],
  [1113, 1113, 429],
  [1120, 1121, 403],
  [1200, 1200, 500],
  [1210, 1215, 400],
  [1220, 1222, 403],
  [1230, 1230, 500],
  [1231, 1233, 400],
  [1234, 1234, 500],
  [1261, 1261, 400],
  [1300, 1301, 400],
  [1302, 1321, 429],
];

const TEXTS: Readonly<Record<number, string>> = {
  1000: "身份验证失败。",
  1001: "Header中未收到Authorization参数，无法进行身份验证。",
  1002: "Authentication Token非法，请确认Authentication Token正确传递。",
  1003: "Authentication Token已过期，请重新生成/获取。",
  1004: "通过提供的Authentication Token的验证失败。",
  1113: "余额不足或无可用资源包,请充值。",
  1211: "模型不存在，请检查模型代码。",
  1231: "request_id已经存在。",
  1261: "Prompt exceeds max length",
  1302: "您的账户已达到速率限制，请您控制请求频率",
};

/** An error response of Zhipu, with the status of the code. */
export function errorResponse(code: number, message?: string): SimulatedResponse {
  const status = STATUSES.find(([from, to]) => code >= from && code <= to)?.[2] ?? 500;
  return jsonResponse(status, {
    error: { code: String(code), message: message ?? TEXTS[code] ?? "simulated failure" },
  });
}

const THROTTLES: Readonly<Record<LimitName, number>> = { concurrency: 1302, requests: 1303, tokens: 1305 };

export function throttle(limit: LimitName): SimulatedResponse {
  return errorResponse(THROTTLES[limit]);
}

import { expect, test } from "vitest";
import { loadConfig } from "#src/config/config.ts";

const load = (env: Record<string, string>) => loadConfig({ env, cwd: "/nonexistent" });

test("traces are off by default", () => {
  expect(load({}).traces).toBeUndefined();
  expect(load({ OTEL_SERVICE_NAME: "mine", OTEL_TRACES_SAMPLER_ARG: "0.5" }).traces).toBeUndefined();
});

test.each([
  [{ SLUICE_TRACES: "1" }, "http://localhost:4318/v1/traces"],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/" }, "http://collector:4318/v1/traces"],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://c.example/in" }, "https://c.example/in"],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://a", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://b/x" }, "http://b/x"],
])("%j sends spans to %s", (env, endpoint) => {
  expect(load(env).traces).toMatchObject({ endpoint, service: "sluice", sampleRatio: 1 });
});

const address = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };
test.each([
  { ...address, SLUICE_TRACES: "0" },
  { ...address, OTEL_SDK_DISABLED: "TRUE" },
  { ...address, OTEL_TRACES_EXPORTER: "none" },
])("%j turns traces off", (env) => {
  const config = load(env);
  expect(config.traces).toBeUndefined();
  expect(config.warnings).toEqual([]);
});

test.each([
  [{ ...address, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, /over HTTP only/],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" }, /not an http/],
])("%j, which cannot be used, is a warning and no problem", (env, warning) => {
  const config = load(env);
  expect(config.traces).toBeUndefined();
  expect(config.warnings.join()).toMatch(warning);
});

test("an invalid sampling ratio records everything", () => {
  const config = load({ ...address, OTEL_TRACES_SAMPLER_ARG: "many" });
  expect(config.traces?.sampleRatio).toBe(1);
  expect(config.warnings.join()).toMatch(/OTEL_TRACES_SAMPLER_ARG/);
  expect(load({ ...address, OTEL_TRACES_SAMPLER_ARG: "0.25" }).traces?.sampleRatio).toBe(0.25);
});

test("a token in the headers is a secret", () => {
  const config = load({ ...address, OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer s3cret-token" });
  expect(config.redactions()).toContain("Bearer s3cret-token");
  expect(JSON.stringify(config)).not.toContain("s3cret");
  expect(config.traces?.headers?.reveal()).toContain("s3cret");
});

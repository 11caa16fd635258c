// Bundles the pages of evaluation reports (src/dashboard/web/report) into one HTML file with a place for the data.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";
import { REPORT_MARKER } from "#src/evaluation/report/report-elements.ts";

/** The template: script and styles are inline, and the content security policy allows nothing else. */
export async function bundleReport(root: string): Promise<string> {
  const pages = join(root, "src/dashboard/web");
  const bundled = await build({
    configFile: false,
    root: pages,
    logLevel: "error",
    publicDir: false,
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      write: false,
      target: "es2022",
      cssCodeSplit: false,
      modulePreload: false,
      reportCompressedSize: false,
      rolldownOptions: {
        input: join(pages, "report/main.tsx"),
        output: { format: "iife", codeSplitting: false },
      },
    },
  });
  const files = [bundled].flat().flatMap((result) => ("output" in result ? result.output : []));
  const script = files.find((file) => file.type === "chunk")?.code.replaceAll("</script", "<\\/script");
  const style = files.find((file) => file.type === "asset" && file.fileName.endsWith(".css"));
  if (script === undefined || style?.type !== "asset") throw new Error("the report has no script or no style");
  const icon = Buffer.from(readFileSync(join(pages, "public/icon.svg"))).toString("base64");
  return renderTemplate(script.trim(), String(style.source).trim(), icon);
}

function renderTemplate(script: string, style: string, icon: string): string {
  const policy = [
    "default-src 'none'",
    `script-src ${hashSource(script)}`,
    `style-src ${hashSource(style)}`,
    // Charts are drawn from data: URLs before they are saved.
    "img-src data: blob:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const template = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Sluice</title>
<link rel="icon" href="data:image/svg+xml;base64,${icon}">
<style>${style}</style>
</head>
<body>
<div id="root"></div>
<noscript>This report needs JavaScript. 此报告需要 JavaScript。</noscript>
${REPORT_MARKER}
<script>${script}</script>
</body>
</html>
`;
  if (template.split(REPORT_MARKER).length !== 2) throw new Error("the report contains its marker twice");
  return template;
}

function hashSource(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

import { render } from "preact";
import { applyLanguage, initLanguage } from "#src/dashboard/web/i18n/i18n.ts";
import { initTheme } from "#src/dashboard/web/shell/theme.ts";
import "./report.css";
import { loadHead, loadRows } from "./load-report.ts";
import { ReportPage } from "./report-page.tsx";
import { ReportState } from "./report-state.ts";

async function openReport(): Promise<void> {
  initTheme();
  const head = await loadHead();
  await (head.language === undefined ? initLanguage() : applyLanguage(head.language));
  const state = new ReportState(head);
  document.title = `${head.evaluations.map(({ results }) => results.name).join(", ")} – Sluice`;
  const root = document.getElementById("root");
  if (root) render(<ReportPage state={state} />, root);
  await loadRows((rows) => state.add(rows));
  state.finishLoading();
}

openReport().catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  document.body.textContent = `This report cannot be opened: ${reason}. 无法打开此报告。`;
});

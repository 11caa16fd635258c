import { listFileSettings, listVariables, type SettingReference } from "#src/config/settings-reference.ts";

/** Sections of docs/configuration.md: every environment variable, and every key of sluice.yaml. */
export const SETTINGS_TABLES: Readonly<Record<string, () => string>> = {
  variables: () =>
    listVariables()
      .map(({ group, variables }) => `### ${group}\n\n${renderTable("variable", variables)}`)
      .join("\n\n"),
  "file-settings": () => renderTable("key", listFileSettings()),
};

function renderTable(heading: string, settings: readonly SettingReference[]): string {
  return [
    `| ${heading} | value | default | meaning |`,
    "| --- | --- | --- | --- |",
    ...settings.map(
      ({ name, type, default: preset, description }) =>
        `| \`${name}\` | ${escapeCell(type ?? "")} | ${escapeCell(preset ?? "")} | ${escapeCell(description)} |`,
    ),
  ].join("\n");
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

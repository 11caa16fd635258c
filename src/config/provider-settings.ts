/** How a provider is configured: the variables that hold its account, and what else its account consists of. */
export interface ProviderSettings {
  readonly apiKey: string;
  readonly baseUrl: { readonly variable: string; readonly otherwise: string };
  /** Further parts of the account by their name in sluice.yaml. A required one counts as missing when absent. */
  readonly extra: Readonly<Record<string, { readonly variable: string; readonly required: boolean }>>;
}

/**
 * One line per provider; variables, the schema of sluice.yaml and the check for missing keys follow from it.
 * MiniMax: keys of the `sk-` form are bound to their group, older ones need the group id beside them.
 */
const SETTINGS: Readonly<Record<string, ProviderSettings>> = {
  minimax: settings("MINIMAX", "https://api.minimaxi.com/v1", { groupId: "optional" }),
};

export const PROVIDER_SETTINGS: ReadonlyMap<string, ProviderSettings> = new Map(Object.entries(SETTINGS));

function settings(
  prefix: string,
  baseUrl: string,
  extra: Readonly<Record<string, "optional" | "required">> = {},
): ProviderSettings {
  return {
    apiKey: `${prefix}_API_KEY`,
    baseUrl: { variable: `${prefix}_BASE_URL`, otherwise: baseUrl },
    extra: Object.fromEntries(
      Object.entries(extra).map(([field, need]) => [
        field,
        { variable: `${prefix}_${capitals(field)}`, required: need === "required" },
      ]),
    ),
  };
}

/** "groupId" -> "GROUP_ID". */
function capitals(field: string): string {
  return field.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** Headings of the top-level help, in their order. */
export const HELP_GROUPS = ["Run jobs", "Watch and control runs", "Providers and models", "Operate"] as const;
export type HelpGroup = (typeof HELP_GROUPS)[number];

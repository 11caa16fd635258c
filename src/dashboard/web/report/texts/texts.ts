import { computed } from "@preact/signals";
import { language } from "#src/dashboard/web/i18n/i18n.ts";
import { reportEn } from "./en.ts";
import { reportZh } from "./zh.ts";

/** The texts of reports in the selected language. */
export const texts = computed(() => (language.value === "zh" ? reportZh : reportEn));

/** Full-width letters and digits, ligatures, and compatibility forms become ordinary ones; runs of white space become one space. */
export function normalizeAnswerText(text: string): string {
  return text.normalize("NFKC").replace(/\s+/g, " ").trim();
}

/** As SQuAD's evaluation: lower case, without punctuation and English articles. */
export function simplifyText(text: string): string {
  return normalizeAnswerText(
    text
      .normalize("NFKC")
      .toLowerCase()
      .replace(/[\p{P}\p{S}]/gu, "")
      .replace(/\b(a|an|the)\b/g, " "),
  );
}

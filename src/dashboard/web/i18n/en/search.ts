/** Texts of the search page. */
export const searchEn = {
  search: {
    title: "Search by similarity",
    run: "Finished embedding run",
    text: "Search text",
    resultCount: "Results",
    searchRecords: "Search records",
    cost: "Each search makes one API call.",
    operatorsOnly: "Each search makes one API call, so only operators can search.",
    noRuns: "No finished embedding runs yet. Start one:",
    nearestRecords: "Nearest records",
    noHits: "The output contains no vectors.",
    modelAndTime: (model: string, time: string) => `${model}, ${time}`,
    score: "Cosine similarity (1 = same direction)",
    noText: "The output contains no texts. Embed with --with-text to see them here.",
  },
};

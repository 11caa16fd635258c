let convert: Promise<(html: string) => string> | undefined;

/** The readable text of a page: no links, images, scripts or styles; paragraphs stay apart, lists keep their dashes. */
export async function htmlToText(html: string): Promise<string> {
  convert ??= loadConverter();
  const text = (await convert)(html);
  return text;
}

/** Loaded when the first page is read: the parser costs start-up time that no other source should pay. */
async function loadConverter(): Promise<(html: string) => string> {
  const { compile } = await import("html-to-text");
  const headings = ["h1", "h2", "h3", "h4", "h5", "h6"];
  return compile({
    wordwrap: false,
    // The default cuts long pages off without an error; the size of a document is checked before.
    limits: { maxInputLength: undefined },
    selectors: [
      { selector: "a", options: { ignoreHref: true } },
      { selector: "img", format: "skip" },
      { selector: "script", format: "skip" },
      { selector: "style", format: "skip" },
      { selector: "ul", options: { itemPrefix: "- " } },
      ...headings.map((selector) => ({ selector, options: { uppercase: false } })),
      // Cells of a table have nothing between them otherwise, and their words would run together.
      { selector: "tr", format: "block", options: { leadingLineBreaks: 1, trailingLineBreaks: 1 } },
      { selector: "td", format: "inlineSurround", options: { prefix: " ", suffix: " " } },
      { selector: "th", format: "inlineSurround", options: { prefix: " ", suffix: " " } },
    ],
  });
}

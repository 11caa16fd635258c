import { compile } from "html-to-text";

const HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"];

/**
 * Converts a page to readable text without links, images, scripts and styles. Paragraphs stay separate, and list items
 * keep their dashes. Import this module dynamically: the parser costs start-up time that other sources do not need.
 */
export const htmlToText: (html: string) => string = compile({
  wordwrap: false,
  // The default truncates long pages without an error; the size of a document is checked before.
  limits: { maxInputLength: undefined },
  selectors: [
    { selector: "a", options: { ignoreHref: true } },
    { selector: "img", format: "skip" },
    { selector: "script", format: "skip" },
    { selector: "style", format: "skip" },
    { selector: "ul", options: { itemPrefix: "- " } },
    ...HEADINGS.map((selector) => ({ selector, options: { uppercase: false } })),
    // Without this, table cells have no separator and their words run together.
    { selector: "tr", format: "block", options: { leadingLineBreaks: 1, trailingLineBreaks: 1 } },
    { selector: "td", format: "inlineSurround", options: { prefix: " ", suffix: " " } },
    { selector: "th", format: "inlineSurround", options: { prefix: " ", suffix: " " } },
  ],
});

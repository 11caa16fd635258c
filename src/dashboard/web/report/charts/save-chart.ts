/** Saves a chart as a file, in the colours that it is shown with. */
export async function saveChart(chart: SVGSVGElement, name: string, format: "svg" | "png"): Promise<void> {
  const copy = chart.cloneNode(true) as SVGSVGElement;
  const { width, height } = chart.viewBox.baseVal;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  for (const element of [copy, ...copy.querySelectorAll("[fill], [stroke]")]) resolveColors(element);
  const text = new XMLSerializer().serializeToString(copy);
  const svg = new Blob([text], { type: "image/svg+xml" });
  const file = format === "svg" ? svg : await drawPng(text, width, height);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = `${name.replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 80)}.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A file on its own does not know the variables of the page. */
function resolveColors(element: Element): void {
  for (const name of ["fill", "stroke"]) {
    if (!element.getAttribute(name)?.startsWith("var(")) continue;
    const probe = document.createElement("i");
    probe.style.color = element.getAttribute(name) ?? "";
    document.body.append(probe);
    element.setAttribute(name, getComputedStyle(probe).color);
    probe.remove();
  }
}

const PIXEL_RATIO = 2;

async function drawPng(svg: string, width: number, height: number): Promise<Blob> {
  const image = new Image(width * PIXEL_RATIO, height * PIXEL_RATIO);
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d")?.drawImage(image, 0, 0, image.width, image.height);
  return await new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the chart cannot be drawn"))), "image/png");
  });
}

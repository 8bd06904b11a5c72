"use strict";

// Line charts as inline SVG: a chart is {title, x, xLabel, series: [{name, colour, y}], log}.
// Values that are null leave a gap. The axes show round numbers.

const svgSpace = "http://www.w3.org/2000/svg";
const frame = { width: 520, height: 230, left: 52, right: 24, top: 10, bottom: 34 };

function shape(name, attributes, text) {
  const e = document.createElementNS(svgSpace, name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  if (text !== undefined) e.textContent = text;
  return e;
}

// rounded writes a number with few digits.
function rounded(x) {
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e6 || size < 1e-3) return x.toExponential(1).replace("e+", "e").replace(".0e", "e");
  return String(Number(x.toPrecision(4)));
}

// ticks are about n round numbers between two others.
function ticks(low, high, n) {
  const rough = (high - low) / n, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find(f => f * power >= rough);
  const list = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) list.push(k * step);
  return list;
}

// logTicks are powers of ten, with 2 and 5 between them if there are few.
function logTicks(low, high) {
  const list = [];
  const factors = Math.log10(high / low) < 2 ? [1, 2, 5] : [1];
  for (let p = Math.floor(Math.log10(low)); p <= Math.log10(high); p++)
    for (const f of factors) if (f * 10 ** p >= low && f * 10 ** p <= high) list.push(f * 10 ** p);
  return list.length > 1 ? list : ticks(low, high, 4);
}

function extent(values) {
  let low = Infinity, high = -Infinity;
  for (const v of values) if (v !== null && isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
  return [low, high];
}

// chart draws, and returns a figure, or null if there is nothing to draw.
function chart(c) {
  const logarithmic = c.log && c.series.every(s => s.y.every(v => v === null || v > 0));
  let [low, high] = extent(c.series.flatMap(s => s.y));
  let [first, last] = extent(c.x);
  if (!(low <= high) || !(first <= last)) return null;
  if (c.until > last) last = c.until;
  if (first === last) { first -= 0.5; last += 0.5; }
  if (logarithmic) { low /= 1.08; high *= 1.08; }
  else {
    if (low > 0 && low < 0.6 * high) low = 0;
    const margin = (high - low || Math.abs(high) || 1) * 0.06;
    high += margin;
    if (low !== 0) low -= margin;
  }
  const f = frame, toX = v => f.left + (v - first) / (last - first) * (f.width - f.left - f.right);
  const scale = logarithmic ? Math.log : v => v;
  const toY = v => f.height - f.bottom - (scale(v) - scale(low)) / (scale(high) - scale(low)) * (f.height - f.top - f.bottom);

  const svg = shape("svg", { viewBox: `0 0 ${f.width} ${f.height}`, role: "img", "aria-label": c.title });
  for (const v of logarithmic ? logTicks(low, high) : ticks(low, high, 4)) {
    svg.append(shape("line", { class: "grid", x1: f.left, x2: f.width - f.right, y1: toY(v), y2: toY(v) }),
      shape("text", { x: f.left - 7, y: toY(v) + 4, "text-anchor": "end" }, rounded(v)));
  }
  for (const v of ticks(first, last, 5))
    svg.append(shape("text", { x: toX(v), y: f.height - f.bottom + 15, "text-anchor": "middle" }, rounded(v)));
  svg.append(shape("line", { class: "axis", x1: f.left, x2: f.width - f.right, y1: f.height - f.bottom, y2: f.height - f.bottom }),
    shape("text", { x: (f.left + f.width - f.right) / 2, y: f.height - 4, "text-anchor": "middle" }, c.xLabel));
  for (const s of c.series) {
    let d = "", pen = "M";
    s.y.forEach((v, i) => {
      if (v === null) { pen = "M"; return; }
      d += `${pen}${toX(c.x[i]).toFixed(1)} ${toY(v).toFixed(1)}`;
      pen = "L";
    });
    const line = shape("path", { d });
    line.style.stroke = `var(--${s.colour})`;
    svg.append(line);
    if (c.x.length === 1 && s.y[0] !== null) {
      const dot = shape("circle", { cx: toX(c.x[0]), cy: toY(s.y[0]), r: 3 });
      dot.style.fill = `var(--${s.colour})`;
      svg.append(dot);
    }
  }

  const figure = element("figure", { class: "chart" });
  const caption = element("figcaption", {}, element("span", {}, c.title));
  for (const s of c.series) {
    const key = element("span", { class: "key" }, s.name);
    key.style.setProperty("--c", `var(--${s.colour})`);
    caption.append(key);
  }
  figure.append(caption, svg);
  follow(figure, svg, c, toX, first, last);
  return figure;
}

// follow shows the values under the pointer.
function follow(figure, svg, c, toX, first, last) {
  const hair = shape("line", { class: "hair", y1: frame.top, y2: frame.height - frame.bottom, visibility: "hidden" });
  const tip = element("div", { class: "tip" });
  tip.hidden = true;
  svg.append(hair);
  figure.append(tip);
  svg.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width * frame.width;
    let nearest = 0;
    c.x.forEach((v, i) => { if (Math.abs(toX(v) - at) < Math.abs(toX(c.x[nearest]) - at)) nearest = i; });
    const x = toX(c.x[nearest]);
    hair.setAttribute("x1", x);
    hair.setAttribute("x2", x);
    hair.setAttribute("visibility", "visible");
    tip.textContent = `${c.xLabel} ${c.x[nearest]}: ` +
      c.series.map(s => `${s.name} ${s.y[nearest] === null ? "–" : rounded(s.y[nearest])}`).join(", ");
    tip.hidden = false;
    const left = x / frame.width * box.width;
    tip.style.left = `${Math.max(0, Math.min(left - tip.offsetWidth / 2, box.width - tip.offsetWidth))}px`;
    tip.style.top = `${svg.offsetTop + 4}px`;
  });
  svg.addEventListener("pointerleave", () => { hair.setAttribute("visibility", "hidden"); tip.hidden = true; });
}

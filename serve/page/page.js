"use strict";

// The page: the address behind # names a run, or nothing for the list. Each state
// comes as one event and is drawn anew; all text goes in as text.

const main = document.getElementById("main");
let source = null, state = null, shownRun = "";
const images = new Map(); // by address, so that a new state does not load them again

function element(name, attributes, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  e.append(...children.filter(c => c !== null && c !== undefined));
  return e;
}

function card(title, ...children) {
  return element("section", { class: "card" }, title ? element("h2", {}, title) : null, ...children);
}

function duration(seconds) {
  if (!(seconds >= 0)) return "–";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${(seconds / 3600).toFixed(1)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

// ago is a time that goes on by itself.
function ago(time) {
  const e = element("time", { datetime: time, title: new Date(time).toLocaleString() });
  tell(e);
  return e;
}

function tell(e) {
  const seconds = (Date.now() - new Date(e.dateTime)) / 1000;
  e.textContent = seconds < 3 ? "now" : `${duration(Math.max(seconds, 10))} ago`;
}

setInterval(() => document.querySelectorAll("time").forEach(tell), 1000);

function chip(run) { return element("span", { class: `state ${run.state}` }, run.state || "unknown"); }

function progress(run, big) {
  const bar = element("div", { class: `bar ${run.state}`, role: "progressbar", "aria-valuenow": Math.round(100 * run.share), "aria-valuemin": 0, "aria-valuemax": 100 });
  const fill = element("span", {});
  fill.style.width = `${100 * run.share}%`;
  bar.append(fill);
  const share = run.share >= 1 || run.share === 0 ? Math.round(100 * run.share) : Math.min(99, Math.floor(100 * run.share));
  return element("div", { class: `progress${big ? " big" : ""}` }, bar, element("b", {}, `${share} %`));
}

function fileURL(run, path) {
  const full = run.path === "." ? path : `${run.path}/${path}`;
  return "files/" + full.split("/").map(encodeURIComponent).join("/");
}

function drawList(list) {
  document.title = "retrace";
  if (list.runs.length === 0)
    return [element("p", { class: "empty" }, "No runs here yet. A run directory appears on this page as soon as a command has made it.")];
  const active = list.runs.filter(r => r.state === "running").length;
  const rows = list.runs.map(run => element("a", { class: "run", href: `#${encodeURIComponent(run.path)}` },
    element("span", {}, chip(run)),
    element("span", {}, element("div", { class: "name" }, run.name), element("div", { class: "meta" }, `${run.kind} · ${run.path}`)),
    element("span", {}, progress(run), run.doing ? element("div", { class: "doing" }, run.doing) : null),
    element("span", { class: "when" }, run.changed ? ago(run.changed) : "")));
  return [element("p", { class: "soft small" }, `${list.runs.length} ${list.runs.length === 1 ? "run" : "runs"}, ${active} running`),
    element("div", { class: "runs" }, ...rows)];
}

function tile(name, value, bad) { return element("div", { class: `tile${bad ? " bad" : ""}` }, element("span", {}, name), element("b", {}, value)); }

function drawRun(run) {
  document.title = `${run.name} · retrace`;
  return [drawTop(run), drawAlarms(run), drawStages(run), drawTraining(run), drawWindows(run), drawWorkers(run),
    drawScores(run), drawFigures(run), drawLog(run), drawFacts(run)].filter(e => e);
}

function drawTop(run) {
  const b = run.batch, tiles = [];
  if (run.total > 0) tiles.push(tile(b ? "windows done" : "units done", `${run.done} of ${run.total}`));
  if (b) {
    tiles.push(tile("joined", b.joined), tile("in hand", b.running), tile("failed", b.failed, b.failed > 0));
    if (b.retrying > 0) tiles.push(tile("retrying", b.retrying, true));
    if (b.blocked > 0) tiles.push(tile("blocked", b.blocked, true));
    if (b.per_hour > 0) tiles.push(tile("windows an hour", rounded(Math.round(b.per_hour * 10) / 10)));
  }
  const spent = (run.stages || []).reduce((sum, s) => sum + s.seconds, 0);
  if (spent > 0 && !b) tiles.push(tile("time spent", duration(spent)));
  if (run.left !== undefined && run.state === "running") tiles.push(tile("time left", duration(run.left)));
  return element("section", { class: "card" },
    element("div", { class: "top" }, element("h1", {}, run.name), chip(run), element("span", { class: "soft small" }, run.kind),
      run.changed ? element("span", { class: "soft small" }, "changed ", ago(run.changed)) : null),
    run.doing ? element("p", { class: "doing" }, run.doing) : null,
    progress(run, true), tiles.length ? element("div", { class: "tiles" }, ...tiles) : null,
    (run.files || []).length ? element("p", { class: "links" }, ...run.files.map(f => element("a", { href: fileURL(run, f), target: "_blank", rel: "noopener" }, f))) : null);
}

function drawAlarms(run) {
  const list = run.batch ? [...(run.batch.failures || []), ...(run.batch.alarms || [])] : [];
  if (list.length === 0) return null;
  const most = 12;
  return card("Alarms", ...list.slice(0, most).map(text => element("p", { class: "alarm" }, text)),
    list.length > most ? element("p", { class: "soft small" }, `and ${list.length - most} more`) : null);
}

function drawStages(run) {
  if (!(run.stages || []).length) return null;
  return card("Stages", element("div", { class: "stages" }, ...run.stages.map(stage => {
    const complete = stage.units.filter(u => u.state === "done").length;
    const state = complete === stage.units.length ? "done"
      : stage.units.some(u => u.state === "running") ? "running"
      : stage.units.some(u => u.state === "interrupted") ? "interrupted" : "";
    const cells = stage.units.map(u => element("i", { class: u.state, title: `${u.name}: ${u.state}${u.seconds ? ", " + duration(u.seconds) : ""}` }));
    return element("div", { class: `stage ${state}` }, element("b", {}, stage.name), element("div", { class: "cells" }, ...cells),
      element("span", { class: "soft small" }, `${complete} of ${stage.units.length}${stage.seconds > 0 ? " · " + duration(stage.seconds) : ""}`));
  })));
}

function drawTraining(run) {
  const t = run.training;
  if (!t || t.step.length === 0) return null;
  const figure = chart({ title: "Loss", x: t.step, xLabel: "step", until: t.steps, log: true,
    series: [{ name: "training", colour: "blue", y: t.loss }, { name: "validation", colour: "orange", y: t.validation }] });
  return figure && card("Training", element("div", { class: "charts" }, figure));
}

// panels say which numbers of a window share a chart.
const panels = [
  { title: "Error and spread", names: ["rmse", "spread"] },
  { title: "Residual and spread of observed values, in units of the noise", names: ["residual", "observed_spread"] },
  { title: "Innovations over what is expected of them: about 1", names: ["chi2"] },
  { title: "Observations", names: ["observed", "used"] },
  { title: "Wall time of a window [s]", names: ["seconds"] },
  { title: "Memory of its worker [MB]", names: ["memory"], unit: 1e6 },
];
const colours = ["blue", "orange", "green", "red", "purple"];

function drawWindows(run) {
  const w = run.windows;
  if (!w || !w.index) return null;
  const charts = panels.map(p => {
    const series = p.names.map(name => (w.series || []).find(s => s.name === name)).filter(s => s)
      .map((s, i) => ({ name: s.name.replaceAll("_", " "), colour: colours[i], y: p.unit ? s.values.map(v => v === null ? v : v / p.unit) : s.values }));
    return series.length ? chart({ title: p.title, x: w.index, xLabel: "window", until: run.total - 1, series }) : null;
  }).filter(c => c);
  return charts.length ? card("Windows", element("div", { class: "charts" }, ...charts)) : null;
}

function grid(columns, rows, numeric) {
  const number = (rows, i) => numeric ? numeric.includes(i) : rows.every(r => r[i] === "" || r[i] === undefined || !isNaN(r[i]));
  const kinds = columns.map((_, i) => number(rows, i) ? "n" : "");
  return element("div", { class: "scroll" }, element("table", {},
    element("thead", {}, element("tr", {}, ...columns.map((c, i) => element("th", { class: kinds[i] }, c)))),
    element("tbody", {}, ...rows.map(r => element("tr", {}, ...columns.map((_, i) => element("td", { class: kinds[i] }, r[i] === undefined ? "" : r[i])))))));
}

function drawWorkers(run) {
  const list = run.batch && run.batch.workers;
  if (!list || !list.length) return null;
  return card(`Workers (${list.length})`, grid(["worker", "window", "since", "done", "failed attempts", "last sign of life"],
    list.map(w => [w.name, w.window < 0 ? "waiting" : w.window, ago(w.since), w.done, w.failed, ago(w.seen)]), [3, 4]));
}

function drawScores(run) {
  if (!run.scores || !run.scores.rows.length) return null;
  return card("Scores", grid(run.scores.columns, run.scores.rows),
    run.scores.note ? element("p", { class: "soft small" }, run.scores.note) : null);
}

function drawFigures(run) {
  if (!(run.figures || []).length) return null;
  return card("Figures, the newest first", element("div", { class: "figures" }, ...run.figures.map(f => {
    const address = `${fileURL(run, f.path)}?${encodeURIComponent(f.modified)}`;
    if (!images.has(address)) images.set(address, element("img", { src: address, alt: f.path, loading: images.size < 12 ? "eager" : "lazy" }));
    return element("figure", {}, element("a", { href: fileURL(run, f.path), target: "_blank", rel: "noopener" }, images.get(address)),
      element("figcaption", {}, f.path, " · ", ago(f.modified), f.pdf ? " · " : "",
        f.pdf ? element("a", { href: fileURL(run, f.pdf), target: "_blank", rel: "noopener" }, "PDF") : ""));
  })));
}

function drawLog(run) {
  if (!(run.log || []).length) return null;
  return card("Log, the latest first", element("div", { class: "log" }, ...run.log.map(l => element("div", { class: l.level },
    element("span", { class: "soft", title: l.time }, new Date(l.time).toLocaleTimeString()), element("span", {}, l.message), element("span", {}, l.detail || "")))));
}

function drawFacts(run) {
  const facts = [["path", run.path], ...(run.facts || [])];
  return card("Provenance", element("table", { class: "facts" }, element("tbody", {},
    ...facts.map(([name, value]) => element("tr", {}, element("th", {}, name), element("td", {}, value))))));
}

// draw puts the state on the page; a log that is being read stays where it is.
function draw() {
  document.getElementById("folder").textContent = state.folder;
  const log = main.querySelector(".log"), scroll = log ? log.scrollTop : 0;
  main.replaceChildren(...(shownRun === "" ? drawList(state) : drawRun(state)));
  const next = main.querySelector(".log");
  if (next) next.scrollTop = scroll;
}

function connection(kind, text) {
  const link = document.getElementById("link");
  link.className = `link ${kind}`;
  link.textContent = text;
}

// follow the run that the address names.
function connect() {
  if (source) source.close();
  shownRun = decodeURIComponent(location.hash.slice(1));
  images.clear();
  const stream = new EventSource(`events${shownRun ? "?run=" + encodeURIComponent(shownRun) : ""}`);
  source = stream;
  stream.onopen = () => connection("live", "live");
  stream.onmessage = event => { state = JSON.parse(event.data); draw(); };
  stream.onerror = () => {
    if (stream.readyState === EventSource.CLOSED) {
      connection("lost", "not there");
      main.replaceChildren(element("p", { class: "empty" }, `There is no run ${shownRun}. `, element("a", { href: "#" }, "All runs")));
    } else connection("lost", "connection lost, trying again");
  };
}

addEventListener("hashchange", () => { connect(); scrollTo(0, 0); });
connect();

"use strict";
(() => {
const $ = id => document.getElementById(id);
// Folded on a screen, open in the source and on paper.
const folds = [...document.querySelectorAll("details")];
const fold = () => folds.forEach((d, i) => { d.open = d.matches(".grids > details:nth-of-type(-n+2)"); });
fold();
const browser = $("browser"), excerpts = $("excerpts");
let ready = false;
addEventListener("beforeprint", () => { folds.forEach(d => { d.open = true; }); excerpts.hidden = false; });
addEventListener("afterprint", () => { fold(); excerpts.hidden = ready; });

const el = (tag, attributes, ...children) => {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  node.append(...children);
  return node;
};
// What a reader cannot see is shown as a token: control, bidirectional, zero-width.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udfff]/g;
const shown = (text, most) => {
  const out = el("bdi"), cut = most && text.length > most ? text.slice(0, most) : text;
  let from = 0;
  for (const found of cut.matchAll(HIDDEN)) {
    const code = found[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    out.append(cut.slice(from, found.index), el("span", { class: "token" }, "U+" + code));
    from = found.index + found[0].length;
  }
  out.append(cut.slice(from));
  return out;
};
const LONG = 4000;
const block = (text, kind) => {
  const pre = el("pre", kind ? { class: kind } : {}, shown(text, LONG));
  if (text.length <= LONG) return [pre];
  const more = el("button", { type: "button" }, "Show all " + text.length.toLocaleString("en") + " characters");
  more.addEventListener("click", () => { pre.replaceChildren(shown(text)); more.remove(); });
  return [pre, more];
};
const inflate = async id => {
  const node = $(id);
  if (!node) return null;
  const bytes = Uint8Array.from(atob(node.textContent), c => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
};
const blocks = new Map();
const texts = number => {
  if (!blocks.has(number)) blocks.set(number, inflate("texts-" + number).then(list => new Map(list.map(item => [item.i, item]))));
  return blocks.get(number);
};

const WORDS = { s: "scored", u: "unparsed", t: "truncated", r: "refused", e: "error", "-": "not asked" };
const PAGE = 100;
let data, found = [], page = 0, current = -1, haystack = null, turn = 0;
const suite = $("f-suite"), model = $("f-model"), outcome = $("f-outcome"), text = $("f-text");

// One state, one parser, one writer: the address.
const read = () => {
  const q = new URLSearchParams(location.hash.replace(/^#samples&?/, "").replace(/^#.*/, ""));
  suite.value = q.get("s") ?? ""; model.value = q.get("m") ?? ""; outcome.value = q.get("o") ?? ""; text.value = q.get("q") ?? "";
  for (const select of [suite, model, outcome]) if (select.selectedIndex < 0) select.value = "";
  return q.get("id");
};
const write = push => {
  const q = new URLSearchParams();
  for (const [key, field] of [["s", suite], ["m", model], ["o", outcome], ["q", text]]) if (field.value) q.set(key, field.value);
  if (current >= 0) q.set("id", data.suite[current] + "/" + data.id[current]);
  const hash = "#samples" + (q.size ? "&" + q : "");
  if (push) history.pushState(null, "", hash); else history.replaceState(null, "", hash);
};
const right = (m, i) => data.outcome[m][i] === "s" && data.score[m][i] === 1000;
const fits = i => {
  if (suite.value && String(data.suite[i]) !== suite.value) return false;
  const models = (model.value ? [Number(model.value)] : data.models.map((_, m) => m)).filter(m => data.outcome[m][i] !== "-");
  if (!models.length) return false;
  switch (outcome.value) {
    case "": break;
    case "right": if (!models.every(m => right(m, i))) return false; break;
    case "wrong": if (models.every(m => right(m, i))) return false; break;
    case "differ": if (new Set(data.models.map((_, m) => data.outcome[m][i] === "-" ? null : data.outcome[m][i] + data.score[m][i]).filter(x => x)).size < 2) return false; break;
    default: if (!models.some(m => WORDS[data.outcome[m][i]] === outcome.value)) return false;
  }
  const wanted = text.value.toLowerCase();
  return !wanted || data.id[i].toLowerCase().includes(wanted) || (haystack && haystack[i] && haystack[i].includes(wanted));
};
const load = async () => {
  if (haystack || data.share) return;
  const all = [];
  for (const number of new Set(data.block.filter(b => b >= 0))) for (const [i, item] of await texts(number)) {
    all[i] = [item.x, ...item.p.flat().map(m => m.t), ...item.a.flatMap(a => [a.t, a.d, a.e || ""])].join("\n").toLowerCase();
  }
  haystack = all;
};
const refresh = async keep => {
  const mine = ++turn;
  if (text.value) await load();
  if (mine !== turn) return;
  found = data.id.map((_, i) => i).filter(fits);
  if (!keep) page = 0;
  draw();
};
const draw = () => {
  const last = Math.max(0, Math.ceil(found.length / PAGE) - 1);
  page = Math.min(page, last);
  const models = model.value ? [Number(model.value)] : data.models.map((_, m) => m);
  $("list").tHead.replaceChildren(el("tr", {}, el("th", { scope: "col" }, "sample"), ...models.map(m => el("th", { scope: "col", class: "tick", title: data.models[m] }, shown(data.models[m])))));
  const rows = found.slice(page * PAGE, (page + 1) * PAGE).map(i => {
    const ticks = models.map(m => {
      const o = data.outcome[m][i], s = data.score[m][i];
      const good = right(m, i);
      const word = o !== "s" ? (o === "-" ? "–" : WORDS[o]) : good ? "✓" : s === 0 ? "✗" : "◐ " + (s / 1000).toFixed(2);
      return el("td", { class: "tick " + (good || o === "-" ? "ok" : "bad"), title: o === "s" ? (good ? "right" : s === 0 ? "wrong" : "partly right") : WORDS[o] }, word);
    });
    const id = el("td", { class: "id" }, shown(data.id[i]));
    if (!suite.value) id.append(el("span", { class: "sub block" }, shown(data.suites[data.suite[i]])));
    const row = el("tr", { tabindex: "-1", "data-i": i }, id, ...ticks);
    if (i === current) row.setAttribute("aria-current", "true");
    return row;
  });
  if (rows.length) (rows.find(r => r.getAttribute("aria-current")) || rows[0]).tabIndex = 0;
  $("list").tBodies[0].replaceChildren(...rows);
  const embedded = data.block.filter(b => b >= 0).length;
  $("shown").textContent = found.length.toLocaleString("en") + " of " + data.id.length.toLocaleString("en") + " samples" +
    (data.id.length < data.count ? " in this list; the run has " + data.count.toLocaleString("en") : "") +
    (data.share ? "; no texts in a shared report" : embedded < data.id.length ? "; texts of " + embedded.toLocaleString("en") + " are in this file" + (text.value ? ", only those are searched" : "") : "") + ".";
  $("page").textContent = found.length ? (page * PAGE + 1) + "–" + Math.min(found.length, (page + 1) * PAGE) + " of " + found.length : "no sample fits";
  $("previous").disabled = page === 0; $("next").disabled = page >= last;
};
const number = (value, unit) => value === null ? "–" : value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 }) + unit;
const open = async (i, focus) => {
  current = i;
  for (const row of $("list").tBodies[0].rows) {
    const mine = Number(row.dataset.i) === i;
    if (mine) { row.setAttribute("aria-current", "true"); row.tabIndex = 0; } else { row.removeAttribute("aria-current"); row.tabIndex = -1; }
  }
  const detail = $("detail");
  const head = el("h3", {}, shown(data.id[i]), " ", el("span", { class: "sub" }, shown(data.suites[data.suite[i]])));
  if (data.block[i] < 0) {
    const lines = data.models.map((name, m) => el("p", { class: "role" }, el("strong", {}, shown(name)), " " + WORDS[data.outcome[m][i]] + (data.score[m][i] >= 0 ? ", score " + (data.score[m][i] / 1000).toFixed(2) : "")));
    detail.replaceChildren(head, el("p", { class: "empty" }, data.share ? "A shared report holds no texts." : "The texts of this sample are not in this file: rightsize report DIR --embed all writes them."), ...lines);
  } else {
    const item = (await texts(data.block[i])).get(i);
    if (current !== i) return;
    const parts = [head];
    item.p.forEach((messages, at) => {
      if (!messages.length) parts.push(el("p", { class: "empty" }, "The prompt was not kept."));
      for (const m of messages) parts.push(el("p", { class: "role" }, m.r || "prompt", item.p.length > 1 ? " (prompt " + (at + 1) + ")" : ""), ...block(m.t));
    });
    parts.push(el("p", { class: "role" }, "expected"), ...block(item.x, "expected"));
    for (const a of item.a) {
      const facts = [a.o + (a.s === null ? "" : ", score " + a.s.toFixed(2))];
      if (a.n) facts.push("repeat " + a.n);
      if (item.p.length > 1) facts.push("prompt " + ((a.p || 0) + 1));
      if (a.l[0] !== null) facts.push("TTFT " + number(a.l[0], " ms"));
      if (a.l[1] !== null) facts.push("end to end " + number(a.l[1], " ms"));
      if (a.l[2] !== null || a.l[3] !== null) facts.push(number(a.l[2], "") + " → " + number(a.l[3], " tokens"));
      parts.push(el("p", { class: "role" }, el("strong", {}, shown(data.models[a.m])), " ", el("span", { class: a.s === 1 ? "ok" : "bad" }, facts.shift()), facts.length ? ", " + facts.join(", ") : ""));
      if (a.g) parts.push(el("p", { class: "role" }, "reasoning"), ...block(a.g));
      parts.push(...block(a.e || a.t));
      if (!a.e) parts.push(el("p", { class: "sub" }, a.d ? (a.d === a.t ? "read as it stands" : "read as ") : "nothing could be read", a.d && a.d !== a.t ? shown(a.d, LONG) : ""));
      if (a.v) parts.push(el("p", { class: "sub bad" }, shown(a.v)));
    }
    detail.replaceChildren(...parts);
  }
  detail.scrollTop = 0;
  if (focus) detail.focus({ preventScroll: false });
};
const close = () => { current = -1; $("detail").replaceChildren(el("p", { class: "empty" }, "Choose a sample to read it.")); draw(); write(false); };
const goTo = async () => {
  const id = read();
  await refresh(true);
  const i = id === null ? -1 : data.id.findIndex((name, i) => data.suite[i] + "/" + name === id);
  if (i >= 0) { const at = found.indexOf(i); if (at >= 0) page = Math.floor(at / PAGE); draw(); open(i, false); }
};
const start = async () => {
  data = await inflate("columns");
  suite.append(el("option", { value: "" }, "all"), ...data.suites.map((s, i) => el("option", { value: i }, s)));
  model.append(el("option", { value: "" }, "any"), ...data.models.map((m, i) => el("option", { value: i }, m)));
  for (const select of [suite, model, outcome]) select.addEventListener("change", () => { refresh(); write(false); });
  text.addEventListener("input", () => { refresh(); write(false); });
  $("filters").addEventListener("submit", e => e.preventDefault());
  $("filters").addEventListener("reset", () => setTimeout(() => { refresh(); write(false); }));
  $("previous").addEventListener("click", () => { page -= 1; draw(); });
  $("next").addEventListener("click", () => { page += 1; draw(); });
  const body = $("list").tBodies[0];
  body.addEventListener("click", e => {
    const row = e.target.closest("tr");
    if (row) { open(Number(row.dataset.i), innerWidth < 820); write(true); }
  });
  $("list-region").addEventListener("keydown", e => {
    if (e.altKey || e.ctrlKey || e.metaKey || e.target.closest("button")) return;
    const row = document.activeElement.closest("tbody tr") || body.querySelector('tr[tabindex="0"]');
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[e.key];
    if (step && row) {
      const next = document.activeElement === row ? (step > 0 ? row.nextElementSibling : row.previousElementSibling) : row;
      if (next) { row.tabIndex = -1; next.tabIndex = 0; next.focus(); }
    } else if (e.key === "Enter" && row) { open(Number(row.dataset.i), false); write(true); }
    else if (e.key === "Escape") close();
    else if (e.key === "/") text.focus();
    else return;
    e.preventDefault();
  });
  addEventListener("popstate", () => { if (location.hash.startsWith("#samples")) goTo(); });
  ready = true;
  browser.hidden = false;
  excerpts.hidden = true;
  await goTo();
};
if (typeof DecompressionStream === "function") start().catch(error => {
  ready = false; browser.hidden = true; excerpts.hidden = false;
  excerpts.prepend(el("p", { class: "empty" }, "The browser of samples could not start: " + error.message));
});
else excerpts.prepend(el("p", { class: "empty" }, "This browser cannot inflate the embedded texts; here is an excerpt."));
})();

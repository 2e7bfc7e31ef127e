import { draw, nameOf } from "./world.js";

const KEPT = 500;
const find = (id) => document.getElementById(id);
const requests = [];
let chosen = null, held = false, drawing = false;

/** An element with attributes and children; text is text and never markup. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined && value !== null) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

async function call(name, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(`api/${name}`, options);
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error ?? `the inspector answered ${answer.status}`);
  return value;
}

let silence;
function notice(text) {
  find("notice").textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => { find("notice").textContent = ""; }, 6000);
}

const attempt = (act) => async (event) => {
  event?.preventDefault();
  try { await act(event); } catch (error) { notice(error.message); }
};

const refused = (one) => Boolean(one.guard) || ["refused", "rejected", "unproven"].includes(one.decision?.verdict) || one.status === 403;
const isHit = (one) => /Hit/.test(one.result);
const duration = (seconds) => {
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const at = units.findIndex(([, size]) => seconds >= size || size === 1);
  const [[unit, size], next] = [units[at], units[at + 1]];
  const rest = next ? Math.floor((seconds % size) / next[1]) : 0;
  return `${Math.floor(seconds / size)} ${unit}${rest ? ` ${rest} ${next[0]}` : ""}`;
};
const bytes = (count) => (count < 1024 ? `${count} B` : count < 1048576 ? `${(count / 1024).toFixed(1)} KiB` : `${(count / 1048576).toFixed(1)} MiB`);

function shown() {
  const only = find("only").value, path = find("only-path").value;
  return requests.filter((one) => (!path || one.path.startsWith(path)) &&
    (only === "" || (only === "admitted" && !refused(one)) || (only === "refused" && refused(one)) ||
     (only === "hit" && isHit(one)) || (only === "origin" && one.origin_requests > 0)));
}

function row(one) {
  const query = one.query.length ? `?${one.query.map((name) => `${name}=…`).join("&")}` : "";
  const element = make("div", { class: "row", role: "option", id: `r${one.n}`, "aria-selected": String(one.n === chosen) },
    make("span", { class: refused(one) || one.status >= 400 ? "bad" : "good" }, String(one.status)),
    make("span", { class: "method quiet" }, one.method),
    make("span", { class: "path", title: one.path + query }, one.path + query),
    make("span", { class: "quiet", title: one.country ? nameOf(one.country) : "country unknown" }, one.country ?? "–"),
    make("span", { class: "quiet", title: one.detailed }, one.detailed));
  element.addEventListener("click", () => choose(one.n));
  return element;
}

function list() {
  find("list").replaceChildren(...shown().slice(-200).reverse().map(row));
  find("list").setAttribute("aria-activedescendant", chosen === null ? "" : `r${chosen}`);
}

function choose(number) {
  chosen = number;
  list();
  document.getElementById(`r${number}`)?.scrollIntoView({ block: "nearest" });
  const one = requests.find((request) => request.n === number);
  if (one) trace(one);
}

const parts = (key) => make("div", {}, ...(key ?? []).map(([name, text]) => make("span", { class: "part" }, make("b", {}, name), make("code", {}, text))));

const steps = (all) => make("ol", { class: "steps" }, ...all.map(({ what, result, kind }) =>
  make("li", { class: kind || null }, make("b", {}, what), result ? ` ${result}` : "")));

function verdict(one) {
  if (one.guard) return make("p", { class: "verdict bad" }, `Refused at the edge: ${one.guard}`, make("small", {}, "by the edge guard, before the cache was asked"));
  const decision = one.decision;
  if (!decision) {
    const bad = refused(one);
    return make("p", { class: `verdict ${bad ? "bad" : "good"}` }, `${one.status} ${one.detailed}`, make("small", {}, "the gateway was not asked"));
  }
  const bad = refused(one);
  const by = [decision.policy && `policy ${decision.policy}`, decision.statement && `statement ${decision.statement}`].filter(Boolean).join(", ");
  return make("p", { class: `verdict ${bad ? "bad" : "good"}` }, `${decision.verdict}${decision.reason === "admitted" ? "" : `: ${decision.label ?? decision.reason}`}`,
    make("small", {}, by || "no policy was asked"));
}

function trace(one) {
  const facts = [["Viewer", `${one.viewer} ${one.country ? nameOf(one.country) : "country unknown"}`], ["Place", one.pop], ["Behavior", one.behavior ?? "none"],
    ["Answer", `${one.status}, ${one.took_ms} ms`], ["Request", one.id]];
  const again = make("button", {}, "What if…");
  again.addEventListener("click", () => {
    const form = find("ask").elements;
    Object.assign(form.url, { value: one.path });
    form.method.value = [...form.method.options].some((option) => option.value === one.method) ? one.method : "GET";
    form.viewer.value = one.viewer;
    form.country.value = one.country ?? "";
    form.headers.value = "";
    find("what-if").scrollIntoView();
    find("ask").requestSubmit();
    form.url.focus();
  });
  find("trace").replaceChildren(
    make("h3", {}, `${one.method} ${one.path}`), verdict(one),
    make("table", {}, ...facts.map(([name, text]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, text)))),
    make("h3", {}, "What happened"), steps(one.steps),
    ...(one.key ? [make("h3", {}, "Cache key"), parts(one.key)] : []),
    ...(one.decision ? [make("h3", {}, "The gateway's line"), make("pre", {}, JSON.stringify(one.decision, null, 1))] : []),
    make("p", {}, again));
}

function copiesTable({ count, copies }) {
  if (!copies.length) return make("p", { class: "empty" }, "Nothing is kept.");
  return make("table", {}, make("thead", {}, make("tr", {}, ...["Place", "Key", "Status", "Age", "Left", "Lifetime", "Size"].map((text) => make("th", { scope: "col" }, text)))),
    make("tbody", {}, ...copies.map((copy) => make("tr", {},
      make("td", {}, copy.tier), make("td", {}, parts(copy.key)), make("td", {}, String(copy.status)), make("td", { class: "number" }, duration(copy.age)),
      make("td", { class: `number ${copy.fresh ? "good" : "bad"}` }, copy.fresh ? duration(copy.remaining) : "expired"),
      make("td", {}, `${duration(copy.ttl)}, ${copy.rule}`), make("td", { class: "number" }, bytes(copy.bytes))))),
    count > copies.length ? make("caption", {}, `the newest ${copies.length} of ${count}`) : null);
}

async function cache() {
  find("copies").replaceChildren(copiesTable(await call("cache")));
}

function countries() {
  const counts = new Map();
  for (const one of requests) {
    const of = counts.get(one.country ?? "") ?? { admitted: 0, refused: 0 };
    of[refused(one) ? "refused" : "admitted"] += 1;
    counts.set(one.country ?? "", of);
  }
  draw(find("map"), counts);
  const rows = [...counts].sort((a, b) => b[1].admitted + b[1].refused - a[1].admitted - a[1].refused);
  find("countries").replaceChildren(rows.length ? make("table", {}, make("thead", {}, make("tr", {}, ...["Country", "Admitted", "Refused"].map((text) => make("th", { scope: "col" }, text)))),
    make("tbody", {}, ...rows.map(([code, of]) => make("tr", {}, make("td", {}, code ? `${nameOf(code)} (${code})` : "unknown"), make("td", { class: "number" }, String(of.admitted)), make("td", { class: "number" }, String(of.refused))))))
    : make("p", { class: "empty" }, "No request yet."));
}

const SVG = "http://www.w3.org/2000/svg";
function chart(title, height, draws) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 500 ${height}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", title);
  const add = (name, attributes, text) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text) element.textContent = text;
    svg.append(element);
  };
  draws(add);
  return make("figure", { style: null }, svg);
}

function traffic() {
  const cacheable = requests.filter((one) => !refused(one));
  const hits = cacheable.filter(isHit).length;
  const times = requests.map((one) => one.took_ms).sort((a, b) => a - b);
  const at = (share) => (times.length ? `${times[Math.min(times.length - 1, Math.floor(times.length * share))]} ms` : "–");
  const figures = [["Requests", requests.length], ["Hit ratio", cacheable.length ? `${Math.round((100 * hits) / cacheable.length)} %` : "–"],
    ["Refused", requests.filter(refused).length], ["Median", at(0.5)], ["99th percentile", at(0.99)]];
  find("figures").replaceChildren(...figures.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, String(value)))));
  if (!requests.length) return find("charts").replaceChildren();
  // Fifty stretches of time from the first request to the last.
  const first = requests[0].at_ms, span = Math.max(1000, requests.at(-1).at_ms - first + 1), count = 50;
  const stretches = Array.from({ length: count }, () => ({ hit: 0, miss: 0, bad: 0, times: [] }));
  for (const one of requests) {
    const stretch = stretches[Math.max(0, Math.min(count - 1, Math.floor((count * (one.at_ms - first)) / span)))];
    stretch[refused(one) ? "bad" : isHit(one) ? "hit" : "miss"] += 1;
    stretch.times.push(one.took_ms);
  }
  const most = Math.max(...stretches.map(({ hit, miss, bad }) => hit + miss + bad)), slowest = Math.max(1, ...times);
  find("charts").replaceChildren(
    chart("Hits, misses and refusals over time", 90, (add) => {
      stretches.forEach((stretch, index) => {
        let y = 76;
        for (const kind of ["hit", "miss", "bad"]) {
          const height = (64 * stretch[kind]) / most;
          if (height) add("rect", { class: `bar-${kind}`, x: index * 10, y: (y -= height), width: 8, height });
        }
      });
      add("line", { class: "axis", x1: 0, x2: 500, y1: 76.5, y2: 76.5 });
      add("text", { x: 0, y: 88 }, `hits, misses and refusals over ${duration(Math.round(span / 1000))}, at most ${most} in ${(span / count / 1000).toFixed(1)} s`);
    }),
    chart("Slowest answer over time", 70, (add) => {
      const points = stretches.map(({ times: own }, index) => (own.length ? `${index * 10 + 4},${56 - (48 * Math.max(...own)) / slowest}` : null)).filter(Boolean);
      add("polyline", { class: "line", points: points.join(" ") });
      add("line", { class: "axis", x1: 0, x2: 500, y1: 56.5, y2: 56.5 });
      add("text", { x: 0, y: 68 }, `the slowest answer, at most ${slowest} ms`);
    }));
}

function explained({ explanation, cache: copies }) {
  const good = explanation.admitted;
  const reason = explanation.label ?? explanation.reason;
  const place = (where) => (where ? ` (line ${where.line})` : "");
  find("answer").replaceChildren(
    make("h3", {}, `${explanation.method} ${explanation.path}`),
    make("p", { class: `verdict ${good ? "good" : "bad"}` }, good ? "admitted" : `refused: ${reason}`,
      make("small", {}, explanation.statement ? `by statement ${explanation.statement}${place(explanation.decided_at)}` : "no statement decided")),
    make("ol", { class: "steps" }, ...explanation.steps.map((step) => make("li", {}, make("b", {}, step.step), ` ${step.result}${place(step.place)}`, make("div", { class: "quiet" }, step.input)))),
    ...(explanation.answer ? [make("h3", {}, "What the viewer and the cache would get"), make("pre", {}, JSON.stringify(explanation.answer, null, 1))] : []),
    make("h3", {}, "In the caches now"), copiesTable(copies));
}

function described(changes) {
  const lines = [];
  const viewer = (one) => JSON.stringify(one);
  for (const change of changes.decisions ?? []) {
    lines.push(make("li", { class: change.kind === "admitted" ? "good" : "bad" }, make("b", {}, `newly ${change.kind}`), ` ${(change.patterns ?? []).flat().filter((text, at, all) => all.indexOf(text) === at).join(" → ")}`,
      ...(change.viewers ?? []).slice(0, 3).map((one) => make("div", { class: "quiet" }, viewer(one)))));
  }
  for (const change of changes.caching ?? []) lines.push(make("li", {}, make("b", {}, "caching"), ` ${change.settings.map(([name, old, now]) => `${name}: ${old} → ${now}`).join("; ")}`));
  return lines.length ? make("ol", { class: "steps" }, ...lines) : make("p", {}, "Every request is answered as before.");
}

async function state() {
  const now = await call("state");
  find("site").textContent = now.site;
  document.title = `${now.site} · Portcullis`;
  find("manifest").textContent = now.manifest;
  find("digest").textContent = now.digest.slice(0, 19);
  find("clock").textContent = `${new Date(now.now_ms).toISOString().slice(0, 19).replace("T", " ")}${now.ahead_s ? `, ${duration(now.ahead_s)} ahead` : ""}`;
  find("fill").textContent = `${now.cache.copies} copies, ${bytes(now.cache.bytes)}`;
  if (!find("switch").elements.manifest.value) find("switch").elements.manifest.value = now.manifest;
  find("ask").elements.viewer.placeholder = now.viewer;
  find("behaviors").replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, ...["Path", "Policy", "Origin"].map((text) => make("th", { scope: "col" }, text)))),
    make("tbody", {}, ...now.behaviors.map((one) => make("tr", {}, make("td", { class: "mono" }, one.path), make("td", {}, one.policy), make("td", {}, one.origin))))));
  requests.splice(0, requests.length, ...now.requests);
}

async function refresh() {
  await state();
  list();
  countries();
  traffic();
  await cache();
}

/** Draws at most four times a second, however fast requests come. */
function soon() {
  if (drawing || held) return;
  drawing = true;
  setTimeout(attempt(async () => {
    drawing = false;
    if (held) return;
    list();
    countries();
    traffic();
    const now = await call("state");
    find("fill").textContent = `${now.cache.copies} copies, ${bytes(now.cache.bytes)}`;
    await cache();
  }), 250);
}

function listen() {
  const events = new EventSource("api/events");
  events.addEventListener("request", (event) => {
    requests.push(JSON.parse(event.data));
    if (requests.length > KEPT) requests.shift();
    soon();
  });
  events.addEventListener("missed", attempt(refresh));
  events.addEventListener("error", () => notice("The inspector is not answering; it is asked again."));
  events.addEventListener("open", attempt(refresh));
}

find("list").addEventListener("keydown", (event) => {
  const all = shown().slice(-200).reverse();
  const at = all.findIndex((one) => one.n === chosen);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined || !all.length) return;
  event.preventDefault();
  choose(all[Math.max(0, Math.min(all.length - 1, to))].n);
});
find("only").addEventListener("change", list);
find("only-path").addEventListener("input", list);
find("hold").addEventListener("click", () => {
  held = !held;
  find("hold").setAttribute("aria-pressed", String(held));
  if (!held) soon();
});
find("ask").addEventListener("submit", attempt(async () => {
  const form = find("ask").elements;
  const text = (name) => form[name].value.trim();
  explained(await call("what-if", {
    url: text("url"), method: text("method"), viewer: text("viewer") || form.viewer.placeholder, country: text("country").toUpperCase() || null,
    headers: text("headers").split("\n").map((line) => line.trim()).filter(Boolean),
  }));
}));
find("purge").addEventListener("submit", attempt(async () => {
  const { removed } = await call("purge", { path: find("purge").elements.path.value });
  notice(`${removed} ${removed === 1 ? "copy" : "copies"} removed`);
  await refresh();
}));
find("advance").addEventListener("submit", attempt(async () => {
  const { ahead_s: ahead } = await call("clock", { seconds: Number(find("advance").elements.seconds.value) });
  notice(`The clock of the caches is ${duration(ahead)} ahead`);
  await refresh();
}));
find("switch").addEventListener("submit", attempt(async (event) => {
  const plan = event.submitter?.name === "plan";
  const done = await call("manifest", { manifest: find("switch").elements.manifest.value, plan });
  const stricter = (done.changes.decisions ?? []).some((change) => change.kind === "refused");
  find("changes").replaceChildren(make("h3", {}, plan ? "What would change" : `Now ${done.manifest}; what changed`), described(done.changes),
    ...(stricter ? [make("p", { class: "bad" }, "The caches still hold what was admitted before: purge what is refused now.")] : []));
  if (!plan) await refresh();
}));
const marks = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const link = document.querySelector(`nav a[href="#${entry.target.id}"]`);
    if (entry.isIntersecting) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
  }
}, { rootMargin: "-30% 0px -60% 0px" });
document.querySelectorAll("main > section").forEach((section) => marks.observe(section));
listen();

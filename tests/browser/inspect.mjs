// The inspector in a browser, as a person uses it: node inspect.mjs URL MANIFEST OTHER_MANIFEST
import assert from "node:assert/strict";
import http from "node:http";
import { chromium } from "playwright-core";

const [base, manifest, other] = process.argv.slice(2);
const NL = "193.0.6.139", US = "8.8.8.8";

/** A request as curl would send it, with any host and headers. */
function request(path, { method = "GET", headers = {}, body = "" } = {}) {
  return new Promise((resolve, reject) => {
    const asked = http.request(base + path, { method, headers, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part) => { text += part; }).on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
    });
    asked.on("error", reject).end(body);
  });
}
const visit = (path, viewer) => request(path, { headers: { "x-portcullis-viewer": viewer } });

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  const elsewhere = [], errors = [];
  page.on("request", (asked) => { if (!asked.url().startsWith(base)) elsewhere.push(asked.url()); });
  page.on("console", (said) => { if (said.type() === "error") errors.push(said.text()); });
  page.on("pageerror", (error) => errors.push(error.message));
  const text = (selector) => page.locator(selector).innerText();
  const until = async (selector, pattern) => {
    await page.waitForFunction(([where, what]) => new RegExp(what).test(document.querySelector(where)?.innerText ?? ""), [selector, pattern.source], { timeout: 15_000 })
      .catch(async () => assert.match(await text(selector), pattern));
  };

  console.log("requests appear as they are answered, with everything that was decided");
  await page.goto(`${base}/.portcullis/`);
  await until("#site", /handbook/);
  assert.deepEqual([await visit("/downloads/", NL), await visit("/downloads/", NL), await visit("/downloads/?token=hunter2", US)].map(({ status }) => status), [200, 200, 403]);
  await page.waitForSelector('.row:has-text("downloads") >> nth=2');
  assert.equal(await page.locator('.row:has-text("downloads")').count(), 3);

  console.log("by keyboard: the refusal, and why");
  await page.focus("#list");
  await page.keyboard.press("Home");
  await until("#trace", /refused: no-match/);
  assert.match(await text("#trace"), /policy by-country/);
  assert.match(await text("#trace"), /token|GET \/downloads\//);
  await page.keyboard.press("ArrowDown");
  await until("#trace", /Hit|fresh: \d+ s old/);
  await page.keyboard.press("ArrowDown");
  await until("#trace", /origin asked gateway/);
  assert.match(await text("#trace"), /kept for \d+ s, by/);
  assert.match(await text("#trace"), /admitted/);

  console.log("what if: without a request");
  await page.fill("#ask [name=url]", "/downloads/");
  await page.fill("#ask [name=viewer]", US);
  await page.fill("#ask [name=country]", "us");
  await page.focus("#ask [name=url]");
  await page.keyboard.press("Enter");
  await until("#answer", /refused: no-match/);
  await page.fill("#ask [name=viewer]", NL);
  await page.fill("#ask [name=country]", "");
  await page.focus("#ask [name=url]");
  await page.keyboard.press("Enter");
  await until("#answer", /admitted/);
  assert.match(await text("#answer"), /In the caches now[\s\S]*\/downloads\//);

  console.log("the caches: what they hold, a clock that goes on, and a purge");
  assert.match(await text("#copies"), /LOCAL1-C1[\s\S]*\/downloads\//);
  await page.selectOption("#advance [name=seconds]", "2592000");
  await page.focus("#advance button");
  await page.keyboard.press("Enter");
  await until("#clock", /30 d ahead/);
  await until("#copies", /expired/);
  await visit("/downloads/", NL);
  await until("#list", /Refresh/);
  await page.focus("#purge [name=path]");
  await page.keyboard.press("Enter");
  await until("#notice", /removed/);
  await until("#copies", /Nothing is kept/);

  console.log("figures and the world");
  assert.match(await text("#figures"), /Requests\s+4/);
  assert.equal(await page.locator('.tile[data-country="US"]').getAttribute("class"), "tile bad");
  assert.equal(await page.locator('.tile[data-country="NL"]').getAttribute("class"), "tile good");
  assert.match(await text("#countries"), /United States \(US\)\s+0\s+1/);

  console.log("another manifest: what it changes, before and after");
  await page.fill("#switch [name=manifest]", other);
  await page.click("#switch button[name=plan]");
  await until("#changes", /newly admitted/);
  assert.equal((await visit("/downloads/", US)).status, 403);
  await page.click("#switch button:not([name=plan])");
  await until("#changes", /what changed/);
  await until("#manifest", /other-of/);
  assert.equal((await visit("/downloads/", US)).status, 200);
  await page.fill("#switch [name=manifest]", `${other}-that-is-not-there`);
  await page.click("#switch button:not([name=plan])");
  await until("#notice", /cannot be read/);
  await page.fill("#switch [name=manifest]", manifest);
  await page.click("#switch button:not([name=plan])");
  await until("#changes", /newly refused/);
  await until("#changes", /The caches still hold/);
  assert.equal((await visit("/downloads/", US)).status, 200, "a cache outlives the policy, as CloudFront's do");
  await page.focus("#purge [name=path]");
  await page.keyboard.press("Enter");
  await until("#copies", /Nothing is kept/);
  assert.equal((await visit("/downloads/", US)).status, 403);

  console.log("on a narrow screen nothing is cut off");
  await page.setViewportSize({ width: 360, height: 740 });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "it scrolls sideways");

  console.log("nothing of a query, and nothing from elsewhere");
  assert.ok(!(await page.content()).includes("hunter2"));
  assert.ok(!(await request("/.portcullis/api/state")).text.includes("hunter2"));
  assert.deepEqual(elsewhere, []);
  assert.deepEqual(errors.filter((error) => !/400 \(Bad Request\)/.test(error)), []);

  console.log("other sites can neither read nor steer it");
  const json = { "content-type": "application/json" };
  const purge = { method: "POST", body: '{"path":"/*"}' };
  const cases = [
    [421, "/.portcullis/api/state", { headers: { host: "evil.example" } }],
    [403, "/.portcullis/api/state", { headers: { "sec-fetch-site": "cross-site" } }],
    [403, "/.portcullis/api/purge", { ...purge, headers: { ...json, origin: "http://evil.example" } }],
    [415, "/.portcullis/api/purge", { ...purge, headers: { "content-type": "text/plain" } }],
    [404, "/.portcullis/api/purge", { headers: {} }],
    [400, "/.portcullis/api/purge", { ...purge, body: '{"path":"x"}', headers: json }],
    [400, "/.portcullis/api/clock", { ...purge, body: '{"seconds":99999999999}', headers: json }],
    [200, "/.portcullis/api/purge", { ...purge, headers: json }],
  ];
  for (const [status, path, options] of cases) assert.equal((await request(path, options)).status, status, `${path} ${JSON.stringify(options)}`);
  const { headers } = await request("/.portcullis/");
  assert.match(headers["content-security-policy"], /^default-src 'none'; script-src 'self'/);
  assert.equal(headers["cache-control"], "no-store");
} finally {
  await browser.close();
}

// The page of a run as its readers see it: light, dark, on a phone, on paper, without its script; and live.
//
//   node page.mjs FOLDER OUTCOME
//
// FOLDER holds plain.html, hostile.html, live.html and event.json. CHROMIUM is the browser's program.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [folder, outcome] = process.argv.slice(2);
const patience = 20_000;
const desk = { width: 1280, height: 900 };
const readers = {
  light: { viewport: desk, colorScheme: "light" },
  dark: { viewport: desk, colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true },
  unscripted: { viewport: desk, javaScriptEnabled: false },
};
const flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

// Colours on each canvas, and how much of it is covered.
const canvases = () =>
  [...document.querySelectorAll("[data-chart]")].map((place) => {
    const canvas = place.querySelector("canvas");
    if (canvas === null) return { id: place.dataset.chart, covered: 0, colours: 0 };
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    let covered = 0;
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] < 200) continue;
      covered += 1;
      colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
    }
    return { id: place.dataset.chart, covered, colours: colours.size };
  });

// Marks within each drawing, and how high it stands on the page.
const drawings = () =>
  [...document.querySelectorAll("[data-chart]")].map((place) => {
    const svg = place.querySelector("svg");
    return {
      id: place.dataset.chart,
      marks: svg.querySelectorAll("path, polyline, circle, polygon, rect, line").length,
      height: svg.getBoundingClientRect().height,
    };
  });

function watched(page, own) {
  const complaints = [];
  page.setDefaultTimeout(patience);
  page.on("request", (request) => { if (!request.url().startsWith(own)) complaints.push(`asked for ${request.url()}`); });
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) complaints.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => { complaints.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  return complaints;
}

async function read(browser, file, reader) {
  const context = await browser.newContext(readers[reader]);
  const page = await context.newPage();
  const complaints = watched(page, "file://");
  const what = `${file}, ${reader}`;
  await page.goto(`file://${join(folder, file)}`);
  assert.equal(await page.locator(".badge").innerText(), outcome, `${what}: the outcome`);
  assert.match(await page.locator("h1").innerText(), file === "plain.html" ? /sustains .* documents\/s .*goal of .* is met/ : /sustains .* documents\/s/, `${what}: the answer`);
  const drawn = await page.evaluate(drawings);
  assert.ok(drawn.length >= 10, `${what}: ${drawn.length} charts`);
  for (const { id, marks, height } of drawn) {
    assert.ok(marks > 8, `${what}: ${id} has ${marks} marks`);
    if (reader === "unscripted") assert.ok(height > 150, `${what}: ${id} is ${height} pixels high`);
  }
  if (reader !== "unscripted") await look(page, what);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= readers[reader].viewport.width, `${what}: nothing is wider than the screen, not ${width}`);
  assert.deepEqual(complaints, [], what);
  await context.close();
}

async function look(page, what) {
  for (const { id, covered, colours } of await page.evaluate(canvases)) {
    assert.ok(covered > 1500 && colours > 2, `${what}: ${id} has ${covered} pixels of ${colours} colours`);
  }
  // Pointing at a chart tells its figures.
  const plot = page.locator('[data-chart="rates-index"] .u-over');
  await plot.scrollIntoViewIfNeeded();
  const box = await plot.boundingBox();
  const tip = page.locator('[data-chart="rates-index"] .tip');
  // Between two trials there is nothing to tell.
  let told = "";
  for (let share = 0.1; share < 0.95 && told === ""; share += 0.02) {
    await page.mouse.move(box.x + box.width * share, box.y + box.height / 2);
    if (await tip.isVisible()) told = await tip.textContent();
  }
  assert.match(told, /offered|accepted/, `${what}: what the tip tells`);
}

async function followsItsReader(browser) {
  const page = await browser.newPage({ viewport: desk, colorScheme: "light" });
  const complaints = watched(page, "file://");
  await page.goto(`file://${join(folder, "plain.html")}`);
  const picture = () => page.evaluate(() => document.querySelector('[data-chart="staircase"] canvas').toDataURL());
  const light = await picture();
  await page.emulateMedia({ colorScheme: "dark" });
  await page.waitForFunction((before) => document.querySelector('[data-chart="staircase"] canvas').toDataURL() !== before, light);
  await page.emulateMedia({ media: "print" });
  for (const { id, height } of await page.evaluate(drawings)) assert.ok(height > 100, `on paper ${id} is ${height} high`);
  assert.equal(await page.locator("canvas").first().isVisible(), false, "paper shows drawings, not canvases");
  assert.deepEqual(complaints, [], "a change of colours");
  await page.close();
}

// A server of the least kind: the page, and events when they are asked for.
async function live(browser) {
  let listener = null;
  const event = JSON.parse(readFileSync(join(folder, "event.json")));
  const tell = (title) => listener.write(`data: ${JSON.stringify({ ...event, title })}\n\n`);
  const server = createServer((request, response) => {
    if (request.url !== "/events") {
      response.writeHead(200, { "content-type": "text/html" });
      response.end(readFileSync(join(folder, "live.html")));
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    listener = response;
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const base = `http://127.0.0.1:${server.address().port}/`;
  const page = await browser.newPage({ viewport: desk });
  const complaints = watched(page, base);
  await page.goto(base);
  await page.locator("#search details summary").click();
  assert.equal(await page.locator('[data-chart="dashboard-percentiles"] canvas').count(), 0, "no level yet");
  while (listener === null) await page.waitForTimeout(20);
  tell("the first");
  await page.locator('[data-chart="dashboard-percentiles"] canvas').waitFor();
  assert.equal(await page.title(), "the first", "the tab follows");
  assert.equal(await page.locator("#search details").getAttribute("open"), "", "what was opened stays open");
  assert.ok(await page.evaluate(() => document.activeElement.matches("#search summary")), "and keeps the focus");
  await look(page, "live");
  await staysClose(page, tell);
  assert.deepEqual(complaints.filter((one) => !one.includes("favicon")), [], "live");
  assert.equal(await page.locator("#lost").isVisible(), false, "the run is heard");
  server.closeAllConnections();
  await page.locator("#lost").waitFor();
  await page.close();
  server.closeAllConnections();
  server.close();
}

// A part that is looked at closely is neither lost nor drawn over while the pointer is there.
async function staysClose(page, tell) {
  const plot = page.locator('[data-chart="rates-index"] .u-over');
  const picture = () => page.evaluate(() => document.querySelector('[data-chart="rates-index"] canvas').toDataURL());
  const box = await plot.boundingBox();
  const whole = await picture();
  await page.mouse.move(box.x + box.width * 0.3, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 40, { steps: 5 });
  tell("the second");
  await page.waitForTimeout(700);
  assert.equal(await page.title(), "the first", "not while a part is marked");
  await page.mouse.up();
  await page.waitForFunction((before) => document.querySelector('[data-chart="rates-index"] canvas').toDataURL() !== before, whole);
  const close = await picture();
  await page.mouse.move(2, 2);
  await page.waitForFunction(() => document.title === "the second");
  await page.waitForTimeout(300);
  assert.equal(await picture(), close, "the part stays in sight");
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, headless: true, args: flags });
try {
  for (const reader of Object.keys(readers)) {
    await read(browser, "plain.html", reader);
    await read(browser, "hostile.html", reader);
  }
  await followsItsReader(browser);
  await live(browser);
} finally {
  await browser.close();
}

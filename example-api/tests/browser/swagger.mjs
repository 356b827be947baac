// A person's way through Swagger UI: a document goes in, the dashboard shows it, the search finds it.
//
//   node swagger.mjs BASE_URL SCREENSHOT
//
// CHROMIUM is the browser's program. The server's engine must be one that keeps documents.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const [base, screenshot] = process.argv.slice(2);
const patience = 20_000;
const tries = 40;
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--no-proxy-server",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const name = `quarterly figures ${process.pid} x${Date.now()}.txt`;
const document = {
  name,
  directory: "/home/alice",
  host: "h1",
  file_size: 12,
  permissions: { alice: "READ_WRITE", bob: "READ" },
};

// Opens an operation of the page and makes its fields writable.
async function open(page, operation) {
  const block = page.locator(`#operations-${operation}`);
  await block.locator(".opblock-summary-control").click();
  await block.locator(".try-out__btn").click();
  return block;
}

// Sends the request; returns the status and the body that the page shows.
async function execute(page, block) {
  const path = new URL(base).origin + "/api/";
  const answered = page.waitForResponse((response) => response.url().startsWith(path));
  await block.locator(".btn.execute").click();
  await (await answered).finished();
  const answer = block.locator(".live-responses-table");
  const status = await answer.locator(".response-col_status").last().innerText();
  const body = await answer.locator(".highlight-code code, .highlight-code pre").first().innerText();
  return { status: Number.parseInt(status, 10), body };
}

async function indexDocument(page) {
  const block = await open(page, "documents-index");
  await block.locator("textarea.body-param__text").fill(JSON.stringify(document, null, 2));
  const answer = await execute(page, block);
  assert.equal(answer.status, 200, `the document was answered ${JSON.stringify(answer)}`);
  assert.equal(JSON.parse(answer.body), "OK", "the answer to the document");
}

async function lookAtDashboard(page) {
  const block = await open(page, "queries-dashboard");
  for (let attempt = 1; ; attempt += 1) {
    const answer = await execute(page, block);
    assert.equal(answer.status, 200, `the dashboard was answered ${JSON.stringify(answer)}`);
    if (JSON.parse(answer.body).dashboard.documents >= 1) return;
    assert.ok(attempt < tries, `the dashboard never counted the document: ${answer.body}`);
    await page.waitForTimeout(250);
  }
}

// A document is found once the engine has refreshed, so there is more than one try.
async function findDocument(page) {
  const block = await open(page, "queries-search");
  await block.locator('tr[data-param-name="q"] input').fill(name);
  for (let attempt = 1; ; attempt += 1) {
    const answer = await execute(page, block);
    assert.equal(answer.status, 200, `the search was answered ${JSON.stringify(answer)}`);
    const found = JSON.parse(answer.body).documents.find((one) => one.name === name);
    if (found !== undefined) {
      const { ext, ...rest } = found;
      assert.deepEqual(rest, document, "the document that was found");
      return;
    }
    assert.ok(attempt < tries, `the document was never found: ${answer.body}`);
    await page.waitForTimeout(250);
  }
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  headless: true,
  args: flags,
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
  page.setDefaultTimeout(patience);
  const strangers = [];
  const complaints = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    const isOwn = url.origin === new URL(base).origin || ["data:", "blob:"].includes(url.protocol);
    if (!isOwn) strangers.push(request.url());
  });
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));

  await page.goto(`${base}/swagger-ui/`);
  await indexDocument(page);
  await page.screenshot({ path: screenshot, fullPage: true });
  await lookAtDashboard(page);
  await findDocument(page);
  await page.screenshot({ path: screenshot, fullPage: true });

  assert.deepEqual(strangers, [], "requests to other hosts");
  assert.deepEqual(complaints, [], "errors in the browser's console");
} finally {
  await browser.close();
}

// The page of a run under way, from its beginning to its last event.
//
//   node live.mjs URL PICTURE
//
// CHROMIUM is the browser's program; a picture of the page in the middle of the run is left in PICTURE.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const [base, picture] = process.argv.slice(2);
// A whole run, on a machine that does other things too.
const patience = 300_000;
const flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

// Pixels that are covered, over all plots.
const covered = () => {
  let sum = 0;
  for (const canvas of document.querySelectorAll("[data-chart] canvas")) {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 3; i < data.length; i += 4) sum += data[i] >= 200 ? 1 : 0;
  }
  return sum;
};
const plots = () => document.querySelectorAll("[data-chart] canvas").length;

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, headless: true, args: flags });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(patience);
  const complaints = [];
  page.on("request", (request) => { if (!request.url().startsWith(base)) complaints.push(`asked for ${request.url()}`); });
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) complaints.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(base);
  await page.locator("h1").filter({ hasText: "No capacity is confirmed yet" }).waitFor();
  assert.equal(await page.locator(".badge").count(), 0, "nothing is judged while the run goes on");
  await page.waitForFunction(() => document.querySelectorAll("[data-chart] canvas").length >= 3);
  const [early, few] = [await page.evaluate(covered), await page.evaluate(plots)];
  assert.ok(early > 3000, `the first plots cover ${early} pixels`);
  await page.screenshot({ path: picture });
  await page.locator(".badge").waitFor();
  assert.match(await page.locator("h1").innerText(), /sustains .* documents\/s/, "the answer at the end");
  const [late, many] = [await page.evaluate(covered), await page.evaluate(plots)];
  assert.ok(many > few && late > early, `${few} plots became ${many}, ${early} pixels ${late}`);
  // The run is over; its page stays as it is and asks nobody any more.
  await page.waitForTimeout(4000);
  assert.equal(await page.evaluate(plots), many, "the page stays");
  assert.deepEqual(complaints, [], "nobody else is asked, and nothing is wrong");
} finally {
  await browser.close();
}

// The Lighthouse scores of some pages on a phone, as JSON: `node lighthouse.mjs URL...`.
// One Chromium for all of them; Lighthouse itself begins each page with empty caches.
import * as chromeLauncher from "chrome-launcher";
import lighthouse from "lighthouse";
import { pageFunctions } from "lighthouse/core/lib/page-functions.js";

// Lighthouse makes a phone of a fast desktop by slowing it down four times. A slower machine, or one
// with other work, wants less for the same phone (docs/throttling.md, "Calibrating the CPU slowdown").
const FAST_DESKTOP = 1500;
const SLOWDOWN = 4;

function slowdown() {
  const share = pageFunctions.computeBenchmarkIndex() / FAST_DESKTOP;
  return SLOWDOWN * Math.min(1, Math.max(1 / SLOWDOWN, share));
}

function report({ lhr: { audits, categories, runtimeError } }, cpuSlowdownMultiplier) {
  const found = Object.values(audits);
  return {
    scores: Object.fromEntries(
      Object.values(categories).map(({ id, score }) => [id, Math.round(score * 100)]),
    ),
    slowdown: cpuSlowdownMultiplier,
    trouble: runtimeError?.message, // Then the scores are 0.
    metrics: Object.fromEntries(
      found
        .filter(({ scoreDisplayMode, displayValue }) => scoreDisplayMode === "numeric" && displayValue)
        .map(({ id, displayValue }) => [id, displayValue]),
    ),
    imperfect: found
      .filter(({ score }) => score !== null && score < 0.9)
      .map(({ id, title, displayValue = "" }) => `${id}: ${title} ${displayValue}`),
  };
}

const chrome = await chromeLauncher.launch({
  chromePath: process.env.CHROMIUM || undefined,
  chromeFlags: [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
  ],
});
try {
  const reports = {};
  for (const url of process.argv.slice(2)) {
    const cpuSlowdownMultiplier = slowdown();
    const result = await lighthouse(url, {
      port: chrome.port,
      logLevel: "error",
      throttling: { cpuSlowdownMultiplier },
    });
    reports[url] = report(result, cpuSlowdownMultiplier);
  }
  console.log(JSON.stringify(reports));
} finally {
  chrome.kill();
}

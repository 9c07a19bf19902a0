// usage: node bench/serve.mjs WHYFACE [RUNS]
//
// The page of 'whyface serve' in headless Chromium: the time from pressing
// 'Explain' under three dropped photos to the report, in parts, for each amount
// of evidence that a report may have.  Medians over RUNS (5), after one that is
// not counted.  Photos of one face each (LFW) and MobileFaceNet, from
// WHYFACE_SHARED; all else at its defaults.
import {execFileSync} from 'node:child_process';
import {LFW, drop, launch, need} from '../tests/browser.mjs';
import {start} from '../tests/serve/page.mjs';

need();
const runs = Number(process.argv[3] ?? 5);
const PARTS = ['upload', 'wait', 'detect', 'explain', 'report'];

async function once(browser, url) {
  const page = await browser.newPage();
  await page.goto(url);
  await page.waitForFunction(() => document.querySelectorAll('#method option').length);
  await drop(page, '#zones', Object.values(LFW));
  const begun = performance.now();
  await page.click('#start');
  await page.waitForSelector('#result:not([hidden])', {timeout: 600000});
  await page.frameLocator('#report iframe').locator('h1').waitFor();
  const whole = (performance.now() - begun) / 1000;
  const job = new URL(page.url()).hash.slice(1);
  const told = await (await fetch(`${url}api/jobs/${job}`)).json();
  await page.click('#again');
  await page.close();
  const parts = Object.fromEntries(PARTS.map(p => [p, told.seconds[p]]));
  const server = PARTS.reduce((sum, p) => sum + parts[p], 0);
  return {...parts, page: whole - server, whole};
}

const median = values => {
  const sorted = [...values].sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

const browser = await launch();
console.log(execFileSync(process.argv[2], ['version'], {encoding: 'utf8'}).trim());
console.log(`Chromium ${browser.version()}; medians of ${runs} runs, seconds\n`);
const columns = [...PARTS, 'page', 'whole'];
console.log(['evidence', ...columns].map(c => c.padStart(18)).join(''));
for (const evidence of ['none', 'curves', 'all']) {
  const server = await start(['--evidence', evidence]);
  const all = [];
  for (let i = 0; i <= runs; i++) all.push(await once(browser, server.url));
  all.shift();
  console.log([evidence, ...columns.map(c => median(all.map(r => r[c])).toFixed(3))]
    .map(c => c.padStart(18)).join(''));
  await server.stop();
}
await browser.close();

// usage: node test_page.mjs WHYFACE
//
// The report's page in headless Chromium: with a mouse, by keyboard, on a
// phone, without JavaScript and on paper.  Pictures of it go to WF_SHOTS.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {DETECTOR, GROUPS, MODEL, launch, need, run} from '../browser.mjs';

need();
const shots = process.env.WF_SHOTS ?? 'build/shots';
mkdirSync(shots, {recursive: true});
const folder = mkdtempSync(join(tmpdir(), 'whyface-report-'));
process.on('exit', () => rmSync(folder, {recursive: true}));
execFileSync(process.argv[2],
  ['explain', '-m', MODEL, '-d', DETECTOR.join(','), '--threshold', '0.27', '--masks', '40',
   '--face', '2', '--face', '3', '--face', '1', ...GROUPS, '-o', folder, '-q']);
execFileSync(process.argv[2],
  ['report', folder, '--evidence', 'curves', '--case', '2026-17', '--examiner', 'A. Smith',
   '--notes', 'Faces of a press photo.', '--pdf', '-q']);
const url = `file://${folder}/report.html`;
const browser = await launch();

async function open(options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.faults = [];
  page.on('pageerror', error => page.faults.push(String(error)));
  page.on('console', message => page.faults.push(message.text()));
  page.on('request', request => {
    if (request.url() !== url && !request.url().startsWith('data:'))
      page.faults.push(`asked ${request.url()}`);
  });
  await page.goto(url);
  return page;
}

async function close(page) {
  assert.deepEqual(page.faults, []);
  await page.context().close();
}

// Whether every text has a contrast of 4.5 or more with what lies behind it
// (WCAG 2.2, 1.4.3); the texts that have not.
const faint = page => page.evaluate(() => {
  const numbers = text => text.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (; element; element = element.parentElement) {
      const colour = numbers(getComputedStyle(element).backgroundColor);
      if (colour[3] !== 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || ['SCRIPT', 'STYLE'].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const ink = numbers(element.closest('svg') ? style.fill : style.color);
    const [low, high] = [luminance(ink), luminance(behind(element))].sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) found.push(`${contrast.toFixed(1)}: ${walker.currentNode.data.trim()}`);
  }
  return found;
});

const opacity = locator => locator.evaluate(e => Number(getComputedStyle(e).opacity));
const seen = (page, selector) => page.locator(selector).first().isVisible();

async function onADesktop() {
  const page = await open({viewport: {width: 1280, height: 900}});
  await page.screenshot({path: join(shots, 'report-desktop.png'), fullPage: true});
  assert.deepEqual(await faint(page), []);
  const pair = page.locator('.pair.maps').first();
  const stack = pair.locator('.stack').first();
  const slider = pair.locator('input[type=range]');
  assert.equal(await opacity(stack), 1);
  await slider.fill('0');
  assert.equal(await opacity(stack), 0);
  await slider.fill('100');
  // The switch between the map and its standard error, of both faces at once.
  assert.ok(!await seen(page, '.stack .error'));
  await pair.getByLabel('its standard error').check();
  for (const error of await pair.locator('.stack .error').all()) assert.ok(await error.isVisible());
  assert.ok(!await pair.locator('.stack .map').first().isVisible());
  await pair.getByLabel('map', {exact: true}).check();
  // A region lights up under the mouse, on its own face only.
  const row = pair.locator('tr[data-region="3"]').first();
  const lit = () => page.locator('path.on').count();
  await row.hover();
  assert.equal(await lit(), 1);
  await page.mouse.move(0, 0);
  assert.equal(await lit(), 0);
  await row.focus();
  await stack.screenshot({path: join(shots, 'report-nose.png')});
  for (const link of await page.locator('nav a').all()) {
    const target = await link.getAttribute('href');
    assert.equal(await page.locator(target).count(), 1, target);
  }
  await close(page);
}

async function byKeyboard() {
  const page = await open({viewport: {width: 1280, height: 900}});
  const reached = new Set();
  let moved = 0;
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const e = document.activeElement;
      const outline = getComputedStyle(e).outlineStyle;
      return {what: e.type || e.tagName, outline, region: e.dataset.region,
              on: document.querySelectorAll('path.on').length};
    });
    if (at.what === 'BODY') break;
    reached.add(at.what);
    assert.notEqual(at.outline, 'none', `no focus is seen on ${at.what}`);
    assert.equal(at.on, at.region === undefined ? 0 : 1);
    if (at.what === 'range' && !moved++) {
      await page.keyboard.press('Home');
      assert.equal(await opacity(page.locator('.stack').first()), 0);
    }
  }
  for (const what of ['A', 'radio', 'range', 'TR', 'SUMMARY']) assert.ok(reached.has(what), what);
  await close(page);
}

async function onAPhone() {
  for (const width of [360, 390]) {
    const page = await open({viewport: {width, height: 780}, hasTouch: true, isMobile: true});
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, `the page is ${wide} pixels wide on ${width}`);
    const small = await page.locator('p, li, td, dd').evaluateAll(list =>
      list.filter(e => parseFloat(getComputedStyle(e).fontSize) < 11).length);
    assert.equal(small, 0);
    await page.screenshot({path: join(shots, `report-phone-${width}.png`), fullPage: true});
    await close(page);
  }
}

// Everything is there, side by side.
async function withoutJavaScript() {
  const page = await open({javaScriptEnabled: false, viewport: {width: 1280, height: 900}});
  for (const selector of ['.stack .map', '.stack .error', '.faces .crop', '.still'])
    assert.ok(await seen(page, selector), selector);
  assert.ok(!await seen(page, '.tools'));
  await page.screenshot({path: join(shots, 'report-static.png'), fullPage: true});
  await close(page);
}

async function onPaper() {
  const text = execFileSync('pdftotext', ['-layout', join(folder, 'report.pdf'), '-'])
    .toString();
  for (const heading of ['Summary', 'Result', 'Saliency maps', 'Are the maps right', 'Photos',
                         'Model and method', 'Limits', 'Review', 'Repeating it'])
    assert.ok(text.includes(heading), heading);
  assert.match(text, /page 1 of \d/);
  // What is folded away on the screen is printed.
  assert.ok(text.includes('orientation'), 'EXIF facts');
  assert.ok(!text.includes('its standard error\n photo'), 'controls are printed');
}

const failed = await run([onADesktop, byKeyboard, onAPhone, withoutJavaScript, onPaper]);
await browser.close();
process.exitCode = failed ? 1 : 0;

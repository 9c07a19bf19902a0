// usage: node test_page.mjs WHYFACE
//
// The page of 'whyface serve' in headless Chromium: photos are dropped, faces
// chosen, progress seen and the result shown; by keyboard alone; bad uploads;
// two people at once; on a phone.  Pictures of it go to WF_SHOTS.
import assert from 'node:assert/strict';
import {mkdirSync, readFileSync} from 'node:fs';
import {CHROMIUM, GROUPS, LFW, drop, launch, need, run} from '../browser.mjs';
import {start} from './page.mjs';

need();
const server = await start(['--threshold', '0.27', '--budget', '24', '--evidence', 'none',
  '--max-upload', '1', '--grace', '10']);
const browser = await launch();
const shots = process.env.WF_SHOTS ?? 'build/shots';
mkdirSync(shots, {recursive: true});

const LIMIT = {timeout: 120000};
const seen = page => page.evaluate(() =>
  ['photos', 'faces', 'work', 'result'].find(id => !document.getElementById(id).hidden));
const shown = (page, id) => page.waitForSelector(`#${id}:not([hidden])`, LIMIT);
const text = (page, selector) => page.textContent(selector);

// A page of its own; what it complains about in the console is a failure.
async function open(options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.faults = [];
  page.on('pageerror', error => page.faults.push(String(error)));
  page.on('console', message => {
    if (message.type() === 'error' && !/status of 4/.test(message.text()))
      page.faults.push(message.text());
  });
  page.on('request', request => {
    if (!request.url().startsWith(server.url) && !request.url().startsWith('blob:'))
      page.faults.push(`asked ${request.url()}`);
  });
  await page.goto(server.url);
  await page.waitForFunction(() => document.querySelectorAll('#method option').length > 10);
  return page;
}

async function close(page) {
  assert.deepEqual(page.faults, []);
  await page.context().close();
}

const shot = (page, name) => page.screenshot({path: `${shots}/${name}.png`, fullPage: true});

async function noSidewaysScroll(page) {
  const [wide, width] = await page.evaluate(() =>
    [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= width, `${wide} px wide in a window of ${width}`);
}

// WCAG 2.1: contrast of each text that is seen with what is behind it.
async function contrast(page) {
  const faint = await page.evaluate(() => {
    const parse = colour => colour.match(/[\d.]+/g).map(Number);
    const luminance = ([r, g, b]) => {
      const [x, y, z] = [r, g, b].map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
      return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const behind = e => {
      for (; e; e = e.parentElement) {
        const c = parse(getComputedStyle(e).backgroundColor);
        if (c.length < 4 || c[3] === 1) return c;
      }
      return [255, 255, 255];
    };
    const bad = [];
    for (const e of document.body.querySelectorAll('*')) {
      const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
      if (!own || !e.checkVisibility()) continue;
      const [a, b] = [parse(getComputedStyle(e).color), behind(e)].map(luminance);
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (ratio < 4.5) bad.push(`${e.tagName} '${e.textContent.slice(0, 30)}' ${ratio}`);
    }
    return bad;
  });
  assert.deepEqual(faint, []);
}

// Names of everything that can be operated.
async function named(page) {
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll('input, button, select, a, iframe, img')]
      .filter(e => e.checkVisibility())
      .filter(e => !(e.ariaLabel || e.title || e.textContent.trim() || e.labels?.length ||
                     e.hasAttribute('alt') || e.querySelector('img[alt]')))
      .map(e => e.outerHTML));
  assert.deepEqual(nameless, []);
}

async function look(page, name) {
  await noSidewaysScroll(page);
  await contrast(page);
  await named(page);
  await shot(page, name);
}

// Watches the progress from inside, so that nothing is missed between two looks.
const watch = page => page.evaluate(() => {
  window.told = [];
  const stage = document.getElementById('work-stage');
  new MutationObserver(() => window.told.push(stage.textContent))
    .observe(stage, {childList: true});
});

async function dropThreeAndChoose() {
  const page = await open({viewport: {width: 1200, height: 900}});
  await look(page, 'desktop-photos-empty');
  await watch(page);
  await drop(page, '.zone:first-child .drop', GROUPS);
  for (const role of ['probe', 'mate', 'nonmate'])
    assert.ok(await page.isVisible(`.zone:has(#file-${role}) .preview`), role);
  await page.click('summary');
  assert.match(await text(page, '#threshold'), /0\.2700 \(given\)/);
  await page.selectOption('#method', 'rise');
  assert.match(await text(page, '#method-help'), /Asks the model 4000 times/);
  await page.selectOption('#method', 'level-sets');
  assert.match(await text(page, '#method-help'), /Asks the model 24 times/);
  await look(page, 'desktop-photos');
  await page.click('#start');
  await shown(page, 'faces');
  assert.equal(await page.locator('.picker').count(), 3);
  assert.equal(await page.locator('.option').count(), 3 + 3 + 4);
  // One face by its box in the photo, the others by their numbers.
  await page.locator('.picker').first().locator('.box').nth(1).click();
  assert.ok(await page.isChecked('#probe-2'));
  await page.click('.option label[for=mate-3]');
  await page.click('.option label[for=nonmate-1]');
  await look(page, 'desktop-faces');
  await page.click('#choose');
  await shown(page, 'result');
  const report = page.frameLocator('#report iframe');
  await report.locator('h1').waitFor(LIMIT);
  assert.match(await report.locator('body').textContent(), /sample3\.jpg/);
  const told = await page.evaluate(() => window.told);
  for (const stage of ['Sending the photos', 'Looking for faces', 'Explaining (probe)'])
    assert.ok(told.includes(stage), `${stage} in ${told}`);
  const verdicts = await page.locator('.verdict').allTextContents();
  assert.equal(verdicts.length, 2);
  assert.match(verdicts[0], /probe and mate.*At or above the threshold of 0\.270/);
  assert.match(verdicts[1], /probe and non-mate.*Below the threshold/);
  await look(page, 'desktop-result');
  // On a page of its own it is as much a stranger to ours as in the frame.
  const [alone] = await Promise.all([page.waitForEvent('popup'), page.click('#open')]);
  await alone.locator('h1').waitFor(LIMIT);
  assert.equal(await alone.evaluate(() => self.origin), 'null');
  await alone.close();
  const [download] = await Promise.all([
    page.waitForEvent('download'), page.click('#files a[download="result.json"]')]);
  const result = JSON.parse(readFileSync(await download.path()));
  assert.equal(result.photos.probe.face, 2);
  assert.equal(result.photos.mate.face, 3);
  // The page may be loaded again and still has its result.
  await page.reload();
  await shown(page, 'result');
  await page.click('#again');
  assert.equal(await seen(page), 'photos');
  assert.equal(new URL(page.url()).hash, '');
  await close(page);
}

// From the address to the result without a mouse.
async function keyboardOnly() {
  const page = await open({viewport: {width: 1000, height: 800}});
  const focused = () => page.evaluate(() => {
    const e = document.activeElement;
    const style = getComputedStyle(e.classList.contains('file') ? e.nextElementSibling
      : e.type === 'radio' ? e.nextElementSibling : e);
    return {id: e.id, tag: e.tagName, outline: style.outlineStyle};
  });
  const tabTo = async id => {
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab');
      const at = await focused();
      // A frame's contents show their focus themselves.
      if (!['BODY', 'IFRAME'].includes(at.tag))
        assert.notEqual(at.outline, 'none', `focus on ${at.id || at.tag}`);
      if (at.id === id) return;
    }
    assert.fail(`the Tab key does not lead to ${id}`);
  };
  // Listened for from the start: the browser is told of a listener late.
  let opened;
  page.on('filechooser', chooser => opened(chooser));
  const chooseFile = async (id, key, path) => {
    await tabTo(id);
    const chooser = new Promise(done => { opened = done; });
    await page.keyboard.press(key);
    const found = await Promise.race([chooser, page.waitForTimeout(LIMIT.timeout)]);
    assert.ok(found, `${key} on ${id} opens no choice of files`);
    await found.setFiles(path);
  };
  await chooseFile('file-probe', 'Enter', LFW.probe);
  await chooseFile('file-mate', 'Space', GROUPS[1]);
  await shot(page, 'keyboard-focus');
  await tabTo('start');
  await page.keyboard.press('Enter');
  await shown(page, 'faces');
  assert.equal((await focused()).id, 'faces-title');
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await tabTo('choose');
  await page.keyboard.press('Enter');
  await shown(page, 'result');
  assert.equal((await focused()).id, 'result-title');
  await tabTo('again');
  await page.keyboard.press('Enter');
  assert.equal((await focused()).id, 'photos-title');
  await close(page);
}

async function badUploads() {
  const page = await open({viewport: {width: 1000, height: 800}, colorScheme: 'dark'});
  await page.click('#start');
  assert.match(await text(page, '#error-probe'), /Choose a photo for the probe\./);
  const put = (role, name, data) => page.setInputFiles(`#file-${role}`,
    {name, mimeType: 'image/jpeg', buffer: Buffer.from(data)});
  // Known to be too large before it is sent.
  await put('probe', 'large.jpg', new Uint8Array(2 ** 20 + 1));
  assert.match(await text(page, '#error-probe'), /at most 1 MB/);
  await page.setInputFiles('#file-probe', LFW.probe);
  assert.ok(await page.isHidden('#error-probe'));
  await put('mate', 'letter<b>.jpg', 'Dear Sir or Madam');
  await page.click('#start');
  await page.waitForSelector('#error-mate:not([hidden])', LIMIT);
  assert.equal(await seen(page), 'photos');
  assert.match(await text(page, '#error-mate'),
               /^'letter<b>\.jpg' is not a JPEG, PNG or WebP image\.$/);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'file-mate');
  await look(page, 'dark-error');
  // Mended in its place, the rest is still there.
  await page.setInputFiles('#file-mate', LFW.mate);
  await page.click('#start');
  await shown(page, 'result');
  await look(page, 'dark-result');
  await close(page);
}

async function twoAtOnceAndCancel() {
  const [one, two] = [await open(), await open()];
  for (const page of [one, two]) {
    await watch(page);
    await drop(page, '#zones', [LFW.probe, LFW.mate]);
  }
  await one.click('summary');
  await one.selectOption('#method', 'rise'); // 8000 model calls
  await one.click('#start');
  await one.waitForFunction(() => window.told.some(t => t.startsWith('Explaining')), null, LIMIT);
  await two.click('#start');
  await two.waitForFunction(() =>
    window.told.includes('Waiting for one other comparison'), null, LIMIT);
  await look(two, 'desktop-waiting');
  await one.waitForFunction(() => document.getElementById('work-bar').value > 0, null, LIMIT);
  await look(one, 'desktop-progress');
  await one.click('#work .cancel');
  assert.equal(await seen(one), 'photos');
  await shown(two, 'result');
  await close(one);
  await close(two);
}

async function onAPhone() {
  const page = await open({viewport: {width: 360, height: 740}, deviceScaleFactor: 2,
                           isMobile: true, hasTouch: true});
  await look(page, 'phone-photos-empty');
  await page.setInputFiles('#file-probe', [GROUPS[0], LFW.mate]);
  await look(page, 'phone-photos');
  await page.tap('#start');
  await shown(page, 'faces');
  await page.tap('.option label[for=probe-2]');
  await look(page, 'phone-faces');
  await page.tap('#choose');
  await shown(page, 'result');
  await look(page, 'phone-result');
  await close(page);
}

// A tab that is closed takes its comparison with it.
async function closedTab() {
  const page = await open();
  await drop(page, '#zones', [LFW.probe, LFW.mate]);
  await page.click('summary');
  await page.selectOption('#method', 'rise');
  await page.click('#start');
  await page.waitForFunction(() => location.hash.length === 33, null, LIMIT);
  const job = new URL(page.url()).hash.slice(1);
  await close(page);
  const next = await open();
  await drop(next, '#zones', [LFW.probe, LFW.mate]);
  await next.click('#start');
  await shown(next, 'result'); // 8000 calls of the first would take minutes
  const answer = await fetch(`${server.url}api/jobs/${job}`);
  assert.equal(answer.status, 404);
  await close(next);
}

const failed = await run([dropThreeAndChoose, keyboardOnly, badUploads,
                          twoAtOnceAndCancel, onAPhone, closedTab]);
console.log(`pictures of ${CHROMIUM} ${browser.version()} are in ${shots}`);
await browser.close();
await server.stop();
process.exit(failed ? 1 : 0);

// What the tests and benchmarks of pages begin with: photos, a model and a
// browser.
import {existsSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {basename, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const source = process.env.WF_SOURCE_DIR ?? fileURLToPath(new URL('..', import.meta.url));
const shared = process.env.WHYFACE_SHARED ?? join(source, '../shared');
const npm = process.env.WHYFACE_NPM ?? join(source, 'node_modules');
const lfw = join(shared, 'data/lfw/images');
const demo = join(npm, '@vladmandic/face-api/demo');

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const MODEL = join(shared, 'models/mobilefacenet_arcface_128.onnx');
export const DETECTOR = ['p', 'r', 'o'].map(n => join(shared, `models/mtcnn_${n}net.onnx`));
// Photos of one face, and of three, three and four.
export const LFW = {
  probe: join(lfw, 'Abel_Pacheco/Abel_Pacheco_0001.jpg'),
  mate: join(lfw, 'Abel_Pacheco/Abel_Pacheco_0004.jpg'),
  nonmate: join(lfw, 'Aaron_Sorkin/Aaron_Sorkin_0001.jpg'),
};
export const GROUPS = [3, 1, 4].map(n => join(demo, `sample${n}.jpg`));

export function need() {
  const driver = join(npm, 'playwright-core');
  for (const path of [CHROMIUM, driver, MODEL, ...DETECTOR, ...Object.values(LFW), ...GROUPS])
    if (!existsSync(path)) {
      console.log(`SKIPPED: '${path}' is not there (Debian's chromium, npm's ` +
        'playwright-core, WHYFACE_SHARED and WHYFACE_NPM for models and photos)');
      process.exit(77);
    }
}

export function launch() {
  const {chromium} = createRequire(npm + '/')('playwright-core');
  // Root may not use Chromium's sandbox; only our own page is loaded.
  const args = process.getuid() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({executablePath: CHROMIUM, args});
}

// Drops files as a file manager does.
export async function drop(page, selector, paths) {
  const files = paths.map(path => [basename(path), readFileSync(path).toString('base64')]);
  const transfer = await page.evaluateHandle(list => {
    const data = new DataTransfer();
    for (const [name, bytes] of list)
      data.items.add(new File([Uint8Array.from(atob(bytes), c => c.charCodeAt(0))], name,
                              {type: 'image/jpeg'}));
    return data;
  }, files);
  for (const type of ['dragenter', 'dragover', 'drop'])
    await page.dispatchEvent(selector, type, {dataTransfer: transfer});
}

// Runs tests in turn; how many have failed.
export async function run(tests) {
  let failed = 0;
  for (const test of tests) {
    const begun = performance.now();
    let verdict = 'ok';
    try {
      await test();
    } catch (error) {
      console.log(error);
      verdict = 'FAILED';
      failed++;
    }
    console.log(`${test.name}: ${verdict} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
  }
  return failed;
}

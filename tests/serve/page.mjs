// A server of 'whyface serve' for a test or benchmark of its page.
import {spawn} from 'node:child_process';
import {mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {DETECTOR, MODEL} from '../browser.mjs';

// A server on a free port, with a place of its own for what it stores.
export async function start(options, whyface = process.argv[2]) {
  const runtime = mkdtempSync(join(tmpdir(), 'whyface-page-'));
  const child = spawn(whyface,
    ['serve', '--port', '0', '-q', '-m', MODEL, '-d', DETECTOR.join(','),
     ...options],
    {env: {...process.env, XDG_RUNTIME_DIR: runtime}, stdio: ['ignore', 'pipe', 'inherit']});
  const ended = new Promise(done => child.on('exit', done));
  process.on('exit', () => child.kill()); // whatever happens to the test
  let printed = '';
  const url = await new Promise((done, fail) => {
    child.stdout.on('data', data => {
      printed += data;
      const found = printed.match(/http:\/\/\S+\//);
      if (found) done(found[0]);
    });
    ended.then(status => fail(new Error(`the server ended with ${status}`)));
  });
  return {
    url,
    async stop() {
      child.kill('SIGINT');
      const status = await ended;
      const left = readdirSync(runtime);
      rmSync(runtime, {recursive: true});
      if (status !== 0 || left.length)
        throw new Error(`the server ended with ${status} and left '${left}'`);
    },
  };
}

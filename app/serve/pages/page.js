// The page of 'whyface serve': photos are sent, faces chosen, the work watched
// and the result shown.  doc/serve.md describes what is asked of the server.
'use strict';

const ROLES = [
  {name: 'probe', title: 'Probe', hint: 'the face in question'},
  {name: 'mate', title: 'Mate', hint: 'the face that it is compared with'},
  {name: 'nonmate', title: 'Non-mate', hint: 'somebody else (may be left out)'},
];
const TOKEN = document.querySelector('meta[name=whyface-token]').content;
const VIEWS = {photos: 'photos', faces: 'faces', work: 'work', result: 'result'};

const byId = id => document.getElementById(id);
const files = {};  // by role
const zones = {};
let info = null;
let job = null;    // the identifier of the comparison under way
let view = 'photos';
let asking = false;

// ---- small helpers ---------------------------------------------------------

function element(name, properties, ...children) {
  const e = Object.assign(document.createElement(name), properties);
  e.append(...children);
  return e;
}

const titleOf = role => ROLES.find(r => r.name === role).title.toLowerCase();
const size = bytes => bytes < 2 ** 20 / 10 ? `${Math.ceil(bytes / 1024)} kB`
  : `${+(bytes / 2 ** 20).toFixed(1)} MB`;
const fileUrl = name => `/api/jobs/${job}/files/${name}`;

class Refusal extends Error {
  constructor(message, field, status) {
    super(message);
    this.field = field;
    this.status = status;
  }
}

const GONE = 'The server does not answer. Is it still running?';

async function ask(method, path, body) {
  const headers = {'X-Whyface-Token': TOKEN};
  if (body) headers['Content-Type'] = 'application/json';
  let reply;
  try {
    reply = await fetch(path, {method, headers, body: body && JSON.stringify(body)});
  } catch {
    throw new Refusal(GONE, '', 0);
  }
  const answer = await reply.json().catch(() => ({}));
  if (reply.ok) return answer;
  throw new Refusal(sentence(answer.error?.message ?? reply.statusText),
                    answer.error?.field ?? '', reply.status);
}

// "the probe is missing" to "The probe is missing."
function sentence(text) {
  const end = /[.?!]$/.test(text) ? '' : '.';
  return text.charAt(0).toUpperCase() + text.slice(1) + end;
}

function show(next, focus = true) {
  view = next;
  for (const name of Object.keys(VIEWS)) {
    byId(name).hidden = name !== next;
    const step = byId(`step-${name}`);
    if (name === next) step.setAttribute('aria-current', 'step');
    else step.removeAttribute('aria-current');
  }
  if (focus) byId(`${next}-title`).focus();
}

function complain(message) {
  const banner = byId('banner');
  banner.textContent = message;
  banner.hidden = !message;
  if (message) banner.focus();
}

// ---- photos ----------------------------------------------------------------

function setError(role, message) {
  const zone = zones[role];
  zone.error.textContent = message;
  zone.error.hidden = !message;
  zone.root.classList.toggle('wrong', !!message);
  zone.input.setAttribute('aria-invalid', message ? 'true' : 'false');
}

function setFile(role, file) {
  const zone = zones[role];
  if (zone.url) URL.revokeObjectURL(zone.url);
  zone.url = file ? URL.createObjectURL(file) : null;
  files[role] = file;
  zone.root.classList.toggle('filled', !!file);
  zone.preview.hidden = !file;
  if (file) zone.preview.src = zone.url;
  else zone.preview.removeAttribute('src');
  zone.name.textContent = file ? `${file.name} (${size(file.size)})` : '';
  zone.remove.hidden = !file;
  const large = file && info && file.size > info.photo_bytes;
  setError(role, large ? `This file has ${size(file.size)}; the server takes ` +
    `at most ${size(info.photo_bytes)}.` : '');
}

// The first file goes to `role`, the others to the places that are empty.
function setFiles(role, list) {
  const [first, ...rest] = list;
  if (!first) return;
  setFile(role, first);
  for (const file of rest) {
    const empty = ROLES.find(r => !files[r.name]);
    if (empty) setFile(empty.name, file);
  }
}

function makeZone(role) {
  const root = byId('zone').content.cloneNode(true).firstElementChild;
  const zone = zones[role.name] = {
    root,
    input: root.querySelector('.file'),
    preview: root.querySelector('.preview'),
    name: root.querySelector('.zone-name'),
    remove: root.querySelector('.remove'),
    error: root.querySelector('.error'),
  };
  zone.input.id = `file-${role.name}`;
  zone.error.id = `error-${role.name}`;
  zone.input.setAttribute('aria-describedby', zone.error.id);
  root.querySelector('label').htmlFor = zone.input.id;
  root.querySelector('.zone-title').textContent = role.title;
  root.querySelector('.zone-hint').textContent = role.hint;
  root.querySelector('.zone-how').textContent = 'Drop or choose a photo';
  zone.remove.textContent = '\u00d7';
  zone.remove.setAttribute('aria-label', `Remove the ${titleOf(role.name)}`);
  // A format that the browser does not show, the server may still name.
  zone.preview.addEventListener('error', () => { zone.preview.hidden = true; });
  zone.input.addEventListener('change', () => {
    setFiles(role.name, zone.input.files);
    zone.input.value = '';
  });
  // Space opens the choice of files by itself; Enter would send the form.
  zone.input.addEventListener('keydown', event => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    zone.input.click();
  });
  zone.remove.addEventListener('click', () => {
    setFile(role.name, null);
    zone.input.focus();
  });
  root.addEventListener('dragover', () => root.classList.add('over'));
  root.addEventListener('dragleave', () => root.classList.remove('over'));
  byId('zones').append(root);
}

function onDrop(event) {
  event.preventDefault();
  const root = event.target.closest?.('.zone');
  for (const role of ROLES) zones[role.name].root.classList.remove('over');
  if (view !== 'photos') return;
  const empty = ROLES.find(r => !files[r.name]) ?? ROLES[0];
  const target = ROLES.find(r => zones[r.name].root === root) ?? empty;
  setFiles(target.name, event.dataTransfer.files);
}

function onPaste(event) {
  if (view !== 'photos') return;
  const focused = ROLES.find(r => zones[r.name].root.contains(document.activeElement));
  const empty = ROLES.find(r => !files[r.name]);
  setFiles((focused ?? empty ?? ROLES[0]).name, event.clipboardData.files);
}

function showRefusal(error) {
  show('photos', false);
  if (zones[error.field]) {
    setError(error.field, error.message);
    zones[error.field].input.focus();
  } else {
    complain(error.message);
  }
}

// fetch() does not tell how much has been sent.
function send(form) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', '/api/jobs');
    request.setRequestHeader('X-Whyface-Token', TOKEN);
    request.responseType = 'json';
    request.upload.onprogress = event =>
      showWork('Sending the photos', event.total ? event.loaded / event.total : null);
    request.onerror = () => reject(new Refusal(GONE, '', 0));
    request.onload = () => {
      const answer = request.response ?? {};
      if (request.status === 201) resolve(answer);
      else reject(new Refusal(sentence(answer.error?.message ?? request.statusText),
                              answer.error?.field ?? '', request.status));
    };
    request.send(form);
  });
}

function firstMissing() {
  const missing = ROLES.slice(0, 2).find(r => !files[r.name]);
  if (missing) setError(missing.name, `Choose a photo for the ${titleOf(missing.name)}.`);
  return missing?.name ?? ROLES.find(r => !zones[r.name].error.hidden)?.name;
}

async function onStart(event) {
  event.preventDefault();
  complain('');
  const wrong = firstMissing();
  if (wrong) {
    zones[wrong].input.focus();
    return;
  }
  const form = new FormData();
  for (const role of ROLES)
    if (files[role.name]) form.append(role.name, files[role.name]);
  form.append('method', byId('method').value);
  show('work');
  showWork('Sending the photos', null);
  try {
    follow((await send(form)).id);
  } catch (error) {
    showRefusal(error);
  }
}

// ---- settings --------------------------------------------------------------

function describeMethod() {
  const method = info.methods.find(m => m.name === byId('method').value);
  byId('method-help').textContent =
    `${sentence(method.help)} Asks the model ${method.forwards} times for each photo.`;
  const threshold = info.threshold.value === null ? ''
    : `, threshold ${info.threshold.value.toFixed(3)}`;
  byId('settings-now').textContent = `${method.name}${threshold}`;
}

function showInfo() {
  for (const method of info.methods)
    byId('method').append(element('option', {
      value: method.name,
      textContent: `${method.name} (${method.kind})`,
      selected: method.default,
    }));
  byId('model').textContent = `${info.model.name}, ${info.model.dim} numbers for a face`;
  byId('detector').textContent = info.detector;
  byId('threshold').textContent = info.threshold.value === null
    ? 'none is known for this model: similarities come without a verdict'
    : `${info.threshold.value.toFixed(4)} (${info.threshold.name}): ${info.threshold.source}`;
  byId('storage').textContent = info.kept
    ? 'This server stores the photos and results of finished comparisons.'
    : 'They are not stored.';
  byId('version').textContent = `whyface ${info.version}`;
  describeMethod();
}

// ---- following a job -------------------------------------------------------

function follow(id) {
  job = id;
  history.replaceState(null, '', `#${id}`);
}

function leave() {
  job = null;
  history.replaceState(null, '', location.pathname);
}

async function cancel() {
  const id = job;
  leave();
  show('photos');
  if (id) await ask('DELETE', `/api/jobs/${id}`).catch(() => {});
}

const WORDS = {
  queued: 'Waiting',
  chosen: 'Waiting',
  detecting: 'Looking for faces',
  explaining: 'Explaining',
  reporting: 'Writing the report',
};

function seconds(s) {
  if (s < 1) return 'less than a second';
  return s < 90 ? `about ${Math.round(s)} s` : `about ${Math.round(s / 60)} min`;
}

// What is read aloud changes with the stage only.
function showWork(stage, share, left = '') {
  if (byId('work-stage').textContent !== stage) byId('work-stage').textContent = stage;
  const bar = byId('work-bar');
  if (share === null) bar.removeAttribute('value');
  else bar.value = share;
  byId('work-left').textContent = left;
}

function showProgress(status) {
  if (view !== 'work') show('work');
  const ahead = status.place;
  if (ahead > 0) {
    showWork(ahead === 1 ? 'Waiting for one other comparison'
                         : `Waiting: ${ahead} other comparisons come first`, null);
    return;
  }
  const {stage, share, eta} = status.progress;
  const part = stage && status.state !== 'detecting' ? ` (${stage.split(': ').pop()})` : '';
  showWork(WORDS[status.state] + part, share || null,
           eta === null ? '' : `${seconds(eta)} left`);
}

async function beat() {
  if (!job || asking) return;
  // A result only has to be told that somebody looks at it.
  if (view === 'result' || view === 'faces') {
    beat.rest = (beat.rest ?? 0) + 1;
    if (beat.rest % 10) return;
  }
  asking = true;
  const id = job;
  try {
    const status = await ask('GET', `/api/jobs/${id}`);
    if (id === job) showStatus(status);
  } catch (error) {
    if (id === job) lose(error);
  }
  asking = false;
}

// One request that fails may be an accident; a server that says so is none.
function lose(error) {
  beat.lost = error.status ? 5 : (beat.lost ?? 0) + 1;
  if (beat.lost < 5) return;
  beat.lost = 0;
  if (view === 'result') {
    complain(`${error.message} The result's files can no longer be fetched.`);
    job = null;
    return;
  }
  leave();
  showRefusal(error);
}

function showStatus(status) {
  beat.lost = 0;
  if (status.state === 'choosing') {
    if (view !== 'faces') showPickers(status);
  } else if (status.state === 'done') {
    if (view !== 'result') showResult(status);
  } else if (status.state === 'failed') {
    ask('DELETE', `/api/jobs/${job}`).catch(() => {});
    leave();
    showRefusal(new Refusal(sentence(status.error.message), status.error.field, 400));
  } else {
    showProgress(status);
  }
}

// ---- faces -----------------------------------------------------------------

function addFace(role, photo, index, face, picker) {
  const id = `${role}-${index + 1}`;
  const [x, y, width, height] = face.box;
  const box = element('label', {className: 'box', htmlFor: id});
  box.setAttribute('aria-hidden', 'true');
  box.style.left = `${100 * x / photo.width}%`;
  box.style.top = `${100 * y / photo.height}%`;
  box.style.width = `${100 * width / photo.width}%`;
  box.style.height = `${100 * height / photo.height}%`;
  picker.querySelector('.photo').append(box);
  picker.querySelector('.options').append(element('div', {className: 'option'},
    element('input', {
      type: 'radio', id, name: role, value: index + 1, required: true,
      checked: photo.chosen === index + 1,
    }),
    element('label', {htmlFor: id},
      element('img', {src: fileUrl(face.crop), alt: ''}), `Face ${index + 1}`)));
}

function markBoxes(picker) {
  const chosen = picker.querySelector('input:checked');
  for (const box of picker.querySelectorAll('.box'))
    box.classList.toggle('chosen', box.htmlFor === chosen?.id);
}

function showPickers(status) {
  byId('pickers').replaceChildren();
  for (const [role, photo] of Object.entries(status.photos)) {
    if (photo.faces.length < 2) continue;
    const picker = byId('picker').content.cloneNode(true).firstElementChild;
    picker.querySelector('legend').textContent =
      `Which face in ${photo.name} is the ${titleOf(role)}?`;
    Object.assign(picker.querySelector('.numbered'), {
      src: fileUrl(photo.picture),
      alt: `${photo.name} with its ${photo.faces.length} faces numbered from left to right`,
    });
    photo.faces.forEach((face, i) => addFace(role, photo, i, face, picker));
    picker.addEventListener('change', () => markBoxes(picker));
    markBoxes(picker);
    byId('pickers').append(picker);
  }
  show('faces');
}

async function onChoose(event) {
  event.preventDefault();
  const choice = {};
  for (const [role, number] of new FormData(byId('faces'))) choice[role] = +number;
  complain('');
  try {
    await ask('POST', `/api/jobs/${job}/faces`, choice);
    show('work');
    showWork('Explaining', null);
  } catch (error) {
    if (error.status === 404) lose(error);
    else complain(error.message);
  }
}

// ---- result ----------------------------------------------------------------

function addVerdict(role, pair) {
  const t = info.threshold.value;
  const words = pair.verdict === null ? 'No threshold is known for this model.'
    : pair.verdict === 'match'
      ? `At or above the threshold of ${t.toFixed(3)}: the model takes the two for one person.`
      : `Below the threshold of ${t.toFixed(3)}: the model takes the two for different persons.`;
  byId('verdicts').append(element('div', {className: 'verdict'},
    element('p', {}, `Similarity of probe and ${titleOf(role)}`),
    element('p', {className: 'number', textContent: pair.similarity.toFixed(3)}),
    element('p', {className: 'hint', textContent: words})));
}

const FILES = [
  ['report.html', 'the report, one file that needs no network'],
  ['report.json', 'the same for programs'],
  ['figure.png', 'the faces and their maps'],
  ['figure.pdf', 'the same for printing'],
  ['result.json', 'all that is needed to repeat it'],
];

// The report is a document of its own, which may not touch this page.
function showReport() {
  const frame = element('iframe', {
    className: 'frame', title: 'Report', src: fileUrl('report.html'),
  });
  frame.setAttribute('sandbox', 'allow-scripts allow-modals');
  byId('report').replaceChildren(frame);
  byId('open').href = frame.src;
}

function showResult(status) {
  byId('verdicts').replaceChildren();
  for (const [role, pair] of Object.entries(status.result.pairs)) addVerdict(role, pair);
  showReport();
  const available = new Set(status.result.files);
  byId('files').replaceChildren(...FILES.filter(([name]) => available.has(name)).map(
    ([name, words]) => element('li', {},
      element('a', {href: fileUrl(name), download: name, textContent: name}), `: ${words}`)));
  const s = status.seconds;
  byId('result-notes').textContent =
    `Method ${status.method}. Faces found in ${s.detect.toFixed(1)} s, explained in ` +
    `${s.explain.toFixed(1)} s, report made in ${s.report.toFixed(1)} s. ` +
    (info.kept ? '' : 'The files are there while this page is open.');
  show('result');
}

// ---- start -----------------------------------------------------------------

function again() {
  const id = job;
  leave();
  complain('');
  for (const role of ROLES) setFile(role.name, null);
  show('photos');
  if (id) ask('DELETE', `/api/jobs/${id}`).catch(() => {});
}

async function begin() {
  for (const role of ROLES) makeZone(role);
  document.addEventListener('dragover', event => event.preventDefault());
  document.addEventListener('drop', onDrop);
  document.addEventListener('paste', onPaste);
  byId('photos').addEventListener('submit', onStart);
  byId('method').addEventListener('change', describeMethod);
  byId('faces').addEventListener('submit', onChoose);
  byId('again').addEventListener('click', again);
  for (const button of document.querySelectorAll('.cancel'))
    button.addEventListener('click', cancel);
  try {
    info = await ask('GET', '/api/info');
  } catch (error) {
    complain(error.message);
    return;
  }
  showInfo();
  if (/^#[0-9a-f]{32}$/.test(location.hash)) follow(location.hash.slice(1));
  new Worker('/beat.js').addEventListener('message', beat);
}

begin();

// usage: node compare.js NODE_MODULES MODEL FOLDER N C H W DIM
//
// Embeds FOLDER/inputs.f32 with ONNX Runtime and compares with
// FOLDER/native.f32; fails below a cosine of 0.99999.
'use strict';
const fs = require('fs');
const path = require('path');
const [modules, model, folder, ...numbers] = process.argv.slice(2);
const ort = require(path.join(modules, 'onnxruntime-node'));
const [n, c, h, w, dim] = numbers.map(Number);

function floats(name) {
  const bytes = fs.readFileSync(path.join(folder, name));
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

async function main() {
  const inputs = floats('inputs.f32'), native = floats('native.f32');
  const session = await ort.InferenceSession.create(model);
  const size = c * h * w;
  let least = 1, most = 0;
  for (let i = 0; i < n; i++) {
    const tensor = new ort.Tensor(
        'float32', inputs.slice(i * size, (i + 1) * size), [1, c, h, w]);
    const out = await session.run({[session.inputNames[0]]: tensor});
    const want = out[session.outputNames[0]].data;
    let ab = 0, aa = 0, bb = 0;
    for (let k = 0; k < dim; k++) {
      const a = native[i * dim + k], b = want[k];
      ab += a * b;
      aa += a * a;
      bb += b * b;
      most = Math.max(most, Math.abs(a - b));
    }
    least = Math.min(least, ab / Math.sqrt(aa * bb));
  }
  console.log(`${path.basename(model)}: ${n} crops, least cosine ` +
              `${least.toFixed(9)}, largest difference ${most.toExponential(2)}`);
  if (!(least >= 0.99999)) process.exit(1);
}

main().catch(error => {
  console.error(String(error));
  process.exit(1);
});

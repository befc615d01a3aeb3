// AWS IoT's device SDK, first generation (MQTT 3.1.1): its thing shadows, against the cloud. Each answer is a line for the test.
const [, , host, port, ca, cert, key] = process.argv;
const { thingShadow } = require('aws-iot-device-sdk');

const shadows = thingShadow({ host, port: Number(port), caPath: ca, certPath: cert, keyPath: key, clientId: 'sdk-v1', debug: false });
const say = (...words) => console.log(words.map((w) => (typeof w === 'string' && w !== '' ? w : JSON.stringify(w))).join(' '));

// A request at a time; each answer starts the next. The SDK stops two updates of one shadow from crossing by itself.
const steps = [
  () => shadows.get('press'),
  () => shadows.update('press', { state: { reported: { speed: 79 } } }),
  () => shadows.update('press', { state: { desired: { speed: 80 } } }),
  () => shadows.get('press'),
  () => shadows.update('press', { state: { reported: { speed: 80 } } }),
  () => shadows.delete('press'),
];
function next() {
  const step = steps.shift();
  if (step === undefined) {
    say('end');
    shadows.end(false, () => process.exit(0));
  } else if (step() === null) {
    say('busy');
    process.exit(1);
  }
}
shadows.on('connect', () => shadows.register('press', { enableVersioning: false }, next));
shadows.on('delta', (thing, d) => say('delta', thing, d.version, d.state));
shadows.on('status', (thing, outcome, token, answer) => {
  say(outcome, thing, answer.code || answer.version, answer.state || answer.message || '');
  setImmediate(next);
});
shadows.on('timeout', (thing) => { say('timeout', thing); process.exit(1); });
shadows.on('error', (err) => { say('error', String(err)); process.exit(1); });

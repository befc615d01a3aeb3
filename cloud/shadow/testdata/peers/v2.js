// AWS IoT's device SDK, second generation: its shadow client over MQTT 3.1.1 (publish and subscribe) and over MQTT 5 (request and response),
// against the cloud. Each answer is a line for the test.
const [, , version, host, port, ca, cert, key] = process.argv;
const { iot, iotshadow, mqtt, mqtt5 } = require('aws-iot-device-sdk-v2');

const say = (...words) => console.log(words.map((w) => (typeof w === 'string' && w !== '' ? w : JSON.stringify(w))).join(' '));
const thingName = 'press';
const name = { thingName, shadowName: 'recipe' };
const requests = { maxRequestResponseSubscriptions: 10, maxStreamingSubscriptions: 4, operationTimeoutInSeconds: 10 };

async function connect() {
  if (version === '5') {
    const builder = iot.AwsIotMqtt5ClientConfigBuilder.newDirectMqttBuilderWithMtlsFromPath(host, cert, key);
    builder.withPort(Number(port)).withCertificateAuthorityFromPath(undefined, ca);
    builder.withConnectProperties({ clientId: 'sdk-v2-5', keepAliveIntervalSeconds: 30 });
    const client = new mqtt5.Mqtt5Client(builder.build());
    const up = new Promise((done, failed) => {
      client.on('connectionSuccess', done);
      client.on('connectionFailure', (e) => failed(e.error));
    });
    client.start();
    await up;
    const down = () => new Promise((done) => { client.on('stopped', done); client.stop(); }).then(() => client.close());
    return [iotshadow.IotShadowClientv2.newFromMqtt5(client, requests), down];
  }
  const builder = iot.AwsIotMqttConnectionConfigBuilder.new_mtls_builder_from_path(cert, key);
  builder.with_certificate_authority_from_path(undefined, ca).with_endpoint(host).with_port(Number(port)).with_client_id('sdk-v2-311');
  const connection = new mqtt.MqttClient().new_connection(builder.build());
  await connection.connect();
  await classic(connection);
  return [iotshadow.IotShadowClientv2.newFromMqtt311(connection, requests), () => connection.disconnect()];
}

// classic is the first shadow client of this SDK, that subscribes and publishes by itself.
async function classic(connection) {
  const client = new iotshadow.IotShadowClient(connection);
  const qos = mqtt.QoS.AtLeastOnce;
  let heard;
  const hears = (what) => (err, answer) => heard(err ? ['error', String(err)] : [what, answer]);
  const answer = () => new Promise((done) => { heard = done; });
  await client.subscribeToUpdateShadowAccepted({ thingName }, qos, hears('accepted'));
  await client.subscribeToUpdateShadowRejected({ thingName }, qos, hears('rejected'));
  await client.subscribeToGetShadowRejected({ thingName }, qos, hears('rejected'));
  await client.subscribeToDeleteShadowAccepted({ thingName }, qos, hears('deleted'));
  for (const ask of [
    () => client.publishGetShadow({ thingName }, qos),
    () => client.publishUpdateShadow({ thingName, state: { reported: { mode: 'auto' } }, clientToken: 't' }, qos),
    () => client.publishUpdateShadow({ thingName, state: { reported: { mode: 'hand' } }, version: 7 }, qos),
    () => client.publishDeleteShadow({ thingName }, qos),
  ]) {
    const coming = answer();
    await ask();
    const [what, a] = await coming;
    say('classic', what, a.code || a.version, a.message || a.state || '');
  }
}

// named asks with requests that have responses, and listens to deltas beside.
async function named(client) {
  const deltas = client.createNamedShadowDeltaUpdatedStream(name);
  const subscribed = new Promise((done) => deltas.on('subscriptionStatus', done));
  const delta = new Promise((done) => deltas.on('incomingPublish', (e) => done(e.message)));
  deltas.open();
  await subscribed;
  await client.getNamedShadow(name).catch((err) => say('get', err.modeledError.code, err.modeledError.message));
  let r = await client.updateNamedShadow({ ...name, state: { reported: { speed: 79 } } });
  say('update', r.version, r.state);
  r = await client.updateNamedShadow({ ...name, state: { desired: { speed: 80 } } });
  say('update', r.version, r.state);
  const d = await delta;
  say('delta', d.version, d.state);
  await client.updateNamedShadow({ ...name, state: { reported: { speed: 1 } }, version: 1 }).catch((err) => say('update', err.modeledError.code, err.modeledError.message));
  r = await client.getNamedShadow(name);
  say('get', r.version, r.state);
  r = await client.deleteNamedShadow(name);
  say('delete', r.version);
  deltas.close();
}

(async () => {
  const [client, down] = await connect();
  await named(client);
  client.close();
  await down();
  say('end');
})().catch((err) => say('error', String(err), err.modeledError || '')).then(() => {
  // The SDK's native part aborts when node takes it down in good order (aws-crt 1.33.1, node 20).
  process.kill(process.pid, 'SIGKILL');
});

// The OPC UA server of the interop tests, by an independent library (npm node-opcua).
//   usage: node server.js PORT FOLDER      FOLDER gets pki/ and ramp.jsonl
// User gw / secret, anonymous, or any user certificate; None, Basic256Sha256, Aes128_Sha256_RsaOaep, Aes256_Sha256_RsaPss, Sign and SignAndEncrypt.
// Prints "ready URL" when it serves. From the environment: HOURS its clock is ahead by, MAX_SESSIONS, NAMESPACES
// that come before its own, and the folder PKI for its certificate, which takes a while to make.
//   s=Types.NAME      one variable of each data type with a fixed value (types below)
//   s=Counter         UInt32, counts every 50 ms
//   s=Ramp            Double, changes every 50 ms with a status of its own; ramp.jsonl has every (value, status, time) it ever had
//   s=Setpoint.NAME   writable, one of each writable type;  s=ReadOnly   not writable;  s=Vec   Int16[3], writable
//   s=Many.0 .. 119   UInt32, value = index;  more than one request's worth: the server takes 50 nodes a request
//   s=Control.Remove  writable String: the node with that string identifier is taken away; s=Control.Add: comes back
//   s=Control.Do      writable String: "event TEXT SEVERITY"; with the publishing interval of the subscription that is meant: "kill MS" (its session),
//                     "drop MS", "stop MS" (it publishes keep-alives only)
//   s=Analog          Double 0..1000 with an EURange; writable
//   s=Recorded        Double, changes every 50 ms, with a history of the last 2000; recorded.jsonl has every one
//   s=Start, s=Scale  methods of s=Plant: no argument; (Double, UInt16) -> Double, their product
const fs = require('fs');
const path = require('path');
const ahead = Number(process.env.HOURS || 0) * 3600e3;
if (ahead) {
  const True = Date;
  globalThis.Date = class extends True {
    constructor(...a) { if (a.length) super(...a); else super(True.now() + ahead); }
    static now() { return True.now() + ahead; }
  };
}
const o = require('node-opcua'); // after the clock was set
o.MonitoredItem.minimumSamplingInterval = 10; // its 50 ms would miss changes that are 50 ms apart
const [port, folder] = [Number(process.argv[2]), process.argv[3]];

const types = {
  Boolean: true, SByte: -128, Byte: 255, Int16: -32768, UInt16: 65535, Int32: -2147483648, UInt32: 4294967295,
  Int64: [0x80000000, 0], UInt64: [0xffffffff, 0xffffffff], Float: 0.1, Double: 0.1, String: 'Füllstand', DateTime: new Date('2026-03-01T12:34:56.789Z'),
  Guid: '72962B91-FA75-4AE6-8D28-B404DC7DAF63', ByteString: Buffer.from([0xde, 0xad, 0xbe, 0xef]), StatusCode: o.StatusCodes.BadSensorFailure,
  LocalizedText: o.coerceLocalizedText('running'), QualifiedName: o.coerceQualifiedName('1:Boiler'),
};
const writable = ['Boolean', 'SByte', 'Byte', 'Int16', 'UInt16', 'Int32', 'UInt32', 'Int64', 'UInt64', 'Float', 'Double', 'String', 'DateTime', 'ByteString', 'LocalizedText'];

async function serve() {
  const certificates = new o.OPCUACertificateManager({ rootFolder: process.env.PKI || path.join(folder, 'pki'), automaticallyAcceptUnknownCertificate: true });
  await certificates.initialize();
  const server = new o.OPCUAServer({
    port, hostname: 'localhost', allowAnonymous: true,
    serverCertificateManager: certificates, userCertificateManager: certificates,
    securityPolicies: [o.SecurityPolicy.None, o.SecurityPolicy.Basic256Sha256, o.SecurityPolicy.Aes128_Sha256_RsaOaep, o.SecurityPolicy.Aes256_Sha256_RsaPss],
    securityModes: [o.MessageSecurityMode.None, o.MessageSecurityMode.Sign, o.MessageSecurityMode.SignAndEncrypt],
    userManager: { isValidUser: (user, password) => user === 'gw' && password === 'secret' },
    serverCapabilities: {
      maxSessions: Number(process.env.MAX_SESSIONS || 20),
      operationLimits: { maxNodesPerRead: 50, maxMonitoredItemsPerCall: 50, maxNodesPerBrowse: 10, maxNodesPerHistoryReadData: 10 },
    },
  });
  await server.initialize();
  build(server);
  await server.start();
  console.log('ready', `opc.tcp://127.0.0.1:${port}`);
  process.on('SIGTERM', async () => { await server.shutdown(0); process.exit(0); });
}

function build(server) {
  const space = server.engine.addressSpace;
  for (let i = 0; i < Number(process.env.NAMESPACES || 0); i++) space.registerNamespace(`urn:before:${i}`);
  const ns = process.env.NAMESPACES ? space.registerNamespace('urn:plant') : space.getOwnNamespace();
  const plant = ns.addObject({ organizedBy: space.rootFolder.objects, browseName: 'Plant', nodeId: 's=Plant', eventNotifier: 1, notifierOf: space.rootFolder.objects.server });
  const add = (name, dataType, value, more) => ns.addVariable({
    componentOf: plant, browseName: name, nodeId: 's=' + name, dataType, minimumSamplingInterval: 10, accessLevel: 'CurrentRead', userAccessLevel: 'CurrentRead',
    value: value === undefined ? undefined : { dataType, arrayType: 'Scalar', value }, ...more,
  });
  const rw = { accessLevel: 'CurrentRead | CurrentWrite', userAccessLevel: 'CurrentRead | CurrentWrite' };

  for (const [name, value] of Object.entries(types)) add('Types.' + name, name, value);
  for (const name of writable) add('Setpoint.' + name, name, types[name], rw);
  add('ReadOnly', 'Double', 1);
  add('Vec', 'Int16', undefined, { ...rw, valueRank: 1, arrayDimensions: [3], value: { dataType: 'Int16', arrayType: 'Array', value: Int16Array.from([1, -2, 3]) } });
  for (let i = 0; i < 120; i++) add('Many.' + i, 'UInt32', i);

  const remove = add('Control.Remove', 'String', '', rw);
  remove.on('value_changed', (dv) => { const node = dv.value.value && space.findNode(`ns=1;s=${dv.value.value}`); if (node) space.deleteNode(node); });
  add('Control.Add', 'String', '', rw).on('value_changed', (dv) => { if (dv.value.value) add(dv.value.value, 'UInt32', 1000); });
  add('Control.Do', 'String', '', rw).on('value_changed', (dv) => setTimeout(() => act(server, plant, dv.value.value), 50));

  ns.addAnalogDataItem({
    componentOf: plant, browseName: 'Analog', nodeId: 's=Analog', dataType: 'Double', ...rw, minimumSamplingInterval: 10,
    engineeringUnitsRange: { low: 0, high: 1000 }, value: { dataType: 'Double', value: 500 },
  });
  const describe = (name, dataType) => ({ name, dataType: o.DataType[dataType], valueRank: -1, description: { text: name } });
  ns.addMethod(plant, { browseName: 'Start', nodeId: 's=Start', inputArguments: [], outputArguments: [] })
    .bindMethod((inputs, context, done) => { started.setValueFromSource({ dataType: 'UInt32', value: ++starts }); done(null, { statusCode: o.StatusCodes.Good, outputArguments: [] }); });
  ns.addMethod(plant, { browseName: 'Scale', nodeId: 's=Scale', inputArguments: [describe('value', 'Double'), describe('factor', 'UInt16')], outputArguments: [describe('product', 'Double')] })
    .bindMethod((inputs, context, done) => {
      const product = inputs[0].value * inputs[1].value;
      if (product < 0) return done(null, { statusCode: o.StatusCodes.BadOutOfRange, outputArguments: [] });
      done(null, { statusCode: o.StatusCodes.Good, outputArguments: [{ dataType: 'Double', value: product }] });
    });
  let starts = 0;
  const started = add('Started', 'UInt32', 0);

  const recorded = add('Recorded', 'Double', 0, { accessLevel: 'CurrentRead | HistoryRead', userAccessLevel: 'CurrentRead | HistoryRead' });
  space.installHistoricalDataNode(recorded, { maxOnlineValues: 2000 });
  const record = fs.openSync(path.join(folder, 'recorded.jsonl'), 'w');

  const history = fs.openSync(path.join(folder, 'ramp.jsonl'), 'w');
  const counter = add('Counter', 'UInt32'), ramp = add('Ramp', 'Double');
  let n = 0;
  const step = () => {
    n++;
    const status = n % 11 === 0 ? o.StatusCodes.UncertainSensorNotAccurate : n % 17 === 0 ? o.StatusCodes.BadSensorFailure : o.StatusCodes.Good;
    const at = new Date(), value = n / 8;
    fs.writeSync(history, JSON.stringify({ value, status: status.value, time: at.toISOString() }) + '\n');
    ramp.setValueFromSource({ dataType: 'Double', value }, status, at);
    counter.setValueFromSource({ dataType: 'UInt32', value: n });
    fs.writeSync(record, JSON.stringify({ value: n, status: 0, time: at.toISOString() }) + '\n');
    recorded.setValueFromSource({ dataType: 'Double', value: n }, o.StatusCodes.Good, at);
  };
  step();
  setInterval(step, 50);
}

function act(server, plant, what) {
  const [, verb, interval] = /^(kill|drop|stop) (\d+)$/.exec(what) || [];
  for (const session of Object.values(server.engine._sessions)) {
    for (const s of session.publishEngine.subscriptions.filter((s) => s.publishingInterval === Number(interval))) {
      if (verb === 'kill') server.engine.closeSession(session.authenticationToken, true, 'Terminated');
      if (verb === 'drop') s.terminate();
      if (verb === 'stop') for (const item of s.monitoredItems.values()) item.setMonitoringMode(o.MonitoringMode.Disabled);
    }
  }
  const [, text, severity] = /^event (.*) (\d+)$/.exec(what) || [];
  if (text) plant.raiseEvent('BaseEventType', { message: { dataType: 'LocalizedText', value: { text } }, severity: { dataType: 'UInt16', value: Number(severity) } });
}

serve().catch((error) => { console.error(error); process.exit(1); });

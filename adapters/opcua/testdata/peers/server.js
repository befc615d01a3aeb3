// The OPC UA server of the interop tests, by an independent library (npm node-opcua).
//   usage: node server.js PORT FOLDER      FOLDER gets pki/ and ramp.jsonl
// User gw / secret, or anonymous; None, Basic256Sha256, Aes256_Sha256_RsaPss. Prints "ready URL" when it serves.
//   s=Types.NAME      one variable of each data type with a fixed value (types below)
//   s=Counter         UInt32, counts every 50 ms
//   s=Ramp            Double, changes every 50 ms with a status of its own; ramp.jsonl has every (value, status, time) it ever had
//   s=Setpoint.NAME   writable, one of each writable type;  s=ReadOnly   not writable;  s=Vec   Int16[3], writable
//   s=Many.0 .. 119   UInt32, value = index;  more than one request's worth: the server takes 50 nodes a request
//   s=Control.Remove  writable String: the node with that string identifier is taken away
const fs = require('fs');
const path = require('path');
const o = require('node-opcua');
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
  const certificates = new o.OPCUACertificateManager({ rootFolder: path.join(folder, 'pki'), automaticallyAcceptUnknownCertificate: true });
  await certificates.initialize();
  const server = new o.OPCUAServer({
    port, hostname: 'localhost', allowAnonymous: true,
    serverCertificateManager: certificates, userCertificateManager: certificates,
    securityPolicies: [o.SecurityPolicy.None, o.SecurityPolicy.Basic256Sha256, o.SecurityPolicy.Aes256_Sha256_RsaPss],
    securityModes: [o.MessageSecurityMode.None, o.MessageSecurityMode.Sign, o.MessageSecurityMode.SignAndEncrypt],
    userManager: { isValidUser: (user, password) => user === 'gw' && password === 'secret' },
    serverCapabilities: { operationLimits: { maxNodesPerRead: 50, maxMonitoredItemsPerCall: 50 } },
  });
  await server.initialize();
  build(server);
  await server.start();
  console.log('ready', `opc.tcp://127.0.0.1:${port}`);
  process.on('SIGTERM', async () => { await server.shutdown(0); process.exit(0); });
}

function build(server) {
  const space = server.engine.addressSpace, ns = space.getOwnNamespace();
  const plant = ns.addObject({ organizedBy: space.rootFolder.objects, browseName: 'Plant', nodeId: 's=Plant' });
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
  };
  step();
  setInterval(step, 50);
}

serve().catch((error) => { console.error(error); process.exit(1); });

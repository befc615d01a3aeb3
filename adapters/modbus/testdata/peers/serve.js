// A Modbus TCP device by one of two libraries. usage: node serve.js modbus-serial|jsmodbus PORT
// It prints its port once it listens. Unit 1; holding register n holds 1000+n, input register n holds 2000+n, coils and discrete inputs are on where n is a
// multiple of 3; 100 of each. It ends with its standard input.
const net = require('net')

function modbusSerial () {
  const { ServerTCP } = require('modbus-serial')
  const holding = Array.from({ length: 100 }, (_, n) => 1000 + n)
  const coils = Array.from({ length: 100 }, (_, n) => n % 3 === 0)
  const there = n => { if (n >= 100) throw { modbusErrorCode: 2, msg: 'no such address' }; return n }
  const server = new ServerTCP({
    getHoldingRegister: n => holding[there(n)],
    getInputRegister: n => 2000 + there(n),
    getCoil: n => coils[there(n)],
    getDiscreteInput: n => there(n) % 3 === 0,
    setRegister: (n, v) => { holding[there(n)] = v },
    setCoil: (n, v) => { coils[there(n)] = v }
  }, { host: '127.0.0.1', port: Number(process.argv[3]), unitID: 1 })
  server.on('initialized', () => console.log(server._server.address().port))
}

function jsmodbus () {
  const modbus = require('jsmodbus')
  const tcp = net.createServer()
  const words = from => { const b = Buffer.alloc(200); for (let n = 0; n < 100; n++) b.writeUInt16BE(from + n, 2 * n); return b }
  const bits = () => { const b = Buffer.alloc(13); for (let n = 0; n < 100; n += 3) b[n >> 3] |= 1 << (n & 7); return b }
  new modbus.server.TCP(tcp, { holding: words(1000), input: words(2000), coils: bits(), discrete: bits() })
  tcp.listen(Number(process.argv[3]), '127.0.0.1', () => console.log(tcp.address().port))
}

({ 'modbus-serial': modbusSerial, jsmodbus })[process.argv[2]]()
process.stdin.on('end', () => process.exit()).resume()

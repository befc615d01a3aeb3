// A Modbus TCP client by one of two libraries. usage: node client.js modbus-serial|jsmodbus PORT
// It reads holding registers 4..7, input registers 0..1, coils 0..3 and discrete inputs 0..3 of unit 7, writes 123 to holding register 20, 1, 2, 3
// to 21..23 and true to coil 5, and prints what it has read.
const net = require('net')
const [library, port] = process.argv.slice(2)

async function modbusSerial () {
  const ModbusRTU = require('modbus-serial')
  const c = new ModbusRTU()
  await c.connectTCP('127.0.0.1', { port: Number(port) })
  c.setID(7)
  const read = {
    holding: (await c.readHoldingRegisters(4, 4)).data,
    input: (await c.readInputRegisters(0, 2)).data,
    coils: (await c.readCoils(0, 4)).data.slice(0, 4),
    discrete: (await c.readDiscreteInputs(0, 4)).data.slice(0, 4)
  }
  await c.writeRegister(20, 123)
  await c.writeRegisters(21, [1, 2, 3])
  await c.writeCoil(5, true)
  return read
}

async function jsmodbus () {
  const socket = new net.Socket()
  const c = new (require('jsmodbus').client.TCP)(socket, 7)
  await new Promise((resolve, reject) => { socket.on('connect', resolve).on('error', reject); socket.connect({ host: '127.0.0.1', port: Number(port) }) })
  const values = async asked => (await asked).response.body.valuesAsArray
  const read = {
    holding: Array.from(await values(c.readHoldingRegisters(4, 4))),
    input: Array.from(await values(c.readInputRegisters(0, 2))),
    coils: Array.from(await values(c.readCoils(0, 4))).slice(0, 4).map(Boolean),
    discrete: Array.from(await values(c.readDiscreteInputs(0, 4))).slice(0, 4).map(Boolean)
  }
  await c.writeSingleRegister(20, 123)
  await c.writeMultipleRegisters(21, [1, 2, 3])
  await c.writeSingleCoil(5, true)
  return read
}

({ 'modbus-serial': modbusSerial, jsmodbus })[library]().then(read => { console.log(JSON.stringify(read)); process.exit() }, err => { console.error(err); process.exit(1) })

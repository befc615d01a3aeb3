"""A Modbus device by an independent library (pymodbus 3.0: Debian's python3-pymodbus and python3-serial-asyncio).

usage: modbus_server.py tcp|rtutcp|rtuudp PORT | tls PORT CERT KEY CA | rtu TTY
Units 1, 2 and 17. Holding registers 0, 20, 40 and 60 hold float32 123.456, int32 -70000, uint64 2**40+5 and "ABCDEFGH"
in ABCD, CDAB, BADC and DCBA; 80, 100, 120 and 140 hold float64 -0.1, int64 -2**40-5 and int16 -2 in the same orders; the
last holding register (199) holds the unit id. Input registers hold their own address. Discrete inputs alternate 1, 0.

A line on stdin asks what was written: "UNIT ADDRESS ORDER KIND" (kind float32, int32, uint64, string or coil); the
answer is a line on stdout.
"""
import ssl
import sys
import threading
from pymodbus.constants import Endian
from pymodbus.datastore import ModbusSequentialDataBlock as Block
from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext
from pymodbus.payload import BinaryPayloadBuilder, BinaryPayloadDecoder
from pymodbus.server import StartSerialServer, StartTcpServer, StartTlsServer, StartUdpServer
from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer

ORDERS = {"ABCD": (Endian.Big, Endian.Big), "CDAB": (Endian.Big, Endian.Little),
          "BADC": (Endian.Little, Endian.Big), "DCBA": (Endian.Little, Endian.Little)}


def values(byte_order, word_order):
    b = BinaryPayloadBuilder(byteorder=byte_order, wordorder=word_order)
    b.add_32bit_float(123.456)
    b.add_32bit_int(-70000)
    b.add_64bit_uint(2**40 + 5)
    b.add_string("ABCDEFGH")
    return b.to_registers()


def wide(byte_order, word_order):
    b = BinaryPayloadBuilder(byteorder=byte_order, wordorder=word_order)
    b.add_64bit_float(-0.1)
    b.add_64bit_int(-2**40 - 5)
    b.add_16bit_int(-2)
    return b.to_registers()


holding = [0] * 200
for i, (byte_order, word_order) in enumerate(ORDERS.values()):
    holding[20 * i:20 * i + 12] = values(byte_order, word_order)
    holding[80 + 20 * i:80 + 20 * i + 9] = wide(byte_order, word_order)


def unit(n):
    return ModbusSlaveContext(di=Block(0, [1, 0] * 100), co=Block(0, [0] * 200), hr=Block(0, holding[:-1] + [n]),
                              ir=Block(0, list(range(200))), zero_mode=True)


context = ModbusServerContext(slaves={n: unit(n) for n in (1, 2, 17)}, single=False)


def tell(line):
    n, at, order, kind = line.split()
    slave = context[int(n)]
    if kind == "coil":
        return int(slave.getValues(1, int(at), 1)[0])
    byte_order, word_order = ORDERS[order]
    d = BinaryPayloadDecoder.fromRegisters(slave.getValues(3, int(at), 4), byteorder=byte_order, wordorder=word_order)
    return {"float32": d.decode_32bit_float, "int32": d.decode_32bit_int, "uint64": d.decode_64bit_uint,
            "string": lambda: d.decode_string(8).decode()}[kind]()


def questions():
    for line in sys.stdin:
        try:
            print(tell(line), flush=True)
        except Exception as e:
            print("can't tell:", e, flush=True)


threading.Thread(target=questions, daemon=True).start()
mode, where = sys.argv[1:3]
if mode == "tcp":
    StartTcpServer(context=context, address=("127.0.0.1", int(where)))
elif mode == "rtutcp":
    StartTcpServer(context=context, address=("127.0.0.1", int(where)), framer=ModbusRtuFramer)
elif mode == "rtuudp":
    StartUdpServer(context=context, address=("127.0.0.1", int(where)), framer=ModbusRtuFramer)
elif mode == "tls":
    security = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    security.load_cert_chain(sys.argv[3], sys.argv[4])
    security.load_verify_locations(sys.argv[5])
    security.verify_mode = ssl.CERT_REQUIRED
    # Its own framer for TLS leaves out the header that Modbus/TCP Security keeps.
    StartTlsServer(context=context, address=("127.0.0.1", int(where)), framer=ModbusSocketFramer, sslctx=security)
elif mode == "rtu":
    StartSerialServer(context=context, port=where, baudrate=19200, framer=ModbusRtuFramer, timeout=0.005)

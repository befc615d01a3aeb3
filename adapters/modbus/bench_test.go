package modbus_test

func serveForBenchmark() {}

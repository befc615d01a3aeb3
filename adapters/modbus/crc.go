package modbus

// crcTable is the remainder of each byte (Modbus over Serial Line 1.02, 6.2.2: polynomial 0xA001, low bit first).
var crcTable = func() (table [256]uint16) {
	for i := range table {
		r := uint16(i)
		for range 8 {
			if r&1 == 1 {
				r = r>>1 ^ 0xA001
			} else {
				r >>= 1
			}
		}
		table[i] = r
	}
	return table
}()

// CRC is the checksum of an RTU frame; it is sent low byte first.
func CRC(frame []byte) uint16 {
	r := uint16(0xFFFF)
	for _, b := range frame {
		r = r>>8 ^ crcTable[byte(r)^b]
	}
	return r
}

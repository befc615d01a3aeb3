package rule

import (
	"hash"
	"math/big"
	"sync"
)

// md2 is the digest of RFC 1319, which Go's library does not have.
type md2 struct{ data []byte }

func newMD2() hash.Hash { return &md2{} }

func (m *md2) Write(p []byte) (int, error) { m.data = append(m.data, p...); return len(p), nil }
func (m *md2) Reset()                      { m.data = nil }
func (m *md2) Size() int                   { return 16 }
func (m *md2) BlockSize() int              { return 16 }

func (m *md2) Sum(b []byte) []byte {
	table := md2Table()
	data := append([]byte(nil), m.data...)
	padding := 16 - len(data)%16
	for range padding {
		data = append(data, byte(padding))
	}
	var state [48]byte
	var sum [16]byte
	last := byte(0)
	for block := 0; block < len(data); block += 16 {
		for i, c := range data[block : block+16] {
			sum[i] ^= table[c^last]
			last = sum[i]
		}
		md2Block(&state, data[block:block+16], table)
	}
	md2Block(&state, sum[:], table)
	return append(b, state[:16]...)
}

func md2Block(state *[48]byte, block []byte, table *[256]byte) {
	for i, c := range block {
		state[16+i], state[32+i] = c, c^state[i]
	}
	t := byte(0)
	for round := range 18 {
		for i := range state {
			state[i] ^= table[t]
			t = state[i]
		}
		t += byte(round)
	}
}

// md2Table is the permutation that RFC 1319 makes of the digits of pi: a shuffle whose random numbers they are.
var md2Table = sync.OnceValue(func() *[256]byte {
	digits := piDigits(1000)
	next := func(n int) int {
		for {
			x, limit := int(digits[0]-'0'), 10
			digits = digits[1:]
			for n > limit || limit == 10 && n > 10 {
				x, limit, digits = 10*x+int(digits[0]-'0'), 10*limit, digits[1:]
			}
			if x < n*(limit/n) {
				return x % n
			}
		}
	}
	var table [256]byte
	for i := range table {
		table[i] = byte(i)
	}
	for i := 2; i <= 256; i++ {
		j := next(i)
		table[j], table[i-1] = table[i-1], table[j]
	}
	return &table
})

// piDigits by Machin's formula: 16 atan(1/5) - 4 atan(1/239).
func piDigits(n int32) string {
	unit := tens(n + 10)
	atan := func(x int64) *big.Int {
		term := new(big.Int).Quo(unit, big.NewInt(x))
		sum, square := new(big.Int), big.NewInt(x*x)
		for k := int64(1); term.Sign() != 0; k += 2 {
			part := new(big.Int).Quo(term, big.NewInt(k))
			if k%4 == 3 {
				part.Neg(part)
			}
			sum.Add(sum, part)
			term.Quo(term, square)
		}
		return sum
	}
	pi := new(big.Int).Mul(atan(5), big.NewInt(16))
	return pi.Sub(pi, new(big.Int).Mul(atan(239), big.NewInt(4))).String()[:n]
}

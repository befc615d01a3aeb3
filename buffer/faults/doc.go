// Package faults shows what the buffer makes of crashes, power cuts and failing disks: a store process on the real buffer, a
// ledger of what it said, and disks that go wrong. It is a module of its own, so that nothing of it is linked into a product.
package faults

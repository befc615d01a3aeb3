module github.com/penstock-edge/penstock/buffer/faults

go 1.26.0

require (
	github.com/hanwen/go-fuse/v2 v2.12.1
	github.com/penstock-edge/penstock v0.0.0
	golang.org/x/sys v0.49.0
)

require (
	github.com/oklog/ulid/v2 v2.1.2 // indirect
	go.etcd.io/bbolt v1.5.0 // indirect
)

replace github.com/penstock-edge/penstock => ../..

package buffer

import "go.etcd.io/bbolt"

// maxInline is up to which size bytes are a value beside others. What is larger is alone in a bucket of its own: bbolt puts two to four
// values into a leaf however large they are, and writes the leaf anew for each that comes, so every byte would be written four times.
const maxInline = 1 << 10

// bodyKey is the one key of such a bucket.
var bodyKey = []byte("b")

// putBody writes bytes under a key that is new.
func putBody(b *bbolt.Bucket, key, body []byte) error {
	if len(body) <= maxInline {
		return b.Put(key, body)
	}
	own, err := b.CreateBucket(key)
	if err != nil {
		return err
	}
	return own.Put(bodyKey, body)
}

// deleteBody takes a key out.
func deleteBody(b *bbolt.Bucket, key []byte) error {
	if b.Bucket(key) == nil {
		return b.Delete(key)
	}
	return b.DeleteBucket(key)
}

// getBody gives the bytes under a key, nil if there are none. They are bbolt's.
func getBody(b *bbolt.Bucket, key []byte) []byte {
	if own := b.Bucket(key); own != nil {
		return own.Get(bodyKey)
	}
	return b.Get(key)
}

// body is the element that holds the bytes of one.
func (f *boltFile) body(e element) element {
	if !e.bucket {
		return e
	}
	own := element{key: e.key}
	f.bucket(e, func(inner element) { own.at, own.size = inner.at, inner.size })
	return own
}

package rule

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
)

// hashFunctions are part of the language; nothing of ours is secured with the old ones.
var hashFunctions = map[string]function{
	"md2": hashing(newMD2), "md5": hashing(md5.New), "sha1": hashing(sha1.New), "sha224": hashing(sha256.New224), "sha256": hashing(sha256.New),
	"sha384": hashing(sha512.New384), "sha512": hashing(sha512.New),
}

func hashing(start func() hash.Hash) function {
	return texts(func(s string) Value {
		h := start()
		h.Write([]byte(s)) // a hash never refuses
		return text(hex.EncodeToString(h.Sum(nil)))
	})
}

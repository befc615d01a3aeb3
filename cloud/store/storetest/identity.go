package storetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
)

func certificate(id, thing string, issued int64) cloud.Certificate {
	return cloud.Certificate{ID: id, Thing: thing, Status: cloud.CertificateActive, PEM: []byte("PEM of " + id),
		Issued: time.Unix(issued, 7).UTC(), NotAfter: time.Unix(issued+1000, 0).UTC()}
}

func testCertificates(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	f.gateway("plant7")
	first, second := certificate("aa", "plant7", 100), certificate("00", "plant7", 200)
	f.must(f.AddCertificate(ctx, second))
	f.must(f.AddCertificate(ctx, first))
	if err := f.AddCertificate(ctx, first); !errors.Is(err, cloud.ErrExists) {
		t.Errorf("adding a certificate twice: %v, want ErrExists", err)
	}
	got, err := f.Certificate(ctx, "aa")
	f.must(err)
	if !reflect.DeepEqual(got, first) {
		t.Errorf("got %+v, want %+v", got, first)
	}
	all, err := f.Certificates(ctx, "plant7")
	f.must(err)
	if want := []cloud.Certificate{first, second}; !reflect.DeepEqual(all, want) {
		t.Errorf("got %+v, want them oldest first: %+v", all, want)
	}
	f.must(f.SetCertificateStatus(ctx, "aa", cloud.CertificateRevoked))
	if got, _ := f.Certificate(ctx, "aa"); got.Status != cloud.CertificateRevoked {
		t.Errorf("status is %s after it was revoked", got.Status)
	}
	if _, err := f.Certificate(ctx, "ff"); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("an unknown certificate: %v, want ErrNotFound", err)
	}
	if err := f.SetCertificateStatus(ctx, "ff", cloud.CertificateActive); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("status of an unknown certificate: %v, want ErrNotFound", err)
	}
	if none, err := f.Certificates(ctx, "nobody"); err != nil || len(none) != 0 {
		t.Errorf("certificates of a thing without any: %v, %v", none, err)
	}
}

func testInvitations(t *testing.T, open Open) {
	now := time.Unix(1_700_000_000, 0)
	hash := sha256.Sum256([]byte("secret"))
	issue := func(id string) func(string) (cloud.Certificate, error) {
		return func(thing string) (cloud.Certificate, error) { return certificate(id, thing, 1), nil }
	}
	t.Run("lets one in", func(t *testing.T) {
		f, ctx := start(t, open), t.Context()
		f.must(f.Invite(ctx, cloud.Invitation{Hash: hash, Thing: "plant7", Expires: now.Add(time.Hour)}))
		cert, err := f.Redeem(ctx, hash, now, issue("aa"))
		f.must(err)
		if cert.Thing != "plant7" {
			t.Errorf("the certificate is for %q", cert.Thing)
		}
		if thing, err := f.Thing(ctx, "plant7"); err != nil || thing.Kind != cloud.KindGateway {
			t.Errorf("the gateway was not made: %+v, %v", thing, err)
		}
		if _, err := f.Certificate(ctx, "aa"); err != nil {
			t.Error(err)
		}
		if _, err := f.Redeem(ctx, hash, now, issue("bb")); !errors.Is(err, cloud.ErrInvitation) {
			t.Errorf("a used token: %v, want ErrInvitation", err)
		}
	})
	t.Run("expires and is unknown", func(t *testing.T) {
		f, ctx := start(t, open), t.Context()
		f.must(f.Invite(ctx, cloud.Invitation{Hash: hash, Thing: "plant7", Expires: now}))
		if _, err := f.Redeem(ctx, hash, now, issue("aa")); !errors.Is(err, cloud.ErrInvitation) {
			t.Errorf("an expired token: %v, want ErrInvitation", err)
		}
		if _, err := f.Redeem(ctx, sha256.Sum256(nil), now, issue("aa")); !errors.Is(err, cloud.ErrInvitation) {
			t.Errorf("an unknown token: %v, want ErrInvitation", err)
		}
		f.wantThings("")
	})
	t.Run("stays when issuing goes wrong", func(t *testing.T) {
		f, ctx := start(t, open), t.Context()
		f.must(f.Invite(ctx, cloud.Invitation{Hash: hash, Thing: "plant7", Expires: now.Add(time.Hour)}))
		broken := errors.New("the signing request is for another name")
		if _, err := f.Redeem(ctx, hash, now, func(string) (cloud.Certificate, error) { return cloud.Certificate{}, broken }); !errors.Is(err, broken) {
			t.Errorf("got %v, want the issuer's error", err)
		}
		f.wantThings("")
		if _, err := f.Redeem(ctx, hash, now, issue("aa")); err != nil {
			t.Errorf("the token was used up by an attempt that went wrong: %v", err)
		}
	})
	t.Run("lets one of a hundred in", func(t *testing.T) { testRace(t, open, now, hash) })
}

func testRace(t *testing.T, open Open, now time.Time, hash [32]byte) {
	f, ctx := start(t, open), t.Context()
	f.gateway("plant7") // enrolled before: a new token for it is no mistake
	f.must(f.Invite(ctx, cloud.Invitation{Hash: hash, Thing: "plant7", Expires: now.Add(time.Hour)}))
	var in, out atomic.Int32
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			_, err := f.Redeem(ctx, hash, now, func(thing string) (cloud.Certificate, error) {
				return certificate(fmt.Sprintf("%02x", i), thing, 1), nil
			})
			switch {
			case err == nil:
				in.Add(1)
			case errors.Is(err, cloud.ErrInvitation):
				out.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	certs, err := f.Certificates(ctx, "plant7")
	f.must(err)
	if in.Load() != 1 || out.Load() != 99 || len(certs) != 1 {
		t.Errorf("%d got in, %d were refused, %d certificates; want 1, 99, 1", in.Load(), out.Load(), len(certs))
	}
}

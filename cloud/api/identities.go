package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/identity"
)

// maxBody bounds what a client may send; the largest is a certificate request.
const maxBody = 64 << 10

func read(w http.ResponseWriter, r *http.Request, into any, example string) error {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return invalid("send %s of at most 64 KiB (%v)", example, err)
	}
	return nil
}

// invite makes an enrolment token for a gateway, shown this once.
func (a *api) invite(w http.ResponseWriter, r *http.Request) error {
	ask := struct {
		Gateway string `json:"gateway"`
		TTL     string `json:"ttl"`
	}{TTL: "1h"}
	if err := read(w, r, &ask, `{"gateway": "plant7", "ttl": "1h"}`); err != nil {
		return err
	}
	if err := identity.CheckName(ask.Gateway); err != nil {
		return invalid("%v", err)
	}
	ttl, err := time.ParseDuration(ask.TTL)
	if err != nil || ttl < time.Second || ttl > 30*24*time.Hour {
		return invalid("ttl is a time as 30m or 24h, at most 720h, not %q", ask.TTL)
	}
	token, expires, err := a.o.Invite(r.Context(), ask.Gateway, ttl)
	if err != nil {
		return err
	}
	a.o.Log.Info("invited", "gateway", ask.Gateway, "expires", expires, "address", r.RemoteAddr)
	reply(w, http.StatusOK, map[string]any{"gateway": ask.Gateway, "token": token, "expires": expires})
	return nil
}

// issue signs a certificate for a thing that connects by itself. Its key stays with the asker.
func (a *api) issue(w http.ResponseWriter, r *http.Request) error {
	var ask struct {
		CSR string `json:"csr"`
	}
	name := r.PathValue("thing")
	if err := read(w, r, &ask, `{"csr": "-----BEGIN CERTIFICATE REQUEST-----..."}`); err != nil {
		return err
	}
	if err := identity.CheckName(name); err != nil {
		return invalid("%v", err)
	}
	request, err := identity.ParseRequest([]byte(ask.CSR))
	if err != nil {
		return invalid("%v", err)
	}
	cert, err := a.o.Issue(r.Context(), name, request)
	if err != nil {
		return err
	}
	a.o.Log.Info("issued", "thing", name, "certificate", cert.ID, "address", r.RemoteAddr)
	reply(w, http.StatusOK, map[string]any{
		"thing": name, "id": cert.ID, "certificate": string(cert.PEM), "ca": string(a.o.CA), "mqtt": a.o.MQTT, "not_after": cert.NotAfter,
	})
	return nil
}

func (a *api) certificates(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("thing")
	if _, err := a.o.Store.Thing(r.Context(), name); err != nil {
		return err
	}
	list, err := a.o.Store.Certificates(r.Context(), name)
	if err != nil {
		return err
	}
	if list == nil {
		list = []cloud.Certificate{}
	}
	reply(w, http.StatusOK, map[string]any{"certificates": list})
	return nil
}

package enrol

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/identity"
)

// maxBody bounds what somebody who is not known yet may send.
const maxBody = 32 << 10

// Handler answers POST /api/v1/enroll: {"token", "csr" (PEM)} becomes {"thing", "certificate", "ca", "mqtt"}.
type Handler struct {
	Issuer *Issuer
	MQTT   string // where the gateway goes next, mqtts://host:port
	Log    *slog.Logger
}

type ask struct {
	Token string `json:"token"`
	CSR   string `json:"csr"`
}

type answer struct {
	Thing       string `json:"thing"`
	Certificate string `json:"certificate"`
	CA          string `json:"ca"`
	MQTT        string `json:"mqtt"`
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	cert, err := h.enrol(w, r)
	if err != nil {
		h.Log.Warn("enrolment refused", "address", r.RemoteAddr, "err", err)
		refuse(w, err)
		return
	}
	h.Log.Info("enrolled", "thing", cert.Thing, "certificate", cert.ID, "address", r.RemoteAddr)
	respond(w, http.StatusOK, answer{
		Thing: cert.Thing, Certificate: string(cert.PEM), MQTT: h.MQTT,
		CA: string(identity.EncodeCertificates(h.Issuer.CA.Certificate())),
	})
}

// badRequest is an error that the asker can mend.
type badRequest struct{ error }

func (h *Handler) enrol(w http.ResponseWriter, r *http.Request) (cloud.Certificate, error) {
	var a ask
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&a); err != nil {
		return cloud.Certificate{}, badRequest{errors.New(`send {"token": "...", "csr": "-----BEGIN CERTIFICATE REQUEST-----..."} of at most 32 KiB`)}
	}
	token, err := identity.ParseToken(a.Token)
	if err != nil {
		return cloud.Certificate{}, badRequest{err}
	}
	request, err := identity.ParseRequest([]byte(a.CSR))
	if err != nil {
		return cloud.Certificate{}, badRequest{err}
	}
	return h.Issuer.Redeem(r.Context(), token, request)
}

func refuse(w http.ResponseWriter, err error) {
	var bad badRequest
	var name errName
	switch {
	case errors.As(err, &name):
		fail(w, http.StatusConflict, "name", name.Error())
	case errors.As(err, &bad):
		fail(w, http.StatusBadRequest, "bad_request", err.Error())
	case errors.Is(err, cloud.ErrInvitation):
		fail(w, http.StatusForbidden, "invitation", cloud.ErrInvitation.Error())
	default: // what went wrong inside is for the log
		fail(w, http.StatusServiceUnavailable, "unavailable", "the cloud cannot enrol just now; the token is still good: try again")
	}
}

func fail(w http.ResponseWriter, status int, code, message string) {
	respond(w, status, struct {
		Message string `json:"message"`
		Code    string `json:"code"`
	}{message, code})
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the asker is gone: nothing is left to do for it
}

package opcuasim

import (
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uasc"
)

// serveEndpoints answers a client that came by another address than the one we know ourselves by, as
// through a forwarded port (OPC 10000-4, 5.5.4.2). The library answers such a client with nothing.
func (s *Server) serveEndpoints() {
	s.server.RegisterHandler(id.GetEndpointsRequest_Encoding_DefaultBinary, func(_ *uasc.SecureChannel, request ua.Request, _ uint32) (ua.Response, error) {
		asked, ok := request.(*ua.GetEndpointsRequest)
		if !ok {
			return nil, ua.StatusBadRequestTypeInvalid
		}
		return &ua.GetEndpointsResponse{
			ResponseHeader: &ua.ResponseHeader{
				Timestamp: time.Now(), RequestHandle: asked.RequestHeader.RequestHandle,
				ServiceDiagnostics: &ua.DiagnosticInfo{}, StringTable: []string{}, AdditionalHeader: ua.NewExtensionObject(nil),
			},
			Endpoints: s.server.Endpoints(),
		}, nil
	})
}

package opcua

import "log/slog"

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// PretendLimit forgets what the server said about the size of a Read request.
func (a *Adapter) PretendLimit(nodes int64) { a.maxRead.Store(nodes) }

// MakeIdentity makes own.der and own.key in a folder.
func MakeIdentity(folder string) error {
	own, err := newIdentity()
	if err != nil {
		return err
	}
	return own.save(folder)
}

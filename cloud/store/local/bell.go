package local

// bell tells whoever waits that something has come; ringing it twice before anybody looked is as good as once.
type bell chan struct{}

func (b bell) signal() {
	select {
	case b <- struct{}{}:
	default:
	}
}

package config

// Keys lists every key that a file can hold, by the place it stands in: what a reference must name.
// Keys inside others are written frame.start.
func (l Loader) Keys() map[string][]string {
	places := map[string][]string{
		"the file": Keys(&sections{}), "gateway": Keys(&gatewayKeys{}), "buffer": Keys(&bufferKeys{}),
		"cloud": Keys(&targetKeys{}), "local": Keys(&localKeys{}),
		"device": Keys(&deviceKeys{}), "point": Keys(&pointKeys{}), "rule": Keys(&ruleKeys{}), "template": Keys(&templateKeys{}),
	}
	for _, k := range l.Kinds {
		connection := k.New()
		device := connection.NewDevice()
		places[k.Name+" connection"] = Keys(connection)
		places[k.Name+" device"] = Keys(device)
		places[k.Name+" point"] = Keys(device.NewPoint())
	}
	return places
}

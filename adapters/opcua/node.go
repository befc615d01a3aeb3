package opcua

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gopcua/opcua/ua"
)

// maxIdentifier is the longest string identifier that OPC UA allows (OPC 10000-3, 8.2.4), in bytes.
const maxIdentifier = 4096

// node is the address of a variable as an engineer writes it (OPC 10000-6, 5.3.1.10): a namespace by
// index or by URI, the kind of identifier and the identifier.
type node struct {
	index uint16
	uri   string // instead of index; resolved when the connection is opened
	kind  byte   // i, s, g or b
	text  string
}

var errNode = errors.New(`want a node id such as ns=2;s=Boiler1.Temperature, nsu=http://plant/boiler;s=Temperature or i=2258`)

// parseNode reads a node id. A string identifier runs to the end of the text, semicolons included.
func parseNode(text string) (node, error) {
	n, rest, err := parseNamespace(text)
	if err != nil {
		return node{}, err
	}
	kind, identifier, found := strings.Cut(rest, "=")
	if !found || len(kind) != 1 {
		return node{}, errNode
	}
	n.kind, n.text = kind[0], identifier
	return n, n.check()
}

func parseNamespace(text string) (n node, rest string, err error) {
	switch {
	case strings.HasPrefix(text, "nsu="):
		uri, rest, found := strings.Cut(text[len("nsu="):], ";")
		if !found || uri == "" {
			return n, "", errNode
		}
		n.uri = uriUnescaper.Replace(uri)
		return n, rest, nil
	case strings.HasPrefix(text, "ns="):
		digits, rest, found := strings.Cut(text[len("ns="):], ";")
		index, err := strconv.ParseUint(digits, 10, 16)
		if !found || err != nil {
			return n, "", fmt.Errorf("namespace index %q: want a number from 0 to 65535", digits)
		}
		n.index = uint16(index)
		return n, rest, nil
	case strings.HasPrefix(text, "svr="):
		return n, "", errors.New("a node of another server (svr=) can't be read here; connect to that server itself")
	}
	return n, text, nil
}

// check holds the identifier against its kind and brings it into one form.
func (n *node) check() error {
	switch n.kind {
	case 'i':
		number, err := strconv.ParseUint(n.text, 10, 32)
		if err != nil {
			return fmt.Errorf("numeric identifier %q: want a number from 0 to 4294967295", n.text)
		}
		n.text = strconv.FormatUint(number, 10)
	case 's':
		if n.text == "" || len(n.text) > maxIdentifier {
			return fmt.Errorf("string identifier of %d bytes: want 1 to %d", len(n.text), maxIdentifier)
		}
	case 'g':
		guid, err := parseGUID(n.text)
		if err != nil {
			return err
		}
		n.text = guid
	case 'b':
		raw, err := base64.StdEncoding.DecodeString(n.text)
		if err != nil || len(raw) == 0 || len(raw) > maxIdentifier {
			return fmt.Errorf("opaque identifier %.40q: want base64 of 1 to %d bytes", n.text, maxIdentifier)
		}
		n.text = base64.StdEncoding.EncodeToString(raw)
	default:
		return errNode
	}
	return nil
}

// parseGUID brings a GUID into the form 72962B91-FA75-4AE6-8D28-B404DC7DAF63.
func parseGUID(text string) (string, error) {
	raw, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(raw) != 16 {
		return "", fmt.Errorf("GUID %.40q: want the form 72962B91-FA75-4AE6-8D28-B404DC7DAF63", text)
	}
	return strings.ToUpper(fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:])), nil
}

// A URI inside a node id has its semicolons and percent signs escaped (OPC 10000-6, 5.3.1.11).
var (
	uriUnescaper = strings.NewReplacer("%3B", ";", "%3b", ";", "%25", "%")
	uriEscaper   = strings.NewReplacer(";", "%3B", "%", "%25")
)

// String is the node id in the form that parseNode reads.
func (n node) String() string {
	identifier := string(n.kind) + "=" + n.text
	switch {
	case n.uri != "":
		return "nsu=" + uriEscaper.Replace(n.uri) + ";" + identifier
	case n.index != 0:
		return fmt.Sprintf("ns=%d;%s", n.index, identifier)
	}
	return identifier
}

// resolve gives the id to put on the wire, with the server's own array of namespaces.
func (n node) resolve(namespaces []string) (*ua.NodeID, error) {
	index := n.index
	if n.uri != "" {
		at := slices.Index(namespaces, n.uri)
		if at < 0 {
			return nil, fmt.Errorf("the server has no namespace %q; it has %q", n.uri, namespaces)
		}
		index = uint16(at)
	}
	switch n.kind {
	case 'i':
		number, err := strconv.ParseUint(n.text, 10, 32)
		return ua.NewNumericNodeID(index, uint32(number)), err
	case 'g':
		return ua.NewGUIDNodeID(index, n.text), nil
	case 'b':
		raw, err := base64.StdEncoding.DecodeString(n.text)
		return ua.NewByteStringNodeID(index, raw), err
	}
	return ua.NewStringNodeID(index, n.text), nil
}

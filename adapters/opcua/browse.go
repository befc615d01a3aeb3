package opcua

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Bounds of a search, which a server that is wrong or hostile could make endless.
const (
	maxVisited   = 200_000 // nodes looked at
	maxDepth     = 40      // levels below the start
	maxPerBrowse = 500     // nodes asked about at once, when the server names no limit
	maxReadBytes = 4 << 10 // of a browse name
)

// Found is a variable that a search came upon.
type Found struct {
	Name     string `json:"name"` // for a point, made of the path
	Path     string `json:"path"` // browse names below the start, with /
	At       string `json:"at"`   // node id, with the namespace's URI
	Type     string `json:"type"` // of its present value
	Writable bool   `json:"writable,omitempty"`
	Length   int    `json:"length,omitempty"` // of an array; 0: it is none
	Value    string `json:"value,omitempty"`  // now
}

// Search is what to look for.
type Search struct {
	From  string // node id
	Match string // of paths: * stands for what is between two /, ** for anything; empty: everything
	Max   int    // variables, beyond which it is an error; 0: no more than nodes are looked at
}

// Browse opens the connection, finds the variables below a node that hold something a point can have, and closes it again.
func (c *Connection) Browse(ctx context.Context, s Search, log *slog.Logger) ([]Found, error) {
	opened, err := c.Open(ctx, log)
	if err != nil {
		return nil, err
	}
	a := opened.(*Adapter)
	found, err := a.browse(ctx, s)
	return found, errors.Join(err, a.Close())
}

// place is a node on the way.
type place struct {
	node  *ua.NodeID
	path  []string
	class ua.NodeClass
}

func (a *Adapter) browse(ctx context.Context, s Search) ([]Found, error) {
	start, err := parseNode(s.From)
	if err != nil {
		return nil, err
	}
	node, err := start.resolve(a.namespaces)
	if err != nil {
		return nil, err
	}
	variables, err := a.walk(ctx, node, s)
	if err != nil {
		return nil, fmt.Errorf("browse %s: %w", s.From, err)
	}
	found, err := a.describe(ctx, variables)
	if err != nil {
		return nil, fmt.Errorf("look at what is below %s: %w", s.From, err)
	}
	nameThem(found)
	return found, nil
}

// walk goes down level by level and gives the variables whose path matches. A node that is reached by two ways is taken on the shorter.
func (a *Adapter) walk(ctx context.Context, start *ua.NodeID, s Search) (variables []place, err error) {
	visited := map[string]bool{start.String(): true}
	level := []place{{node: start}}
	for depth := 0; len(level) > 0; depth++ {
		if depth > maxDepth {
			return nil, fmt.Errorf("more than %d levels; start lower", maxDepth)
		}
		below, err := a.children(ctx, level)
		if err != nil {
			return nil, err
		}
		level = level[:0]
		for _, p := range below {
			if visited[p.node.String()] {
				continue
			}
			if visited[p.node.String()] = true; len(visited) > maxVisited {
				return nil, fmt.Errorf("more than %d nodes; start lower", maxVisited)
			}
			level = append(level, p)
			if p.class == ua.NodeClassVariable && matches(s.Match, p.path) {
				variables = append(variables, p)
			}
			if s.Max > 0 && len(variables) > s.Max {
				return nil, fmt.Errorf("more than %d variables; raise max, or match fewer", s.Max)
			}
		}
	}
	return variables, nil
}

// children asks for what is below some nodes, in as many requests as the server's limit asks for.
func (a *Adapter) children(ctx context.Context, of []place) (below []place, err error) {
	for len(of) > 0 {
		count := min(a.maxBrowse, len(of))
		request := &ua.BrowseRequest{View: &ua.ViewDescription{ViewID: ua.NewTwoByteNodeID(0)}, RequestedMaxReferencesPerNode: 1000}
		for _, p := range of[:count] {
			request.NodesToBrowse = append(request.NodesToBrowse, &ua.BrowseDescription{
				NodeID: p.node, BrowseDirection: ua.BrowseDirectionForward, IncludeSubtypes: true,
				ReferenceTypeID: ua.NewNumericNodeID(0, id.HierarchicalReferences),
				NodeClassMask:   uint32(ua.NodeClassObject | ua.NodeClassVariable), ResultMask: uint32(ua.BrowseResultMaskAll),
			})
		}
		response, err := within[*ua.BrowseResponse](ctx, a, request)
		if err != nil {
			return nil, err
		}
		if len(response.Results) != count {
			return nil, fmt.Errorf("asked about %d nodes, the server answered about %d", count, len(response.Results))
		}
		for i, result := range response.Results {
			more, err := a.references(ctx, of[i], result)
			if err != nil {
				return nil, err
			}
			below = append(below, more...)
		}
		of = of[count:]
	}
	return below, nil
}

// references gives what one node refers to, all of it.
func (a *Adapter) references(ctx context.Context, of place, result *ua.BrowseResult) (below []place, err error) {
	for {
		if result == nil || result.StatusCode == ua.StatusBadNodeIDUnknown && of.path == nil {
			return nil, fmt.Errorf("the server has no such node: %w", ua.StatusBadNodeIDUnknown)
		}
		for _, r := range result.References {
			if p, ok := of.child(r); ok {
				below = append(below, p)
			}
		}
		if len(below) > maxVisited {
			return nil, fmt.Errorf("more than %d nodes below one", maxVisited)
		}
		if len(result.ContinuationPoint) == 0 {
			return below, nil
		}
		response, err := within[*ua.BrowseNextResponse](ctx, a, &ua.BrowseNextRequest{ContinuationPoints: [][]byte{result.ContinuationPoint}})
		if err != nil {
			return nil, err
		}
		if len(response.Results) != 1 {
			return nil, fmt.Errorf("asked to go on once, the server answered %d times", len(response.Results))
		}
		result = response.Results[0]
	}
}

// child is where a reference leads. Properties (the unit of a value, its range) are no signals, and nodes of other servers can't be read here.
func (p place) child(r *ua.ReferenceDescription) (place, bool) {
	if r == nil || r.NodeID == nil || r.NodeID.NodeID == nil || r.NodeID.ServerIndex != 0 || r.BrowseName == nil || len(r.BrowseName.Name) > maxReadBytes {
		return place{}, false
	}
	if n := r.NodeID.NodeID; n.Namespace() == 0 && n.IntID() == id.Server {
		return place{}, false // what a server says of itself; it can be named as the start
	}
	if t := r.ReferenceTypeID; t != nil && t.Namespace() == 0 && t.IntID() == id.HasProperty {
		return place{}, false
	}
	return place{node: r.NodeID.NodeID, path: append(slices.Clone(p.path), strings.ReplaceAll(r.BrowseName.Name, "/", "_")), class: r.NodeClass}, true
}

// describe reads what the variables hold, and leaves out those that hold nothing a point can have.
func (a *Adapter) describe(ctx context.Context, variables []place) (found []Found, err error) {
	var nodes []*ua.ReadValueID
	for _, v := range variables {
		nodes = append(nodes, attribute(v.node, ua.AttributeIDValue), attribute(v.node, ua.AttributeIDUserAccessLevel))
	}
	for done := 0; done < len(variables); {
		count := min(int(a.maxRead.Load()), len(variables)-done) // Timeout is of one request
		values, err := a.fetch(ctx, nodes[2*done:2*(done+count)])
		if err != nil {
			return nil, err
		}
		for i, v := range variables[done : done+count] {
			if f, ok := a.found(v, values[2*i], values[2*i+1]); ok {
				found = append(found, f)
			}
		}
		done += count
	}
	return found, nil
}

func (a *Adapter) found(v place, value, access *ua.DataValue) (Found, bool) {
	at, ok := a.absolute(v.node)
	if !ok {
		return Found{}, false
	}
	f := Found{Path: strings.Join(v.path, "/"), At: at}
	if level, ok := access.Value.Value().(uint8); ok {
		f.Writable = level&byte(ua.AccessLevelTypeCurrentWrite) != 0
	}
	if value.Value.Value() != nil {
		f.Type = Type{value.Value.Type()}.String()
	}
	index := wholeValue
	if value.Value.Has(ua.VariantArrayValues) {
		index, f.Length = 0, int(value.Value.ArrayLength())
		if f.Length == 0 {
			return Found{}, false
		}
	}
	now, why := decode(value.Value, index)
	if why == telemetry.BadTypeMismatch {
		return Found{}, false // a structure or a matrix
	}
	if f.Length == 0 {
		f.Value = now.Short()
	}
	return f, true
}

// absolute is a node id that still means the same node when the server numbers its namespaces otherwise.
func (a *Adapter) absolute(n *ua.NodeID) (string, bool) {
	text := n.String()
	if n.Namespace() == 0 {
		return text, true
	}
	if int(n.Namespace()) >= len(a.namespaces) {
		return "", false
	}
	_, identifier, _ := strings.Cut(text, ";")
	at := "nsu=" + uriEscaper.Replace(a.namespaces[n.Namespace()]) + ";" + identifier
	_, err := parseNode(at)
	return at, err == nil
}

// within is one request, answered in the time that one may take.
func within[T ua.Response](ctx context.Context, a *Adapter, request ua.Request) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, a.settings.Timeout)
	defer cancel()
	return exchange[T](ctx, a.session, request)
}

// nameThem gives each a name that a point can have: its path, with _ for whatever a name can't hold.
func nameThem(found []Found) {
	taken := map[string]bool{}
	for i := range found {
		name := pointName(found[i].Path)
		for n := 2; taken[name]; n++ {
			name = pointName(found[i].Path) + "_" + strconv.Itoa(n)
		}
		taken[name], found[i].Name = true, name
	}
}

func pointName(path string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, path)
	if name == "" || name[0] >= '0' && name[0] <= '9' || name[0] == '_' {
		name = "v" + name
	}
	return name[:min(len(name), 100)]
}

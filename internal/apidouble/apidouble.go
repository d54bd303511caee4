// Package apidouble is a server that plays the API of any plugin of transport
// http, read from its plugin.yaml: what the plugin creates it keeps, as JSON
// objects with ids, lists them in pages, refuses what exists already, and goes
// wrong where a test asks for it. It counts every change.
//
// It imports the model of plugin.yaml and nothing of the client: a double that
// shares code with what it tests proves nothing.
package apidouble

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// Options set up a Double.
type Options struct {
	// Config is the configuration that callers have: requests must carry what
	// the plugin's `auth` makes of it.
	Config func(endpoint string) cty.Value
	// Guard is told of each change before anything happens; an error breaks the
	// connection.
	Guard func(command string) error
	// After is told of each change once it has happened, before the answer.
	After func(command string)
}

// Double is one API with its objects.
type Double struct {
	spec    *pluginspec.Plugin
	options Options
	config  cty.Value
	routes  []*route
	address string
	below   string // path that all others are below
	server  *http.Server

	mu      sync.Mutex // guards what follows
	objects map[string][]*object
	next    int
	faults  []*Fault
}

// object is one object of a collection.
type object struct {
	id     string
	fields map[string]any
	within map[string]string // what the path named when it was made
	looks  int               // how often it was shown
}

// Start serves the API of a plugin on a free port of this machine.
func Start(spec *pluginspec.Plugin, o Options) (*Double, error) {
	if spec.HTTP == nil {
		return nil, fmt.Errorf("plugin %s does not speak to an API over HTTP", spec.Name)
	}
	d := &Double{spec: spec, options: o, objects: map[string][]*object{}, config: cty.NilVal}
	for _, name := range slices.Sorted(maps.Keys(spec.Types)) {
		if err := d.routesOf(spec.Types[name]); err != nil {
			return nil, fmt.Errorf("type %s: %w", name, err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the double of %s: %w", spec.Name, err)
	}
	d.address = "http://" + listener.Addr().String()
	if o.Config != nil {
		d.config = o.Config(d.address)
	}
	if at, err := url.Parse(d.text(spec.HTTP.Endpoint)); err == nil {
		d.below = strings.TrimRight(at.Path, "/")
	}
	d.server = &http.Server{Handler: http.HandlerFunc(d.serve), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		// It ends with Close, and what else could end it shows in every request.
		_ = d.server.Serve(listener)
	}()
	return d, nil
}

// Endpoint is where the API is served.
func (d *Double) Endpoint() string { return d.address }

// Config is the configuration under which requests are accepted.
func (d *Double) Config() cty.Value { return d.config }

// Close ends the server and breaks what is under way.
func (d *Double) Close() error {
	d.ClearFaults()
	if err := d.server.Close(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Inventory counts what exists, by collection.
func (d *Double) Inventory() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []string
	for _, name := range slices.Sorted(maps.Keys(d.objects)) {
		if n := len(d.objects[name]); n > 0 {
			out = append(out, fmt.Sprintf("%s: %d", name, n))
		}
	}
	return out
}

// Remove takes all objects of a type away, as somebody else would.
func (d *Double) Remove(typ string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.objects, typ)
}

// Change sets a field of every object of a type, as somebody else would.
func (d *Double) Change(typ, field string, v any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, o := range d.objects[typ] {
		bury(o.fields, field, v)
	}
}

// Objects are copies of the objects of a type, in the order they were made.
func (d *Double) Objects(typ string) []map[string]any {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]map[string]any, 0, len(d.objects[typ]))
	for _, o := range d.objects[typ] {
		out = append(out, maps.Clone(o.fields))
	}
	return out
}

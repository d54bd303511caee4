package conformance

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/internal/apidouble"
	"github.com/moldctl/moldctl/internal/cloudsim"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// overHTTP tells whether the plugin talks to an API of its own, which a double
// plays.
func (k *kit) overHTTP() bool { return k.spec.Transport == "http" }

// reachable tells why a double cannot stand in for the plugin's API.
func (k *kit) reachable() error {
	switch {
	case !k.overHTTP():
		return nil
	case !k.spec.CallsHTTP():
		return skipf("what its code talks to cannot be played here")
	case k.endpoint() == "":
		return skipf("its endpoint is fixed: let `http: {endpoint: \"${config.endpoint}\"}` take it from the configuration, so that tests can lead it elsewhere")
	}
	return nil
}

// endpoint is the attribute of the configuration that says where the API is.
func (k *kit) endpoint() string {
	for _, a := range k.spec.Config {
		if k.spec.HTTP != nil && strings.Contains(k.spec.HTTP.Endpoint, "config."+a.Name) {
			return a.Name
		}
	}
	return ""
}

// double starts the API of the plugin, with credentials that no other has.
func (w *world) double() error {
	text := ""
	w.secrets = nil // of the cloud nothing is used
	api, err := apidouble.Start(w.spec, apidouble.Options{
		Config: func(endpoint string) cty.Value {
			text = w.configuration(endpoint)
			return w.configured(text)
		},
		Guard: w.called,
		After: func(string) { w.done() },
	})
	if err != nil {
		return err
	}
	w.api, w.block = api, text
	return nil
}

// configuration is a block that leads the plugin to an address, with all that
// it must be given.
func (w *world) configuration(endpoint string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "plugin %q {\n", w.spec.Name)
	rng := rand.New(rand.NewPCG(3, hash(w.dir))) //nolint:gosec // values to try
	for _, a := range w.spec.Config {
		expression := ""
		switch {
		case a.Name == w.endpoint():
			expression = fmt.Sprintf("%q", endpoint)
		case a.Type == cty.String && (a.Sensitive || a.WriteOnly):
			secret := fmt.Sprintf("conformance-%016x", rng.Uint64())
			w.secrets = append(w.secrets, secret)
			expression = fmt.Sprintf("%q", secret)
		case a.Required && a.ExampleText != "" && a.Type == cty.String:
			expression = fmt.Sprintf("%q", a.ExampleText)
		case a.Required:
			expression, _ = invent(a, rng)
		}
		if expression != "" {
			fmt.Fprintf(&b, "  %s = %s\n", a.Name, expression)
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// configured is the value of such a block, defaults included.
func (w *world) configured(text string) cty.Value {
	file, diags := hclsyntax.ParseConfig([]byte(text), "", hcl.InitialPos)
	if diags.HasErrors() {
		return cty.NilVal
	}
	body := file.Body.(*hclsyntax.Body).Blocks[0].Body
	v, diags := hcldec.Decode(body, w.spec.ConfigSpec(), nil)
	if diags.HasErrors() {
		return cty.NilVal
	}
	step := pluginspec.Step{Attributes: w.spec.Config}
	if v, diags = step.ApplyDefaults(v); diags.HasErrors() {
		return cty.NilVal
	}
	return v
}

// withBlock is a stack with the test's configuration of the plugin instead of
// its own.
func (w *world) withBlock(text string) string {
	if w.block == "" {
		return text
	}
	file, diags := hclwrite.ParseConfig([]byte(text), "", hcl.InitialPos)
	if diags.HasErrors() {
		return text
	}
	for _, b := range file.Body().Blocks() {
		if b.Type() == "plugin" && slices.Contains(b.Labels(), w.spec.Name) {
			file.Body().RemoveBlock(b)
		}
	}
	return w.block + "\n" + string(file.Bytes())
}

// addFault lets the next call of a command go wrong.
func (w *world) addFault(f cloudsim.Fault) (string, error) {
	if w.api != nil {
		return w.api.AddFault(apidouble.Fault{Command: f.Command, Kind: f.Kind, Where: f.Where, Status: f.Status, Retry: -1}), nil
	}
	armed, err := w.cloud.AddFault(f)
	return armed.ID, err
}

// clearFaults disarms all of them.
func (w *world) clearFaults() {
	if w.api != nil {
		w.api.ClearFaults()
		return
	}
	w.cloud.RemoveFault("")
}

// held tells whether a call is held back.
func (w *world) held(id string) bool {
	if w.api != nil {
		return w.api.Held(id)
	}
	return slices.ContainsFunc(w.cloud.Faults(), func(f cloudsim.Fault) bool { return f.ID == id && f.Held > 0 })
}

// closed ends what a world was played on.
func (w *world) closed() error {
	w.cloud.Close()
	if w.api == nil {
		return nil
	}
	if err := w.api.Close(); err != nil {
		return errors.Join(errors.New("end the double of the API"), err)
	}
	return nil
}

// within is a name with what the object belongs to before it, where a search
// must say that: ZONE/NAME.
func (s *scene) within(name string) string {
	find := s.typ.Find.Call
	if find == nil || find.Path == "" {
		return name
	}
	path := &pluginspec.Call{Path: find.Path}
	var parts []string
	for _, a := range s.typ.Attributes {
		if v, ok := constant(written(s.text, a.Name)); ok && v.Type() == cty.String && path.Mentions(a.Name) {
			parts = append(parts, v.AsString())
		}
	}
	return strings.Join(append(parts, name), "/")
}

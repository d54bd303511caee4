package pluginhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/zclconf/go-cty/cty"
	"google.golang.org/protobuf/proto"

	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// introduce asks the process what it is: it must serve the schema that the
// host has read, and says how it reads values.
func (p *process) introduce(ctx context.Context) error {
	reply, err := inquire(ctx, p, "Describe", startTimeout, &wire.DescribeRequest{}, func(ctx context.Context, in *wire.DescribeRequest) (*wire.DescribeReply, error) {
		return p.rpc.Describe(ctx, in)
	})
	if err != nil {
		return err
	}
	if err := p.sameSchema(reply.GetPluginYaml()); err != nil {
		return err
	}
	p.shares = reply.GetShares()
	ways := reply.GetEncodings()
	switch {
	case len(ways) == 0 || slices.Contains(ways, "msgpack"):
	case slices.Contains(ways, "json"):
		p.json = true
	default:
		return fmt.Errorf("it reads values as %q, and moldctl writes msgpack and json", ways)
	}
	return nil
}

// sameSchema refuses a program that was made for another plugin.yaml: values
// would be taken for what they are not. Words for readers may differ.
func (p *process) sameSchema(served []byte) error {
	if len(served) == 0 || bytes.Equal(served, p.src.Spec) {
		return nil // of the first, its values will tell
	}
	here := p.host.specs[p.src.Name]
	spec, diags := pluginspec.Parse("plugin.yaml", served)
	if diags.HasErrors() {
		return fmt.Errorf("the plugin.yaml that its program serves is wrong: %w", diags)
	}
	if here == nil {
		return nil
	}
	const help = "build the program again, or install the plugin again"
	if spec.Name != here.Name {
		return fmt.Errorf("its program serves the plugin %q: %s", spec.Name, help)
	}
	if !spec.ConfigType().Equals(here.ConfigType()) {
		return errors.New("its program serves another plugin.yaml, in which the configuration differs: " + help)
	}
	for _, name := range slices.Sorted(maps.Keys(here.Types)) {
		t := spec.Types[name]
		if t == nil || !t.ImpliedType().Equals(here.Types[name].ImpliedType()) {
			return fmt.Errorf("its program serves another plugin.yaml, in which the type %q differs: %s", name, help)
		}
	}
	return nil
}

// encoded turns the values of a message into JSON if the plugin wants it so. The
// message of the caller stays as it is.
func encoded[M proto.Message](p *process, in M, ty cty.Type, values func(M) []**wire.Value) (M, error) {
	if !p.json {
		return in, nil
	}
	out := proto.Clone(in).(M)
	for _, at := range values(out) {
		v, err := wire.AsJSON(*at, ty)
		if err != nil {
			return out, fmt.Errorf("plugin %s: write a value as JSON: %w", p.src.Name, err)
		}
		*at = v
	}
	return out, nil
}

func checkValues(m *wire.CheckRequest) []**wire.Value { return []**wire.Value{&m.Config} }

func planValues(m *wire.PlanRequest) []**wire.Value {
	return []**wire.Value{&m.Prior, &m.Config, &m.Proposed}
}

func startValues(m *wire.Start) []**wire.Value { return []**wire.Value{&m.Prior, &m.Planned} }

func configValues(m *wire.ConfigureRequest) []**wire.Value { return []**wire.Value{&m.Config} }

func readValues(m *wire.ReadRequest) []**wire.Value {
	var list []**wire.Value
	for _, item := range m.Items {
		list = append(list, &item.Prior)
	}
	return list
}

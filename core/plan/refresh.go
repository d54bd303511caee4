package plan

import (
	"bytes"
	"context"
	"fmt"
	"sort"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/sync/errgroup"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec/addr"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// batch is the objects of one type in one cloud: read with one request.
type batch struct {
	typ, cloud string
	rows       []*state.Object
}

// refresh reads what exists, in batches, and takes the answers over.
func (m *maker) refresh(ctx context.Context) hcl.Diagnostics {
	batches := m.batches()
	replies := make([][]*wire.ReadReply, len(batches))
	errs := make([]error, len(batches))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(max(m.in.Parallelism, 1))
	for i, b := range batches {
		group.Go(func() error {
			replies[i], errs[i] = m.read(gctx, b)
			return nil // one type that cannot be read does not stop the others
		})
	}
	_ = group.Wait()
	var diags hcl.Diagnostics
	for i, b := range batches {
		if errs[i] != nil {
			diags = append(diags, diag.Errorf(nil, "Objects cannot be read",
				"The %s of this stack could not be read: %v. Nothing was changed.", plural(b.typ), errs[i]))
			continue
		}
		diags = append(diags, m.take(b, replies[i])...)
	}
	return diags
}

// batches groups the rows that can be read; a half-made object without an id
// is left as it is, and one whose interrupted delete goes on: it may look gone
// while others cannot go because of it.
func (m *maker) batches() []*batch {
	byKey := map[kindKey]*batch{}
	var out []*batch
	for _, row := range m.sorted() {
		if row.ID == "" || leaving(row) || m.in.Host.Types()[row.Type] == nil || !m.part.hasRow(row) {
			continue
		}
		key := kindKey{row.Cloud, row.Type}
		b, ok := byKey[key]
		if !ok {
			b = &batch{typ: row.Type, cloud: row.Cloud}
			byKey[key] = b
			out = append(out, b)
		}
		b.rows = append(b.rows, row)
	}
	return out
}

// leaving tells whether an interrupted delete of the object goes on.
func leaving(row *state.Object) bool {
	return row.PendingAction == string(Delete) && HasOpen(row.Pending)
}

func (m *maker) read(ctx context.Context, b *batch) ([]*wire.ReadReply, error) {
	t := m.in.Host.Types()[b.typ]
	in := &wire.ReadRequest{Type: b.typ, Cloud: b.cloud}
	for i, row := range b.rows {
		plain, err := m.stored(t, row)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", row.Addr, err)
		}
		value, err := wire.MarshalValue(plain, t.ImpliedType())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", row.Addr, err)
		}
		ids := make(map[string]string, len(row.Lookups))
		for path, l := range row.Lookups {
			ids[path] = l.ID
		}
		in.Items = append(in.Items, &wire.ReadItem{
			Ref: fmt.Sprint(i), Id: row.ID, Prior: value, Private: row.Private, LookupIds: ids,
		})
	}
	return m.in.Host.Read(ctx, in)
}

// manyGone is how many objects of a type must vanish at once, more than half
// of them, before a refresh is not believed.
const manyGone = 5

func (m *maker) take(b *batch, replies []*wire.ReadReply) hcl.Diagnostics {
	var diags hcl.Diagnostics
	byRef := make(map[string]*wire.ReadReply, len(replies))
	for _, r := range replies {
		byRef[r.GetRef()] = r
	}
	gone, all := 0, 0
	for i, row := range b.rows {
		if row.PendingAction == string(Delete) {
			continue // an interrupted run was deleting it
		}
		all++
		if byRef[fmt.Sprint(i)].GetState() == wire.ReadReply_GONE {
			gone++
		}
	}
	if gone >= manyGone && gone*2 > all && !m.in.AcceptMissing && !m.in.Destroy {
		return hcl.Diagnostics{diag.Errorf(nil, "Too many objects are missing",
			"%d of %d %s of this stack no longer exist. If somebody removed them on purpose, run again with --accept-missing; if not, check that the credentials and the project are the right ones.",
			gone, all, plural(b.typ))}
	}
	t := m.in.Host.Types()[b.typ]
	for i, row := range b.rows {
		reply, ok := byRef[fmt.Sprint(i)]
		if !ok {
			diags = append(diags, diag.Errorf(nil, "Object was not answered for",
				"The plugin %q gave no answer about %s. This is a bug in the plugin.", t.Plugin, row.Addr))
			continue
		}
		diags = append(diags, m.takeOne(t, row, reply)...)
	}
	return diags
}

func (m *maker) takeOne(t *pluginspec.Type, row *state.Object, reply *wire.ReadReply) hcl.Diagnostics {
	var diags hcl.Diagnostics
	if said := reply.GetDiagnostics(); len(said) > 0 {
		diags = diag.WithAddresses(Problems(said, m.subject(row.Addr), nil), row.Addr)
	}
	switch reply.GetState() {
	case wire.ReadReply_GONE:
		if row.PendingAction == string(Delete) && len(row.Pending) > 0 {
			// The object itself is gone; what belonged to it may not be.
			m.halfGone[row.Key] = true
			return diags
		}
		m.gone[row.Addr] = "its interrupted delete is over"
		if row.PendingAction != string(Delete) {
			m.drift = append(m.drift, Drift{Addr: row.Addr, Gone: true})
			m.gone[row.Addr] = "it was deleted outside moldctl"
		}
		m.put(row.Key, nil)
		return diags
	case wire.ReadReply_NOT_VISIBLE:
		return append(diags, diag.Errorf(m.subject(row.Addr), "Object is not visible",
			"The cloud neither lists %s (%s) nor says that it is gone. It may belong to another account or project now; check the credentials. It is not made again.", row.Addr, row.ID))
	}
	if diags.HasErrors() {
		return diags
	}
	return append(diags, m.update(t, row, reply)...)
}

// update takes over what the cloud says of an object that exists.
func (m *maker) update(t *pluginspec.Type, row *state.Object, reply *wire.ReadReply) hcl.Diagnostics {
	now, err := wire.UnmarshalValue(reply.GetValue(), t.ImpliedType())
	if err != nil {
		return hcl.Diagnostics{diag.Errorf(nil, "Invalid answer of a plugin",
			"The plugin %q described %s in a way its own schema does not allow: %v. This is a bug in the plugin.", t.Plugin, row.Addr, err)}
	}
	was, err := m.stored(t, row)
	if err != nil {
		return diag.FromError("Stored values cannot be read", err)
	}
	private := reply.GetPrivate()
	if now.RawEquals(was) && reply.GetState() != wire.ReadReply_TAINTED && (len(private) == 0 || bytes.Equal(private, row.Private)) {
		return nil // the usual case
	}
	now, lookups := respell(t, row.Lookups, was, now)
	fresh := *row
	fresh.Lookups = lookups
	if reply.GetState() == wire.ReadReply_TAINTED {
		fresh.Status = state.Tainted
	}
	if len(private) > 0 {
		fresh.Private = private
	}
	changes := compare(t.Attributes, t.Blocks, "", was, now)
	// What an interrupted operation left half done is no drift.
	if row.Status == state.OK && len(row.Pending) == 0 {
		for _, c := range changes {
			m.drift = append(m.drift, Drift{Addr: row.Addr, Path: c.Path, Before: c.Before, After: c.After})
		}
	}
	data, sensitive, err := EncodeValues(t, MarkPaths(now, row.SensitivePaths))
	if err != nil {
		return diag.FromError("Values cannot be stored", err)
	}
	unchanged := string(data) == string(row.Values) && fresh.Status == row.Status && string(fresh.Private) == string(row.Private)
	fresh.Values, fresh.SensitivePaths = data, sensitive
	if unchanged {
		return nil
	}
	m.put(row.Key, &fresh)
	return nil
}

// respell puts the names that the user wrote back where the cloud answers
// with the ids they were resolved to.
func respell(t *pluginspec.Type, lookups map[string]state.Lookup, was, now cty.Value) (cty.Value, map[string]state.Lookup) {
	out := make(map[string]state.Lookup, len(lookups))
	walkSingles(t.Attributes, t.Blocks, "", func(path string, a *pluginspec.Attribute) {
		if a.Lookup == "" || a.Type != cty.String {
			return
		}
		known, ok := lookups[path]
		v := at(now, path)
		if v.IsNull() || !v.IsKnown() {
			return
		}
		text := v.AsString()
		if ok && (text == known.ID || text == known.Name) {
			out[path] = known
			if old := at(was, path); !old.IsNull() && old.IsKnown() {
				now = with(now, path, old)
			}
			return
		}
		out[path] = state.Lookup{ID: text, Name: text}
	})
	return now, out
}

// put changes a row in memory and remembers to make it durable.
func (m *maker) put(key state.Key, row *state.Object) {
	m.settled = append(m.settled, state.Put{Key: key, Object: row})
	if row == nil {
		delete(m.objects, key)
		return
	}
	m.objects[key] = row
}

// sorted returns the rows by address.
func (m *maker) sorted() []*state.Object {
	out := make([]*state.Object, 0, len(m.objects))
	for _, row := range m.objects {
		out = append(out, row)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Addr != out[j].Addr {
			return out[i].Addr < out[j].Addr
		}
		return out[i].Deposed < out[j].Deposed
	})
	return out
}

// subject is where an address is declared in the stack, if it still is.
func (m *maker) subject(address string) *hcl.Range {
	inst, err := addr.ParseInstance(address)
	if err != nil {
		return nil
	}
	if r := m.config.block(inst.Resource); r != nil {
		return &r.Range
	}
	return nil
}

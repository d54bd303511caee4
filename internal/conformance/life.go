package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moldctl/moldctl/core"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/wire"
)

// example applies what the author wrote, and takes it away again.
func example(ctx context.Context, w *world, s *scene) error {
	before, err := w.inventory(ctx)
	if err != nil {
		return err
	}
	r, err := w.open(ctx, s.example)
	if err != nil {
		w.judge(ExampleValid, s.typ.Name, "", err)
		return nil
	}
	err = errors.Join(r.failed(r.Validate()), r.Close())
	if !w.judge(ExampleValid, s.typ.Name, "", err) {
		return nil
	}
	settled, err := w.apply(ctx, s.example)
	if !w.judge(ExampleApplies, s.typ.Name, "", err) {
		return nil
	}
	w.judge(ExampleSettles, s.typ.Name, "", settled)
	_, err = w.apply(ctx, "")
	if err == nil {
		var after []string
		if after, err = w.inventory(ctx); err == nil {
			err = differ(before, after)
		}
	}
	w.judge(ExampleDestroyed, s.typ.Name, "", err)
	return nil
}

// life leads one object from its making to its end.
func life(ctx context.Context, w *world, s *scene) error {
	if _, err := w.apply(ctx, s.base()); err != nil {
		w.judge(CreateWorks, s.typ.Name, "", fmt.Errorf("what the example rests on cannot be made: %w", err))
		return nil
	}
	without, err := w.inventory(ctx)
	if err != nil {
		return err
	}
	w.arm(strike{})
	settled, err := w.apply(ctx, s.full())
	calls, _ := w.disarm()
	if !w.judge(CreateWorks, s.typ.Name, "", err) {
		return nil
	}
	w.judge(CreateSettles, s.typ.Name, "", settled)
	with, err := w.inventory(ctx)
	if err != nil {
		return err
	}
	w.judge(OneCreate, s.typ.Name, "", once(calls, s))
	id, err := w.inspect(ctx, s)
	if err != nil {
		return err
	}
	known, err := w.imports(ctx, s, id)
	if err != nil {
		return err
	}
	w.judge(SecretsSealed, s.typ.Name, "", w.sealed())
	if known {
		if err := w.outside(ctx, s, with, without); err != nil {
			return err
		}
	}
	w.judge(SecretsUnlogged, s.typ.Name, "", w.leaked())
	return nil
}

// once says whether the first call of a create was sent more than once.
func once(calls []string, s *scene) error {
	if s.typ.Create.Handler || len(s.typ.Create.Calls) == 0 {
		return skipf("what the create calls is left to code or to blocks")
	}
	for _, c := range s.typ.Create.Calls {
		n := 0
		for _, sent := range calls {
			if sent == c.Name() {
				n++
			}
		}
		if n > 1 {
			return fmt.Errorf("%s was sent %d times: %s", c.Name(), n, strings.Join(calls, ", "))
		}
	}
	return nil
}

// inspect looks at an object that exists, in every way that changes nothing.
func (w *world) inspect(ctx context.Context, s *scene) (id string, err error) {
	w.arm(strike{})
	r, err := w.open(ctx, s.full())
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	p, err := r.look(ctx)
	if err != nil {
		return "", err
	}
	if err := r.carry(ctx, p); err != nil {
		return "", err
	}
	w.judge(IdleQuiet, s.typ.Name, "", w.quiet())
	w.arm(strike{}) // from here on it is only read
	row, value, err := r.object(ctx, s.address())
	if err == nil && row.ID == "" {
		err = errors.New("the id is empty")
	}
	if !w.judge(CreateNamed, s.typ.Name, "", err) {
		return "", nil
	}
	w.keep(s.typ, value)
	w.judge(BatchEqualsOne, s.typ.Name, "", r.together(ctx, s, row))
	w.queries(ctx, r, s, row)
	w.judge(ReadQuiet, s.typ.Name, "", w.quiet())
	w.disarm()
	return row.ID, nil
}

// quiet says which calls came that change something.
func (w *world) quiet() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.calls) > 0 {
		return fmt.Errorf("these calls came: %s", strings.Join(w.calls, ", "))
	}
	return nil
}

// together reads the object alone, and with another of its kind, and compares.
func (r *run) together(ctx context.Context, s *scene, row *state.Object) error {
	item := func(ref string) (*wire.ReadItem, error) {
		prior, err := plan.DecodeValues(s.typ, row.Values, nil)
		if err != nil {
			return nil, err
		}
		v, err := wire.MarshalValue(prior, s.typ.ImpliedType())
		ids := map[string]string{}
		for path, l := range row.Lookups {
			ids[path] = l.ID
		}
		return &wire.ReadItem{Ref: ref, Id: row.ID, Prior: v, Private: row.Private, LookupIds: ids}, err
	}
	read := func(refs ...string) (map[string]*wire.ReadReply, error) {
		in := &wire.ReadRequest{Type: s.typ.Name, Cloud: row.Cloud}
		for _, ref := range refs {
			i, err := item(ref)
			if err != nil {
				return nil, err
			}
			in.Items = append(in.Items, i)
		}
		replies, err := r.Host.Read(ctx, in)
		out := map[string]*wire.ReadReply{}
		for _, reply := range replies {
			if out[reply.GetRef()] != nil {
				return nil, fmt.Errorf("the item %q was answered twice", reply.GetRef())
			}
			out[reply.GetRef()] = reply
		}
		if err == nil && len(out) != len(refs) {
			err = fmt.Errorf("of %d items %d were answered", len(refs), len(out))
		}
		return out, err
	}
	one, err := read("a")
	if err != nil {
		return err
	}
	many, err := read("a", "b", "c")
	if err != nil {
		return err
	}
	alone, err := wire.UnmarshalValue(one["a"].GetValue(), s.typ.ImpliedType())
	if err != nil {
		return err
	}
	for ref, reply := range many {
		v, err := wire.UnmarshalValue(reply.GetValue(), s.typ.ImpliedType())
		if err != nil {
			return err
		}
		if reply.GetState() != one["a"].GetState() || !v.RawEquals(alone) {
			return fmt.Errorf("item %s of three is %s %#v; read alone it is %s %#v", ref, reply.GetState(), v, one["a"].GetState(), alone)
		}
	}
	return nil
}

// queries asks for the object as data sources and lookups do.
func (w *world) queries(ctx context.Context, r *run, s *scene, row *state.Object) {
	if s.typ.Find == nil {
		for _, c := range []Check{FoundByID, FoundByName, FoundNothing} {
			w.judge(c, s.typ.Name, "", skipf("the type has no find"))
		}
		return
	}
	find := func(attribute, value string) ([]*wire.FindReply_Found, error) {
		query, err := json.Marshal(map[string]string{attribute: value})
		if err != nil {
			return nil, err
		}
		found, said, err := r.Host.Find(ctx, &wire.FindRequest{Type: s.typ.Name, Cloud: row.Cloud, Query: query})
		return found, errors.Join(err, diagError(plan.Problems(said, nil, nil)))
	}
	found, err := find("id", row.ID)
	if err == nil && (len(found) != 1 || found[0].GetId() != row.ID) {
		err = fmt.Errorf("%d objects were found", len(found))
	}
	w.judge(FoundByID, s.typ.Name, "", err)
	nothing, err := find("id", "00000000-0000-4000-8000-000000000000")
	if err == nil && len(nothing) != 0 {
		err = fmt.Errorf("%d objects were found", len(nothing))
	}
	w.judge(FoundNothing, s.typ.Name, "", err)
	if len(found) != 1 || found[0].GetName() == "" || s.typ.Attr("name") == nil {
		w.judge(FoundByName, s.typ.Name, "", skipf("the objects have no names"))
		return
	}
	byName, err := find("name", found[0].GetName())
	if err == nil && (len(byName) != 1 || byName[0].GetId() != row.ID) {
		err = fmt.Errorf("%d objects were found by %q", len(byName), found[0].GetName())
	}
	if err == nil {
		err = w.onlyWhole(find, found[0])
	}
	w.judge(FoundByName, s.typ.Name, "", err)
}

// onlyWhole searches for the beginning of a name: that is another object's name.
func (w *world) onlyWhole(find func(attribute, value string) ([]*wire.FindReply_Found, error), object *wire.FindReply_Found) error {
	letters := []rune(object.GetName())
	if len(letters) < 2 {
		return nil
	}
	part := string(letters[:len(letters)-1])
	found, err := find("name", part)
	if err != nil {
		return fmt.Errorf("a query for the name %q: %w", part, err)
	}
	for _, f := range found {
		if f.GetId() == object.GetId() && f.GetName() != part && f.GetDisplay() != part {
			return fmt.Errorf("%q was found by the name %q, which is not its own", object.GetName(), part)
		}
	}
	return nil
}

// imports takes the object out of the state and imports it again. known tells
// whether the state holds it as before.
func (w *world) imports(ctx context.Context, s *scene, id string) (known bool, err error) {
	if id == "" {
		return false, nil
	}
	if !w.judge(ImportByID, s.typ.Name, "", w.imported(ctx, s, "id", id)) {
		return false, nil
	}
	name, ok := constant(written(s.text, "name"))
	switch {
	case s.typ.Find == nil || !ok:
		w.judge(ImportByName, s.typ.Name, "", skipf("the objects have no names, or cannot be found"))
	case !w.judge(ImportByName, s.typ.Name, "", w.imported(ctx, s, "name", s.within(name.AsString()))):
		_, err := w.apply(ctx, s.importing("id", id))
		return err == nil, nil // what fails here was said of the name
	}
	return true, nil
}

func (w *world) imported(ctx context.Context, s *scene, by, value string) error {
	if err := w.forget(ctx, s); err != nil {
		return err
	}
	w.arm(strike{})
	settled, err := w.apply(ctx, s.importing(by, value))
	calls, _ := w.disarm()
	if err == nil && len(calls) > 0 {
		err = fmt.Errorf("importing it changed the cloud by %s", strings.Join(calls, ", "))
	}
	return errors.Join(err, settled)
}

// importing is the stack with an import of the object.
func (s *scene) importing(by, value string) string {
	return s.full(fmt.Sprintf("import {\n  to = %s\n  %s = %q\n}\n", s.address(), by, value))
}

// forget takes the object out of the state.
func (w *world) forget(ctx context.Context, s *scene) (err error) {
	r, err := w.open(ctx, s.full())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	_, err = r.ForgetObjects(ctx, []string{s.address()})
	return err
}

// sealed looks for secrets in the files of the state.
func (w *world) sealed() error {
	files, err := filepath.Glob(filepath.Join(w.dir, "stack", core.StateDir, "*"))
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, secret := range w.secrets {
			if len(secret) >= 6 && bytes.Contains(data, []byte(secret)) {
				return fmt.Errorf("%s holds a secret of %d characters as plain text", filepath.Base(name), len(secret))
			}
		}
	}
	return nil
}

// outside deletes the object behind the state's back: the state is put back to
// what it was before a delete.
func (w *world) outside(ctx context.Context, s *scene, with, without []string) error {
	vanish := func() error {
		if err := w.setAside(); err != nil {
			return err
		}
		if _, err := w.apply(ctx, s.base()); err != nil {
			return err
		}
		return w.putBack()
	}
	err := vanish()
	if err == nil {
		var have []string
		if have, err = w.inventory(ctx); err == nil {
			err = differ(without, have)
		}
	}
	if !w.judge(DeleteWorks, s.typ.Name, "", err) {
		return nil
	}
	if !w.judge(GoneNoticed, s.typ.Name, "", w.noticed(ctx, s)) {
		return nil
	}
	if !w.judge(GoneRecreated, s.typ.Name, "", w.recovered(ctx, s.full(), with)) {
		return nil
	}
	if err := vanish(); err != nil {
		return err
	}
	w.judge(DeletedTwice, s.typ.Name, "", w.deletedTwice(ctx, s, without))
	return nil
}

// setAside copies the state, as it is now.
func (w *world) setAside() error {
	kept := filepath.Join(w.dir, "kept")
	return errors.Join(os.RemoveAll(kept), os.CopyFS(kept, os.DirFS(filepath.Join(w.dir, "stack", core.StateDir))))
}

// putBack makes the state what it was when it was set aside: what was done
// since was done behind its back.
func (w *world) putBack() error {
	here := filepath.Join(w.dir, "stack", core.StateDir)
	return errors.Join(os.RemoveAll(here), os.CopyFS(here, os.DirFS(filepath.Join(w.dir, "kept"))))
}

// deletedTwice sends the delete of an object that is gone: nobody looks before.
func (w *world) deletedTwice(ctx context.Context, s *scene, want []string) error {
	if err := w.unseen(ctx, s.base()); err != nil {
		return err
	}
	return w.recovered(ctx, s.base(), want)
}

// unseen applies a text to what the state holds, without reading it anew.
func (w *world) unseen(ctx context.Context, text string) (err error) {
	r, err := w.open(ctx, text)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	p, diags := r.Plan(ctx, core.PlanOptions{SkipRefresh: true})
	if err := r.failed(diags); err != nil {
		return err
	}
	return r.carry(ctx, p)
}

// noticed checks that the plan makes the lost object again.
func (w *world) noticed(ctx context.Context, s *scene) (err error) {
	r, err := w.open(ctx, s.full())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	p, err := r.look(ctx)
	if err != nil {
		return err
	}
	want := plan.Create
	if !s.typ.Create.Handler && len(s.typ.Create.Calls) == 0 {
		want = plan.Update // it is made of blocks, and they are gone
	}
	if action, _ := step(p, s.address()); action != want {
		return fmt.Errorf("the plan says %s", action)
	}
	return nil
}

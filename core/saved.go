package core

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/cloud"
	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/plan/saved"
	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
	"github.com/moldctl/moldctl/core/state"
)

// Saved is a plan that was read from a file. Given to Load, it brings its own
// sources and variables.
type Saved struct {
	Content *saved.Content
	dir     string // the stack's folder
	lineage string // of the state
}

// OpenSaved reads a plan file. The stack's folder is where it was when the plan
// was made, unless dir names another.
func OpenSaved(ctx context.Context, data []byte, dir string, getenv func(string) (string, bool)) (*Saved, error) {
	packed, err := saved.Unpack(data)
	if err != nil {
		return nil, err
	}
	h := packed.Header
	if dir == "" {
		dir = h.Dir
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	place, err := placeOf(h, dir, getenv)
	if err != nil {
		return nil, err
	}
	store, err := state.Open(ctx, place, state.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	if !store.Exists() {
		return nil, fmt.Errorf("the state it was made for is not at %s; say with -C where the stack's folder is now", store.Name())
	}
	if store.Lineage() != h.Lineage {
		return nil, fmt.Errorf("it was made for another state than the one at %s; plan again", store.Name())
	}
	content, err := packed.Open(store)
	if err != nil {
		return nil, err
	}
	return &Saved{Content: content, dir: dir, lineage: h.Lineage}, nil
}

// placeOf finds the state of a plan file. What stands in the file's open part
// was not proved yet, so it leads nowhere but to places that states have.
func placeOf(h saved.Header, dir string, getenv func(string) (string, bool)) (state.Place, error) {
	p := state.Place{File: filepath.Join(dir, StateDir, filepath.Base(h.File)), Stack: h.Stack, Environment: h.Environment}
	if h.File != "" {
		if name := filepath.Base(h.File); name != "state.db" && name != "embedded.db" {
			return p, fmt.Errorf("its first lines name no state: the file was damaged")
		}
		return p, nil
	}
	if getenv != nil {
		p.URL, _ = getenv(StateURLVariable)
	}
	if p.URL == "" {
		// What else may be wrong with the stack there is not asked: the plan
		// brings its own.
		stack, _ := spec.Load(dir, spec.Options{})
		if p.URL = stack.Store.Postgres; p.URL == "" {
			return p, fmt.Errorf("its state lies in a database; say in %s where that is", StateURLVariable)
		}
	}
	return p, nil
}

// path is the stack's file or folder.
func (s *Saved) path() string { return filepath.Join(s.dir, filepath.FromSlash(s.Content.Path)) }

// texts are the sources by absolute name.
func (s *Saved) texts() map[string][]byte {
	if s == nil {
		return nil
	}
	out := make(map[string][]byte, len(s.Content.Sources))
	for name, text := range s.Content.Sources {
		out[filepath.Join(s.dir, filepath.FromSlash(name))] = []byte(text)
	}
	return out
}

// flags are the cloud settings of the plan's command line, where this one says
// nothing.
func (s *Saved) flags(given cloud.Values) cloud.Values {
	out := cloud.Values{}
	maps.Copy(out, s.Content.Flags)
	for name, v := range given {
		if v != "" {
			out[name] = v
		}
	}
	return out
}

// options are what was asked of the plan.
func (s *Saved) options() (PlanOptions, error) {
	from := s.Content.Options
	o := PlanOptions{Destroy: from.Destroy, SkipRefresh: from.SkipRefresh, RefreshOnly: from.RefreshOnly, AcceptMissing: from.AcceptMissing}
	for _, part := range []struct {
		text []string
		into *[]addr.Target
	}{{from.Targets, &o.Limits.Targets}, {from.Excludes, &o.Limits.Excludes}, {from.Replace, &o.Replace}} {
		for _, text := range part.text {
			t, err := addr.ParseTarget(text)
			if err != nil {
				return o, err
			}
			*part.into = append(*part.into, t)
		}
	}
	return o, nil
}

// recalled takes the values of variables from the saved plan.
func (e *Engine) recalled() hcl.Diagnostics {
	var err error
	if e.variables, err = saved.Values(e.settings.Saved.Content.Variables); err != nil {
		return diag.FromError("Saved plan cannot be read", err)
	}
	return nil
}

// openState opens the state, and makes it before if it has to be there.
func (e *Engine) openState(ctx context.Context, a Access) (*state.Store, error) {
	session, err := state.Open(ctx, e.place(), e.storeOptions(a))
	if err != nil || a.Write || !a.Create || session.Exists() {
		return session, err
	}
	writing := a
	writing.Write = true
	made, err := state.Open(ctx, e.place(), e.storeOptions(writing))
	if err = errors.Join(session.Close(), err); err != nil {
		return nil, err
	}
	if err := made.Close(); err != nil {
		return nil, err
	}
	return state.Open(ctx, e.place(), e.storeOptions(a))
}

// SavePlan seals a plan under the state's key, as it goes into a file.
func (e *Engine) SavePlan(ctx context.Context, p *plan.Plan, o PlanOptions) ([]byte, error) {
	c := &saved.Content{
		Version: e.settings.Version, Made: time.Now().UTC(), Stack: e.Stack.Name, Sources: map[string]string{}, Flags: e.settings.Flags,
		Plugins: e.pluginDigests(p), Clouds: map[string]saved.Cloud{}, Drift: saved.Drift(p), Options: saved.Options{
			Destroy: o.Destroy, SkipRefresh: o.SkipRefresh, RefreshOnly: o.RefreshOnly, AcceptMissing: o.AcceptMissing,
			Targets: texts(o.Limits.Targets), Excludes: texts(o.Limits.Excludes), Replace: texts(o.Replace),
		},
	}
	var err error
	for name, file := range e.sources {
		if name, err = e.below(name); err != nil {
			return nil, err
		}
		c.Sources[name] = string(file.Bytes)
	}
	if c.Path, err = e.below(e.settings.Path); err != nil {
		return nil, err
	}
	if c.Variables, err = saved.NewVariables(e.variables); err != nil {
		return nil, err
	}
	if c.Files, err = p.Config.Files(); err != nil {
		return nil, err
	}
	if c.Steps, err = saved.Steps(p); err != nil {
		return nil, err
	}
	for _, alias := range e.aliases() {
		now, _, err := e.identity(ctx, alias)
		if err != nil {
			return nil, err
		}
		c.Clouds[alias] = savedCloud(now)
	}
	h := saved.Header{Version: c.Version, Dir: e.Stack.Dir, Lineage: e.session.Lineage()}
	place := e.place()
	if place.URL == "" {
		h.File = filepath.Base(place.File)
	} else {
		h.Environment, h.Stack = place.Environment, place.Stack
	}
	return saved.Pack(h, c, e.session)
}

// below names a file as seen from the stack's folder.
func (e *Engine) below(name string) (string, error) {
	whole, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(e.Stack.Dir, whole)
	return filepath.ToSlash(rel), err
}

func texts(list []addr.Target) []string {
	var out []string
	for _, t := range list {
		out = append(out, t.String())
	}
	return out
}

func savedCloud(b state.Binding) saved.Cloud {
	return saved.Cloud{Endpoint: b.Endpoint, ZoneID: b.ZoneID, DomainID: b.DomainID, AccountID: b.AccountID, ProjectID: b.ProjectID}
}

// pluginDigests tells which plugins a plan rests on and what they are.
func (e *Engine) pluginDigests(p *plan.Plan) map[string]string {
	used := map[string]bool{}
	for _, s := range p.Steps {
		used[s.Type.Plugin] = true
	}
	self, _ := os.Executable() // what is this program itself is told by its version
	out := map[string]string{}
	for _, src := range e.settings.Plugins {
		if used[src.Name] {
			out[src.Name] = digestOf(src, self)
		}
	}
	return out
}

func digestOf(src pluginhost.Source, self string) string {
	h := sha256.New()
	h.Write(src.Spec)
	if len(src.Command) > 0 && src.Command[0] != self {
		sum, err := plan.Digest(src.Command[0])
		fmt.Fprintf(h, "\x00%s%v", sum, err != nil)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// PlanSaved makes a saved plan again and refuses it where anything is not as
// it was. What comes back holds the steps of the saved plan and no others.
func (e *Engine) PlanSaved(ctx context.Context) (*plan.Plan, hcl.Diagnostics) {
	c := e.settings.Saved.Content
	var diags hcl.Diagnostics
	refuse := func(format string, args ...any) {
		diags = append(diags, diag.Errorf(nil, "Saved plan is out of date", format+" Plan again.", args...))
	}
	if c.Version != e.settings.Version {
		refuse("It was made by moldctl %s, and this is moldctl %s.", c.Version, e.settings.Version)
	}
	if e.session.Lineage() != e.settings.Saved.lineage {
		refuse("The state is another one than that which the plan was made for.")
	}
	diags = append(diags, e.sameClouds(ctx, c)...)
	o, err := e.settings.Saved.options()
	if err != nil {
		diags = append(diags, diag.FromError("Saved plan cannot be read", err)...)
	}
	if diags.HasErrors() {
		return nil, diags
	}
	p, diags := e.Plan(ctx, o)
	if diags.HasErrors() {
		return nil, append(diags, e.changedFiles(c)...)
	}
	for name, now := range e.pluginDigests(p) {
		if was, ok := c.Plugins[name]; ok && was != now {
			refuse("The plugin %q is another one than when the plan was made.", name)
		}
	}
	more := c.Match(p)
	if more.HasErrors() {
		more = append(more, e.changedFiles(c)...)
	}
	if diags = append(diags, more...); diags.HasErrors() {
		return nil, diags
	}
	return p, diags
}

// sameClouds compares where and as whom each cloud alias acts.
func (e *Engine) sameClouds(ctx context.Context, c *saved.Content) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, alias := range e.aliases() {
		was, ok := c.Clouds[alias]
		if !ok {
			continue
		}
		b, _, err := e.identity(ctx, alias)
		if err != nil {
			return append(diags, diag.FromError("Cloud cannot be used", err)...)
		}
		name := "the default cloud"
		if alias != "" {
			name = fmt.Sprintf("the cloud %q", alias)
		}
		is := savedCloud(b)
		var different []string
		for _, part := range []struct{ what, was, is string }{
			{"endpoint", was.Endpoint, is.Endpoint}, {"zone", was.ZoneID, is.ZoneID}, {"domain", was.DomainID, is.DomainID},
			{"account", was.AccountID, is.AccountID}, {"project", was.ProjectID, is.ProjectID},
		} {
			if part.was != part.is {
				different = append(different, fmt.Sprintf("%s %q, now %q", part.what, part.was, part.is))
			}
		}
		if len(different) > 0 {
			diags = append(diags, diag.Errorf(nil, "Saved plan is for another cloud",
				"The plan was made with %s at %s. Use the credentials and settings it was made with, or plan again.", name, strings.Join(different, "; ")))
		}
	}
	return diags
}

// changedFiles names the files that are not as they were: what differs in the
// plan most likely differs because of them.
func (e *Engine) changedFiles(c *saved.Content) hcl.Diagnostics {
	var names []string
	for name, was := range c.Files {
		if now, err := plan.Digest(name); err != nil || now != was {
			if rel, err := e.below(name); err == nil {
				name = rel
			}
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return hcl.Diagnostics{diag.Errorf(nil, "Saved plan is out of date", "Files that the stack reads have changed since the plan was made: %s. Plan again.", strings.Join(names, ", "))}
}

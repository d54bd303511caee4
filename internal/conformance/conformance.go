// Package conformance tests plugins as their users will: it applies their
// examples to an embedded cloud through the engine, changes one attribute at a
// time, deletes objects behind the plugin's back, kills its process at every
// call, and compares what exists with what should. Every check has a name and
// a sentence that says what is promised.
//
// It uses the engine and the embedded cloud, and knows no plugin: a bundled
// one and a stranger's are tested alike. Only commands and tests import it.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// Subject is the plugin under test.
type Subject struct {
	Source pluginhost.Source
	// Files is the folder of the plugin.yaml, with the examples it names and
	// perhaps a conformance.yaml.
	Files fs.FS
	// Others serve the types that examples use beside the plugin's own.
	Others []pluginhost.Source
	// Inside, if set, reaches the plugin without a process, for the parts that
	// neither kill it nor look at what it writes: see pluginhost.Source.Dial.
	Inside func() (rpc wire.PluginClient, hangUp func())
}

// Options say how much is tested.
type Options struct {
	Types    []string // none: all resource types of the plugin
	Random   int      // random configurations of each type
	Seed     uint64   // of the random configurations
	Parallel int      // how many parts run at once; default 1
	Brief    bool     // leave out changes, kills and mishaps
	Thorough bool     // kill at every call, rather than at the first and the last
	Parts    []string // "text" and names of Parts; none: all that Brief does not leave out
	Listings []string // what an inventory counts; none: all that the cloud lists
	Observe  func(Result)
}

// Run tests a plugin. The error says that testing was impossible; what is
// wrong with the plugin is in the report.
func Run(ctx context.Context, s Subject, o Options) (*Report, error) {
	started := time.Now()
	k := &kit{subject: s, options: o, listed: o.Listings, report: &Report{Plugin: s.Source.Name, Seed: o.Seed}}
	spec, diags := pluginspec.Parse("plugin.yaml", s.Source.Spec)
	k.judge(SpecParses, "", "", diagError(diags))
	if diags.HasErrors() {
		return k.report, nil
	}
	k.spec = spec
	k.subject.Source.Parsed = spec
	// Every engine of the test would read them again.
	k.subject.Others = slices.Clone(s.Others)
	for i, other := range k.subject.Others {
		if p, diags := pluginspec.Parse(other.Name+"/plugin.yaml", other.Spec); !diags.HasErrors() {
			k.subject.Others[i].Parsed = p
		}
	}
	k.report.Plugin, k.report.Version = spec.Name, spec.Version
	hints, err := readHints(s.Files)
	if err != nil {
		return nil, err
	}
	k.hints = hints
	if k.scratch, err = os.MkdirTemp("", "moldctl-conformance-"); err != nil {
		return nil, fmt.Errorf("make a folder to test in: %w", err)
	}
	defer os.RemoveAll(k.scratch)
	if err := k.all(ctx); err != nil {
		return nil, err
	}
	slices.SortStableFunc(k.report.Results, Result.compare)
	k.report.Seconds = time.Since(started).Seconds()
	return k.report, nil
}

// kit is one test of one plugin.
type kit struct {
	subject Subject
	options Options
	spec    *pluginspec.Plugin
	hints   hints
	scratch string

	mu     sync.Mutex
	report *Report
	worlds int
	listed []string // the listings of the cloud, found out once
}

// types are those to be tested.
func (k *kit) types() ([]*pluginspec.Type, error) {
	var list []*pluginspec.Type
	for _, name := range slices.Sorted(maps.Keys(k.spec.Types)) {
		t := k.spec.Types[name]
		if t.IsResource() && (len(k.options.Types) == 0 || slices.Contains(k.options.Types, name)) {
			list = append(list, t)
		}
	}
	for _, name := range k.options.Types {
		if t := k.spec.Types[name]; t == nil || !t.IsResource() {
			return nil, fmt.Errorf("plugin %s has no resource type %q", k.spec.Name, name)
		}
	}
	return list, nil
}

// part is a piece of the test with a cloud of its own.
type part func(ctx context.Context, w *world, sc *scene) error

// Parts names the parts of a test beside that of the text, in their order.
func Parts() []string {
	return []string{"example", "life", "user", "random", "random-user", "changes", "kills", "mishaps"}
}

// parts are those to be run.
func (k *kit) parts() ([]part, error) {
	all := map[string]part{
		"example": example, "life": life, "user": user, "random": random, "random-user": randomAsUser,
		"changes": changes, "kills": kills, "mishaps": mishaps,
	}
	var list []part
	for _, name := range Parts() {
		long := name == "changes" || name == "kills" || name == "mishaps"
		if slices.Contains(k.options.Parts, name) || len(k.options.Parts) == 0 && !(k.options.Brief && long) {
			list = append(list, all[name])
		}
	}
	for _, name := range k.options.Parts {
		if all[name] == nil && name != "text" {
			return nil, fmt.Errorf("there is no part %q: the parts are text, %s", name, strings.Join(Parts(), ", "))
		}
	}
	return list, nil
}

// all checks the text, then each type on clouds of its own.
func (k *kit) all(ctx context.Context) error {
	types, err := k.types()
	if err != nil {
		return err
	}
	parts, err := k.parts()
	if err != nil {
		return err
	}
	k.lint()
	type task struct {
		scene *scene
		run   part
	}
	var tasks []task
	for _, t := range types {
		k.describe(t)
		sc, err := k.scene(t)
		k.judge(ExampleStands, t.Name, "", err)
		if err != nil {
			continue
		}
		if err := k.reachable(); err != nil {
			k.judge(CreateWorks, t.Name, "", err)
			continue
		}
		for _, run := range parts {
			tasks = append(tasks, task{sc, run})
		}
	}
	work := make(chan task)
	var wg sync.WaitGroup
	var failed []error
	for range max(k.options.Parallel, 1) {
		wg.Go(func() {
			for t := range work {
				if err := k.perform(ctx, t.scene, t.run); err != nil {
					k.mu.Lock()
					failed = append(failed, fmt.Errorf("%s: %w", t.scene.typ.Name, err))
					k.mu.Unlock()
				}
			}
		})
	}
	for _, t := range tasks {
		if ctx.Err() != nil {
			break
		}
		work <- t
	}
	close(work)
	wg.Wait()
	return errors.Join(append(failed, ctx.Err())...)
}

func (k *kit) perform(ctx context.Context, sc *scene, run part) error {
	w, err := k.world(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	return run(ctx, w, sc)
}

// judge notes the outcome of a check: passed without an error.
func (k *kit) judge(c Check, typ, about string, err error) bool {
	r := Result{Check: c.Name, Says: c.Says, Type: typ, About: about, Outcome: Passed}
	var skip skipped
	if reason := k.hints.Types[typ].Checks[c.Name]; err != nil && reason != "" {
		err = skipf("%s: %s", HintsFile, reason)
	}
	switch {
	case errors.As(err, &skip):
		r.Outcome, r.Text = Skipped, string(skip)
	case err != nil:
		r.Outcome, r.Text = Failed, err.Error()
		r.Where, r.Advice = k.place(c, typ, about, err), guide()[c.Name].advice
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.report.Results = append(k.report.Results, r)
	if k.options.Observe != nil {
		k.options.Observe(r)
	}
	return err == nil
}

// skipped is why a check was not made.
type skipped string

func (s skipped) Error() string { return string(s) }

func skipf(format string, args ...any) error { return skipped(fmt.Sprintf(format, args...)) }

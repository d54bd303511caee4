package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/moldctl/moldctl/core"
	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/plan/saved"
)

// save writes a plan into a file. A plan that is there already is replaced;
// any other file is left alone.
func (s *session) save(ctx context.Context, p *plan.Plan, o core.PlanOptions, file string) error {
	data, err := s.SavePlan(ctx, p, o)
	if err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	there, err := isPlan(file)
	if err == nil && !there {
		return fmt.Errorf("save the plan: %s is there already and is no plan; name another file", file)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("save the plan: %w", err)
	}
	if err := replaceFile(file, data); err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	s.note("Saved the plan as %s; it is encrypted with the state's key. To carry out just this: moldctl apply %s", file, file)
	return nil
}

// replaceFile writes a whole file or nothing; only its owner may read it.
func replaceFile(name string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if _, err = f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	if err = f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// isPlan tells whether a file begins as a saved plan does.
func isPlan(file string) (bool, error) {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() {
		return false, err
	}
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, len(saved.Magic))
	n, err := io.ReadFull(f, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return saved.Is(head[:n]), err
}

// readSaved reads a saved plan.
func readSaved(ctx context.Context, file, dir string) (*core.Saved, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, saved.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read the plan %s: %w", file, err)
	}
	if len(data) > saved.MaxSize {
		return nil, fmt.Errorf("the plan %s cannot be used: it is larger than any plan is", file)
	}
	p, err := core.OpenSaved(ctx, data, dir, os.LookupEnv)
	if err != nil {
		return nil, fmt.Errorf("the plan %s cannot be used: %w", file, err)
	}
	return p, nil
}

// applySaved carries out just what a saved plan shows, without asking.
func (c *applyCommand) applySaved(ctx context.Context, io streams) (err error) {
	if err := c.refuseWithPlan(); err != nil {
		return err
	}
	file := c.Path
	from, err := readSaved(ctx, file, c.Dir)
	if err != nil {
		if c.JSON {
			return errors.Join(writeJSON(io.out, map[string]any{"type": "error", "diagnostics": diag.ToJSON(diag.FromError("Saved plan cannot be used", err), nil)}), exitCode(exitError))
		}
		return err
	}
	in := catchInterrupts(ctx, io.err)
	defer in.release()
	s, err := open(in.ctx, io, c.stackFlags, need{cloud: &c.cloudFlags, run: c.runFlags, write: true, saved: from, holder: "apply"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	p, diags := s.PlanSaved(in.ctx)
	if diags.HasErrors() {
		return s.fail(diags)
	}
	s.report(diags)
	if err := s.show(p); err != nil {
		return err
	}
	job := change{stack: c.stackFlags, detailed: c.DetailedExitcode, strict: c.Strict, verb: "apply"}
	job.options.Destroy = p.Destroy
	return job.carryOut(in, s, p)
}

// refuseWithPlan refuses flags that say how to plan: the plan is made.
func (c *applyCommand) refuseWithPlan() error {
	for _, flag := range []struct {
		name  string
		given bool
	}{
		{"--var", len(c.Var) > 0}, {"--var-file", len(c.VarFile) > 0}, {"--target", len(c.Target) > 0}, {"--exclude", len(c.Exclude) > 0},
		{"--replace", len(c.Replace) > 0}, {"--refresh-only", c.RefreshOnly}, {"--refresh=false", !c.Refresh}, {"--accept-missing", c.AcceptMissing},
	} {
		if flag.given {
			return fmt.Errorf("%s is a saved plan, and %s says how to plan; give it to moldctl plan", c.Path, flag.name)
		}
	}
	return nil
}

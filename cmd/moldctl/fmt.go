package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/diff"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec"
)

type fmtCommand struct {
	Paths     []string `arg:"" optional:"" help:"Files or folders; the current folder if there is none, - for standard input."`
	Check     bool     `help:"Change nothing; exit with 1 if a file is not in the usual layout."`
	Diff      bool     `help:"Show what changes."`
	Recursive bool     `short:"r" help:"Format the files of subfolders too."`
	NoColor   bool     `help:"Write without colours (also: NO_COLOR is set)."`
}

// Run brings stack files into the usual layout and lists those it changed.
func (c *fmtCommand) Run(io streams) error {
	if len(c.Paths) == 1 && c.Paths[0] == "-" {
		return c.stdin(io)
	}
	if len(c.Paths) == 0 {
		c.Paths = []string{"."}
	}
	var files []string
	for _, path := range c.Paths {
		found, err := spec.FormatFiles(path, c.Recursive)
		if err != nil {
			return fmt.Errorf("look for stack files: %w", err)
		}
		files = append(files, found...)
	}
	shown := map[string]*hcl.File{}
	var diags hcl.Diagnostics
	changed := false
	for _, name := range files {
		src, more := spec.ReadSource(name)
		diags = append(diags, more...)
		if more.HasErrors() {
			continue
		}
		out, file, more := spec.Format(name, src)
		shown[name], diags = file, append(diags, more...)
		if more.HasErrors() || bytes.Equal(src, out) {
			continue
		}
		changed = true
		if err := c.changed(io, name, src, out); err != nil {
			return err
		}
	}
	if len(diags) > 0 {
		printer := diag.Printer{Files: shown, Width: columns(io.err), Color: !c.NoColor && colored(io.err)}
		if err := printer.Print(io.err, diags); err != nil {
			return err
		}
	}
	if diags.HasErrors() || c.Check && changed {
		return exitCode(exitError)
	}
	return nil
}

// changed names a file whose layout is not the usual one, and rewrites it.
func (c *fmtCommand) changed(io streams, name string, src, out []byte) error {
	fmt.Fprintln(io.out, name)
	if c.Diff {
		if _, err := io.out.Write(diff.Diff(name, src, name+" (formatted)", out)); err != nil {
			return err
		}
	}
	if c.Check {
		return nil
	}
	return rewrite(name, out)
}

// stdin formats HCL from standard input: what an editor asks for.
func (c *fmtCommand) stdin(s streams) error {
	src, err := io.ReadAll(s.in)
	if err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	const name = "standard input"
	out, file, diags := spec.Format(name, src)
	if diags.HasErrors() {
		printer := diag.Printer{Files: map[string]*hcl.File{name: file}, Width: columns(s.err), Color: !c.NoColor && colored(s.err)}
		return errors.Join(printer.Print(s.err, diags), exitCode(exitError))
	}
	if c.Diff {
		_, err = s.out.Write(diff.Diff(name, src, "formatted", out))
	} else if !c.Check {
		_, err = s.out.Write(out)
	}
	if err == nil && c.Check && !bytes.Equal(src, out) {
		return exitCode(exitError)
	}
	return err
}

// rewrite replaces a file in one step, with its mode, also behind a link.
func rewrite(name string, text []byte) error {
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return fmt.Errorf("rewrite %s: %w", name, err)
	}
	info, err := os.Stat(target)
	if err != nil {
		return fmt.Errorf("rewrite %s: %w", name, err)
	}
	f, err := os.CreateTemp(filepath.Dir(target), ".moldctl-fmt-*")
	if err != nil {
		return fmt.Errorf("rewrite %s: %w", name, err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Close()); err == nil {
		err = os.Rename(f.Name(), target)
	}
	if err != nil {
		return fmt.Errorf("rewrite %s: %w", name, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/core"
	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/source"
	"github.com/moldctl/moldctl/specs"
)

type initCommand struct {
	Path    string `arg:"" optional:"" default:"." help:"Stack whose modules and plugins are fetched; or an empty folder to write a starter stack into, which is made if there is none."`
	Upgrade bool   `help:"Look for newer versions of modules, and take what was changed under its name."`
	NoColor bool   `help:"Write without colours (also: NO_COLOR is set)."`
}

// Run prepares a stack: it fetches and locks what the stack takes from
// elsewhere. Where there is no stack it writes one to start from.
func (c *initCommand) Run(ctx context.Context, io streams) error {
	found, err := hasStack(c.Path)
	if err != nil {
		return err
	}
	if found {
		return c.fetch(ctx, io)
	}
	return c.starter(io)
}

// hasStack tells whether there is a stack at a path.
func hasStack(path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find the stack: %w", err)
	}
	if !info.IsDir() {
		return true, nil
	}
	for _, pattern := range []string{"*.hcl", "*.yaml", "*.yml"} {
		found, err := filepath.Glob(filepath.Join(path, pattern))
		if err != nil {
			return false, err
		}
		for _, name := range found {
			if filepath.Base(name) != source.LockFile {
				return true, nil
			}
		}
	}
	return false, nil
}

func (c *initCommand) fetch(ctx context.Context, io streams) error {
	settings, err := sourceSettings(c.Path)
	if err != nil {
		return err
	}
	before, err := lockOf(c.Path)
	if err != nil {
		before = &source.Lock{} // what is wrong with it is said below, with its place
	}
	told := 0
	stack, diags := core.Init(ctx, settings, c.Upgrade, func(line string) {
		told++
		fmt.Fprintf(io.err, "%s ...\n", line)
	})
	printer := diag.Printer{Files: stack.Files, Width: columns(io.err), Color: !c.NoColor && colored(io.err)}
	if err := printer.Print(io.err, diags); err != nil {
		return err
	}
	if diags.HasErrors() {
		return exitCode(exitError)
	}
	lock := filepath.Join(stack.Dir, source.LockFile)
	switch _, err := os.Stat(lock); {
	case errors.Is(err, fs.ErrNotExist):
		fmt.Fprintf(io.out, "The stack %q is there already and takes nothing from elsewhere: there is nothing to fetch.\n", stack.Name)
	case told == 0:
		fmt.Fprintf(io.out, "Everything that the stack %q takes from elsewhere is here, as %s has it.\n", stack.Name, source.LockFile)
	default:
		after, err := source.ReadLock(stack.Dir)
		if err != nil {
			return err
		}
		tellLocked(io, "module", before.Modules, after.Modules)
		tellLocked(io, "plugin", before.Plugins, after.Plugins)
		fmt.Fprintf(io.out, "The stack %q is ready. Keep %s in version control.\n", stack.Name, source.LockFile)
	}
	return nil
}

// sourceSettings are what the commands need that fetch things for a stack.
func sourceSettings(path string) (core.Settings, error) {
	plugins, err := pluginSources()
	if err != nil {
		return core.Settings{}, err
	}
	serve, err := serveCommand()
	return core.Settings{
		Path: path, Version: version, Getenv: os.LookupEnv, Home: home(), Plugins: plugins, Cache: cacheFolder(home()), ServePlugin: serve,
	}, err
}

// cacheFolder is where modules and plugins from elsewhere lie; "" if there is
// no place for them.
func cacheFolder(home string) string {
	if dir := os.Getenv("MOLDCTL_CACHE_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "sources")
	}
	if dir := os.Getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "moldctl", "sources")
	}
	if home == "" {
		return ""
	}
	return filepath.Join(home, ".cache", "moldctl", "sources")
}

// starter writes a starter stack. It never overwrites a file.
func (c *initCommand) starter(io streams) error {
	if err := os.MkdirAll(c.Path, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	path := filepath.Join(c.Path, "spec.hcl")
	if err := writeNew(path, specs.WebAutoscale); err != nil {
		return err
	}
	// The state holds ids and encrypted secrets of one installation.
	ignore := filepath.Join(c.Path, ".gitignore")
	if err := writeNew(ignore, []byte(core.StateDir+"/\n")); errors.Is(err, fs.ErrExist) {
		text, err := os.ReadFile(ignore)
		if err != nil {
			return err
		}
		if !strings.Contains(string(text), core.StateDir) {
			fmt.Fprintf(io.err, "Add %s/ to %s: it holds the state.\n", core.StateDir, ignore)
		}
	} else if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "Wrote %s. Next:\n\n  moldctl plan %s\n  moldctl apply %[2]s\n", path, c.Path)
	return nil
}

// writeNew writes a file that must not be there yet.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and is not written over: choose another name or folder", path)
	}
	if err != nil {
		return fmt.Errorf("write a new file: %w", err)
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// lockOf reads the lock file of a stack; one that is not there holds nothing.
func lockOf(path string) (*source.Lock, error) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		path = filepath.Dir(path)
	}
	return source.ReadLock(path)
}

// tellLocked says which versions were locked, where that is news.
func tellLocked(io streams, kind string, before, after map[string]source.Entry) {
	for _, name := range slices.Sorted(maps.Keys(after)) {
		now, was := after[name], before[name]
		if now.Version == was.Version && now.Revision == was.Revision && maps.Equal(now.Hashes, was.Hashes) {
			continue
		}
		fmt.Fprintf(io.out, "Locked the %s %s: %s", kind, name, edition(now))
		if was.Name != "" {
			fmt.Fprintf(io.out, ", before %s", edition(was))
		}
		fmt.Fprintln(io.out)
	}
}

// edition is what a locked thing is known by: its version, and where it came
// from a repository the revision.
func edition(e source.Entry) string {
	var parts []string
	for _, part := range []string{e.Version, shortened(e.Revision)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return "its present content"
	}
	return strings.Join(parts, ", ")
}

// shortened is a commit or digest as people write it.
func shortened(revision string) string {
	algorithm, digest, ok := strings.Cut(revision, ":")
	if !ok {
		return revision[:min(len(revision), 12)]
	}
	return algorithm + ":" + digest[:min(len(digest), 12)]
}

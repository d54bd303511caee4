package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/core"
	"github.com/moldctl/moldctl/core/installed"
	"github.com/moldctl/moldctl/core/source"
	"github.com/moldctl/moldctl/core/spec"
)

type pluginInstallCommand struct {
	Source   string   `arg:"" help:"A folder; an archive (.zip, .tar.gz), on disk or https; git::URL?ref=TAG; oci://HOST/NAME:TAG. What follows // is a folder inside. {platform} in it stands for linux_amd64 and the like."`
	Path     string   `short:"C" default:"." placeholder:"PATH" help:"Stack file or folder to install for."`
	Version  string   `placeholder:"CONSTRAINT" help:"Version that is wanted, such as \"~> 1.2\"; of git and registries the newest that fits is taken."`
	Platform []string `placeholder:"OS_ARCH" help:"Lock it for this platform too; may be given several times."`
}

// Run installs a plugin and locks it.
func (c *pluginInstallCommand) Run(ctx context.Context, io streams) error {
	var allowed spec.Constraint
	if c.Version != "" {
		var err error
		if allowed, err = spec.ParseConstraint(c.Version); err != nil {
			return fmt.Errorf("--version: %w", err)
		}
	}
	settings, err := sourceSettings(c.Path)
	if err != nil {
		return err
	}
	own := source.Platform()
	platforms := append([]string{own}, slices.DeleteFunc(slices.Clone(c.Platform), func(p string) bool { return p == own })...)
	for _, platform := range platforms {
		settings.Platform = platform
		p, e, err := core.InstallPlugin(ctx, settings, c.Source, ".", allowed)
		if err != nil {
			return fmt.Errorf("install plugin: %w", err)
		}
		if platform == own {
			c.report(io, p, e)
		}
	}
	return nil
}

func (c *pluginInstallCommand) report(io streams, p installed.Plugin, e source.Entry) {
	fmt.Fprintf(io.out, "Installed %s %s from %s.\n", e.Name, e.Version, e.From())
	l := describe(p.Spec)
	if names := slices.Concat(l.Resources, l.Data, l.Steps); len(names) > 0 {
		slices.Sort(names)
		fmt.Fprintf(io.out, "  serves %s\n", strings.Join(slices.Compact(names), ", "))
	}
	if p.Program != "" {
		fmt.Fprintln(io.out, "  runs a program of its own on this machine")
	}
	if slices.Contains(e.Needs, "cloud") {
		fmt.Fprintln(io.out, "  is given the credentials of the stack's clouds (needs: [cloud])")
	}
	fmt.Fprintf(io.out, "Keep %s in version control.\n", source.LockFile)
}

type pluginRemoveCommand struct {
	Name string `arg:"" help:"Name of an installed plugin."`
	Path string `short:"C" default:"." placeholder:"PATH" help:"Stack file or folder."`
}

// Run takes a plugin out of the lock file.
func (c *pluginRemoveCommand) Run(io streams) error {
	for _, b := range bundledPlugins() {
		if b.name == c.Name {
			return fmt.Errorf("the plugin %q is bundled and cannot be removed", c.Name)
		}
	}
	settings, err := sourceSettings(c.Path)
	if err != nil {
		return err
	}
	e, err := core.RemovePlugin(settings, c.Name)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "Removed %s %s. To have it again: moldctl plugin install %s\n", e.Name, e.Version, e.From())
	return nil
}

type pluginPackCommand struct {
	Path   string `arg:"" optional:"" default:"." help:"Folder of the plugin."`
	Output string `short:"o" placeholder:"FILE" help:"Archive to write; NAME_VERSION.tar.gz unless given."`
}

// Run packs a plugin that could be installed.
func (c *pluginPackCommand) Run(ctx context.Context, io streams) (err error) {
	p, err := openPlugin(c.Path)
	if err != nil {
		return err
	}
	if p.bundled != "" {
		return fmt.Errorf("the plugin %q is bundled; there is no folder of it to pack", p.bundled)
	}
	own, err := installed.Read(p.path, source.Platform())
	if err != nil {
		return fmt.Errorf("pack %s: %w", c.Path, err)
	}
	name := c.Output
	if name == "" {
		name = fmt.Sprintf("%s_%s.tar.gz", own.Spec.Name, own.Spec.Version)
	}
	if whole, err := filepath.Abs(name); err == nil && strings.HasPrefix(whole, p.path+string(filepath.Separator)) {
		return fmt.Errorf("pack %s: the archive would lie in the folder that is packed; write it elsewhere with -o FILE", c.Path)
	}
	// Beside its place and then moved there: no half of an archive is ever seen.
	f, err := os.CreateTemp(filepath.Dir(name), ".pack-*")
	if err != nil {
		return fmt.Errorf("pack %s: %w", c.Path, err)
	}
	defer func() {
		if removed := os.Remove(f.Name()); removed != nil && !errors.Is(removed, fs.ErrNotExist) {
			err = errors.Join(err, removed)
		}
	}()
	if err := errors.Join(source.Pack(ctx, p.path, f), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fmt.Errorf("pack %s: %w", c.Path, err)
	}
	hash, err := source.HashFolder(ctx, p.path)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "Wrote %s: %s %s, %s\n", name, own.Spec.Name, own.Spec.Version, hash)
	return nil
}

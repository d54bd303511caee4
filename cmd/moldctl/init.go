package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/moldctl/moldctl/core"
	"github.com/moldctl/moldctl/specs"
)

type initCommand struct {
	Folder string `arg:"" optional:"" default:"." help:"Folder to write into; it is made if there is none."`
}

// Run writes a starter stack. It never overwrites a file, and never adds a
// stack to a folder that has one.
func (c *initCommand) Run(io streams) error {
	if err := os.MkdirAll(c.Folder, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	for _, pattern := range []string{"*.hcl", "*.yaml", "*.yml"} {
		found, err := filepath.Glob(filepath.Join(c.Folder, pattern))
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return fmt.Errorf("%s is there already, and files of one folder are one stack; choose an empty folder", found[0])
		}
	}
	path := filepath.Join(c.Folder, "spec.hcl")
	if err := writeNew(path, specs.WebAutoscale); err != nil {
		return err
	}
	// The state holds ids and encrypted secrets of one installation.
	ignore := filepath.Join(c.Folder, ".gitignore")
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
	fmt.Fprintf(io.out, "Wrote %s. Next:\n\n  moldctl plan %s\n  moldctl apply %[2]s\n", path, c.Folder)
	return nil
}

// writeNew writes a file that must not be there yet.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write a new file: %w", err)
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// Command gen writes docs/reference, a folder for each bundled plugin with a page
// for each of its types, and beside each plugin.yaml its tree.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/moldctl/moldctl/internal/reference"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: gen PLUGINS-FOLDER OUTPUT-FOLDER")
		os.Exit(2)
	}
	if err := generate(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(from, to string) error {
	specs, err := filepath.Glob(filepath.Join(from, "*", "plugin.yaml"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	schema, err := reference.Schema()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(to, "plugin.schema.json"), schema, 0o644); err != nil {
		return err
	}
	for _, path := range specs {
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		tree, err := pluginspec.EncodeTree(path, src)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "plugin.tree"), tree, 0o644); err != nil {
			return err
		}
		p, diags := pluginspec.Parse(path, src)
		if diags.HasErrors() {
			return diags
		}
		pages, err := reference.Pages(p, func(example string) (string, error) {
			b, err := os.ReadFile(filepath.Join(filepath.Dir(path), example))
			return string(b), err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := write(filepath.Join(to, p.Name), pages); err != nil {
			return err
		}
	}
	return nil
}

// write replaces what a folder holds: a type that is gone has no page.
func write(folder string, pages map[string]string) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/moldctl/moldctl/internal/draft"
	"github.com/moldctl/moldctl/sdk/apitable"
)

type pluginGenerateCommand struct {
	Type   string `arg:"" help:"Name of the type; it begins with that of the plugin: acme_group."`
	From   string `required:"" placeholder:"COMMAND" help:"Command of the API that makes an object, such as createAffinityGroup."`
	Output string `short:"o" placeholder:"DIR" help:"Folder to write plugin.yaml into; it is made if there is none. Without it the draft is shown."`
}

// Run drafts a plugin.yaml.
func (c *pluginGenerateCommand) Run(io streams) error {
	table, err := apitable.Load()
	if err != nil {
		return err
	}
	text, err := draft.Plugin(table, c.Type, c.From)
	if err != nil {
		return fmt.Errorf("draft %s: %w", c.Type, err)
	}
	if c.Output == "" {
		_, err = io.out.Write(text)
		return err
	}
	if err := os.MkdirAll(c.Output, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	path := filepath.Join(c.Output, pluginFile)
	if err := writeNew(path, text); err != nil {
		return err
	}
	fmt.Fprintf(io.out, "Wrote %s. Read it, then:\n\n  moldctl plugin lint %s\n  moldctl plugin test %[2]s\n", path, c.Output)
	return nil
}

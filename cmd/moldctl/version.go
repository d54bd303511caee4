package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCommand struct {
	JSON bool `name:"json" help:"Write JSON for programs."`
}

// versionResult is the JSON result of version.
type versionResult struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Run shows which moldctl this is.
func (c *versionCommand) Run(io streams) error {
	v := versionResult{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Revision = s.Value
			}
		}
	}
	if c.JSON {
		return writeJSON(io.out, v)
	}
	revision := ""
	if v.Revision != "" {
		revision = ", " + v.Revision[:min(12, len(v.Revision))]
	}
	_, err := fmt.Fprintf(io.out, "moldctl %s (%s, %s%s)\n", v.Version, v.Go, v.Platform, revision)
	return err
}
